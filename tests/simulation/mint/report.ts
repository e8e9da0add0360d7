import { type Strategy, strategyNames } from './strategies.ts';
import { runVillage, type VillageReport } from './village.ts';

/** `npm run sim -- mint`: what honest work and cheating earn, by the share of colluders. */

export const colluderShares = [10, 20, 30] as const;

export type MintOptions = {
  readonly seed: number;
  readonly epochs: number;
  readonly workers: number;
  /** Of computing a unit, as a part of its reward: the dearer honest work is, the more a lie saves. */
  readonly computeCost: number;
};

/** VCoin per worker. */
export type Means = { readonly gross: number; readonly net: number };

export type StrategyFigures = {
  readonly honest: Means;
  readonly colluder: Means;
  readonly report: VillageReport;
};

/** Means over the villages of all strategies, one after the other. */
export type ShareFigures = {
  readonly share: number;
  /** Net. */
  readonly honest: number;
  readonly colluder: number;
  readonly wrong_accept_rate: number;
  readonly honest_loss: number;
  readonly byStrategy: Readonly<Partial<Record<Strategy, StrategyFigures>>>;
};

export const figuresFor = (
  share: number,
  options: MintOptions,
  strategies: readonly Strategy[] = strategyNames,
): ShareFigures => {
  const entries = strategies.map((strategy): [Strategy, StrategyFigures] => {
    const report = runVillage({ ...options, colluders: share, strategy });
    const [honest, colluder] = [meansOf(report, true), meansOf(report, false)];
    return [strategy, { honest, colluder, report }];
  });
  const all = entries.map(([, figures]) => figures);
  const total = (pick: (figures: StrategyFigures) => number) =>
    all.reduce((sum, figures) => sum + pick(figures), 0);
  return {
    share,
    honest: total(({ honest }) => honest.net) / all.length,
    colluder: total(({ colluder }) => colluder.net) / all.length,
    wrong_accept_rate: total(({ report }) => report.wrong) / total(({ report }) => report.accepted),
    honest_loss: total(({ report }) => report.honestLoss),
    byStrategy: Object.fromEntries(entries),
  };
};

/** The mean of all ways to cheat is below that of honest work beside them, and no honest worker ever forfeited anything. */
export const cheatingLoses = ({ honest, colluder, byStrategy }: ShareFigures): boolean =>
  colluder < honest && Object.values(byStrategy).every(({ report }) => report.honestForfeits === 0);

export const reportMint = (
  options: MintOptions & { readonly json: boolean },
  print: (line: string) => void,
): boolean => {
  const percent = Math.round(options.computeCost * 100);
  print(
    `${options.workers} workers, ${options.epochs} epochs, one of four keepers cheats; a unit costs its worker ${percent} % of its reward. VC per worker:`,
  );
  const all = colluderShares.map((share) => {
    const figures = figuresFor(share, options);
    print(linesOf(figures));
    return figures;
  });
  if (options.json) print(JSON.stringify({ colluders: all.map(({ byStrategy: _, ...rest }) => rest) }));
  return all.every(cheatingLoses);
};

const linesOf = ({ share, wrong_accept_rate, honest_loss, byStrategy, ...means }: ShareFigures): string =>
  [
    `${share} % colluders: honest ${means.honest.toFixed(2)}, colluder ${means.colluder.toFixed(2)}, wrong_accept_rate ${wrong_accept_rate.toFixed(4)}, honest_loss ${honest_loss}`,
    ...Object.entries(byStrategy).map(([name, { honest, colluder, report }]) =>
      [
        `  ${name.padEnd(9)}`,
        `honest gross ${honest.gross.toFixed(2)} net ${honest.net.toFixed(2)},`,
        `colluder gross ${colluder.gross.toFixed(2)} net ${colluder.net.toFixed(2)},`,
        `${report.accepted} accepted, ${report.wrong} wrong, ${report.reviewed} reviewed, ${report.voided} void`,
      ].join(' '),
    ),
  ].join('\n');

const meansOf = ({ outcomes }: VillageReport, honest: boolean): Means => {
  const of = outcomes.filter((each) => each.honest === honest);
  const mean = (pick: (outcome: (typeof of)[number]) => number) =>
    of.reduce((sum, outcome) => sum + pick(outcome), 0) / Math.max(1, of.length) / 1_000_000;
  return { gross: mean(({ gross }) => gross), net: mean(({ net }) => net) };
};
