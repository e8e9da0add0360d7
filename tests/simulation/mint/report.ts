import { type Strategy, strategyNames } from './strategies.ts';
import { runVillage, type VillageReport } from './village.ts';

/** `npm run sim -- mint`: what honest work and cheating earn, by the share of colluders. */

export const colluderShares = [10, 20, 30] as const;

export type MintOptions = {
  readonly seed: number;
  readonly epochs: number;
  readonly workers: number;
  readonly computeCost: number;
};

/** VCoin per worker. */
export type Means = { readonly gross: number; readonly net: number };

export type ShareFigures = {
  readonly share: number;
  /** Net means. */
  readonly honest: number;
  readonly colluder: number;
  readonly wrong_accept_rate: number;
  readonly honest_loss: number;
  readonly means: Readonly<Record<string, Means>>;
  readonly report: VillageReport;
};

export const figuresFor = (share: number, options: MintOptions): ShareFigures => {
  const report = runVillage({ ...options, colluders: share });
  const means: Record<string, Means> = {};
  for (const strategy of ['honest', ...strategyNames] as const) {
    const mean = meansOf(report, (each) => each === strategy);
    if (mean) means[strategy] = mean;
  }
  return {
    share,
    honest: means['honest']?.net ?? 0,
    colluder: meansOf(report, (each) => each !== 'honest')?.net ?? 0,
    wrong_accept_rate: report.accepted > 0 ? report.wrong / report.accepted : 0,
    honest_loss: report.honestLoss,
    means,
    report,
  };
};

/** True if cheating earned less than honest work at every share, and no honest worker lost anything. */
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
    print(lineOf(figures));
    return figures;
  });
  if (options.json)
    print(JSON.stringify({ colluders: all.map(({ means: _, report: __, ...rest }) => rest) }));
  return all.every(
    ({ honest, colluder, honest_loss, report }) =>
      colluder < honest && honest_loss === 0 && report.honestForfeits === 0,
  );
};

const lineOf = ({ share, means, wrong_accept_rate, honest_loss, colluder, report }: ShareFigures): string =>
  [
    `${share} % colluders: wrong_accept_rate ${wrong_accept_rate.toFixed(4)}, honest_loss ${honest_loss}, colluders' mean net ${colluder.toFixed(2)},`,
    `  ${report.accepted} accepted, ${report.reviewed} reviewed, ${report.voided} void`,
    ...Object.entries(means).map(
      ([name, { gross, net }]) => `  ${name.padEnd(9)} gross ${gross.toFixed(2)}, net ${net.toFixed(2)}`,
    ),
  ].join('\n');

const meansOf = (
  { outcomes }: VillageReport,
  counts: (strategy: Strategy | 'honest') => boolean,
): Means | undefined => {
  const of = outcomes.filter(({ strategy }) => counts(strategy));
  if (of.length === 0) return undefined;
  const mean = (pick: (outcome: (typeof of)[number]) => number) =>
    of.reduce((sum, outcome) => sum + pick(outcome), 0) / of.length / 1_000_000;
  return { gross: mean(({ gross }) => gross), net: mean(({ net }) => net) };
};
