import type { AlertRule } from '../../../src/observability/index.ts';
import { createSeededRandom } from '../random.ts';
import { type Fault, type FaultName, faultKinds, faultNames, graceMs, planFaults } from './faults.ts';
import { type Episode, watch } from './watch.ts';

const minute = 60_000;
const day = 86_400_000;
/** So long after its fault is over, a page that found it has to be over, too (a ticket looks back six hours). */
const overWithinMs = 60 * minute;

export type Found = {
  readonly seed: number;
  readonly fault: FaultName;
  /** Seconds until somebody was told; undefined if nobody was in time. */
  readonly afterSeconds: number | undefined;
};
export type Judged = {
  readonly found: readonly Found[];
  /** Alerts that a fault explains. */
  readonly right: number;
  readonly wrong: readonly { readonly seed: number; readonly episode: Episode }[];
  /** Right, but still firing long after. */
  readonly late: readonly { readonly seed: number; readonly episode: Episode }[];
};

/** One device with each fault once. */
export const judgeFaults = (
  seed: number,
  {
    rules,
    names,
    apartMs,
  }: {
    readonly rules?: readonly AlertRule[];
    readonly names?: readonly FaultName[];
    readonly apartMs?: number;
  } = {},
): Judged => {
  const faults = planFaults(createSeededRandom(seed).fork('faults'), names, apartMs);
  const days = ((faults.at(-1)?.until ?? 0) + 10 * 3_600_000) / day;
  const { episodes } = watch({ seed, days, faults, ...(rules ? { rules } : {}) });
  const causes = episodes.map((episode) => ({
    episode,
    fault: faults.find((fault) => explains(fault, episode)),
  }));
  return {
    found: faults.map((fault) => {
      const told = causes
        .filter((each) => each.fault === fault)
        .flatMap(({ episode }) => episode.toldAt ?? []);
      const after = Math.min(...told) - fault.from;
      return {
        seed,
        fault: fault.name,
        afterSeconds: after <= faultKinds[fault.name].withinMs ? Math.round(after / 100) / 10 : undefined,
      };
    }),
    right: causes.filter(({ fault }) => fault !== undefined).length,
    wrong: causes.flatMap(({ episode, fault }) => (fault ? [] : [{ seed, episode }])),
    late: causes.flatMap(({ episode, fault }) =>
      fault && isPage(episode) && isLate(fault, episode) ? [{ seed, episode }] : [],
    ),
  };
};

/** Days in which nothing is wrong: whatever fires is false. */
export const judgeNoise = (seed: number, days: number, rules?: readonly AlertRule[]): readonly Episode[] =>
  watch({ seed, days, faults: [], ...(rules ? { rules } : {}) }).episodes;

export const isPage = ({ alert }: Episode): boolean => alert.severity === 'page';

const explains = (fault: Fault, episode: Episode): boolean => {
  const rules: readonly string[] = faultKinds[fault.name].rules;
  const until = fault.until + graceMs;
  return rules.includes(episode.alert.rule) && episode.firedAt >= fault.from && episode.firedAt <= until;
};

const isLate = (fault: Fault, episode: Episode): boolean =>
  (episode.resolvedAt ?? Number.POSITIVE_INFINITY) > fault.until + overWithinMs;

export type FaultFigures = {
  readonly injected: number;
  readonly found: number;
  readonly median_s: number | null;
  readonly worst_s: number | null;
};

export const figuresByFault = (found: readonly Found[]): Readonly<Record<string, FaultFigures>> =>
  Object.fromEntries(
    faultNames.map((name) => {
      const own = found.filter(({ fault }) => fault === name);
      const times = own.flatMap(({ afterSeconds }) => afterSeconds ?? []).sort((a, b) => a - b);
      return [
        name,
        {
          injected: own.length,
          found: times.length,
          median_s: times[times.length >> 1] ?? null,
          worst_s: times.at(-1) ?? null,
        },
      ];
    }),
  );
