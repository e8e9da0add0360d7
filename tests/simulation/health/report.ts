import { percentile } from '../../../bench/suite.ts';
import { type HealthOutcome, runHealth } from './simulation.ts';

export type HealthNumbers = {
  readonly failures: number;
  readonly recovered_share: number;
  readonly mttr_s: number;
  readonly mttr_p95_s: number;
  readonly unneeded_actions: number;
};

/** Shares and times over several tabs' lives. */
export const numbersOf = (outcomes: readonly HealthOutcome[]): HealthNumbers => {
  const sum = (pick: (outcome: HealthOutcome) => number) =>
    outcomes.reduce((total, outcome) => total + pick(outcome), 0);
  const times = outcomes.flatMap((outcome) => outcome.times);
  const failures = sum((outcome) => outcome.failures);
  return {
    failures,
    recovered_share: Math.round((1_000 * sum((outcome) => outcome.recovered)) / failures) / 1_000,
    mttr_s: Math.round(times.reduce((total, time) => total + time, 0) / times.length),
    mttr_p95_s: Math.round(percentile(times, 95)),
    unneeded_actions: sum((outcome) => outcome.unneeded),
  };
};

export const reportHealth = async (
  { seed, days, tabs, json }: { seed: number; days: number; tabs: number; json: boolean },
  print: (line: string) => void,
): Promise<boolean> => {
  const outcomes: HealthOutcome[] = [];
  for (let tab = 0; tab < tabs; tab++) outcomes.push(await runHealth(seed + tab, { days }));
  const numbers = numbersOf(outcomes);
  if (json) print(JSON.stringify(numbers));
  else for (const [key, value] of Object.entries(numbers)) print(`${key.padEnd(20)} ${value}`);
  return numbers.recovered_share >= 0.95 && numbers.mttr_s < 300;
};
