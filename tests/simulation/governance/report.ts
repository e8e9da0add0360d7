import { type HistoryReport, runHistory } from './history.ts';
import { sevenDays } from './sevenDays.ts';

export type GovernanceOptions = {
  readonly seed: number;
  readonly histories: number;
  readonly json: boolean;
};

type Terminal = {
  print(line: string): void;
  /** Of processor time. */
  milliseconds(): number;
};

/** `npm run sim -- governance`: histories against the model, and seven days of blocks. Whether nothing was violated. */
export const reportGovernance = (
  { seed, histories, json }: GovernanceOptions,
  { print, milliseconds }: Terminal,
): boolean => {
  const start = milliseconds();
  const reached: Record<string, number> = {};
  let violations = 0;
  for (let i = 0; i < histories; i++) {
    const report = runHistory(seed + i);
    for (const [mark, times] of Object.entries(report.reached)) reached[mark] = (reached[mark] ?? 0) + times;
    violations += report.violations.length;
    if (report.violations.length > 0) print(explain(report));
  }
  const history_ms = (milliseconds() - start) / Math.max(1, histories);
  const days = sevenDays(milliseconds);
  if (days.phase !== 'timelock') {
    violations += 1;
    print(`after seven days of voting the proposal is ${days.phase}, not in its timelock`);
  }
  const figures = {
    histories,
    violations,
    history_ms: Number(history_ms.toFixed(2)),
    seven_days_ms: Math.round(days.milliseconds),
    ...reached,
  };
  print(
    json
      ? JSON.stringify(figures)
      : Object.entries(figures)
          .map(([key, value]) => `${key} ${value}`)
          .join('\n'),
  );
  return violations === 0;
};

export const explain = ({ seed, violations, told }: HistoryReport): string =>
  [`seed ${seed}:`, ...violations.slice(0, 5), 'after', ...told.slice(-15)].join('\n  ');
