import { forecastReach } from '../statistics/forecast.ts';
import { medianOf } from '../statistics/quantiles.ts';
import type { TimedValue } from '../statistics/types.ts';
import type { Signals } from './signals.ts';
import type { Saturation } from './types.ts';
import { number, percent, seconds } from './words.ts';

type Watched = {
  readonly id: string;
  readonly title: string;
  readonly metric: string;
  readonly unit: Saturation['unit'];
  /** Undefined: nobody knows the limit here. */
  limit(signals: Signals): number | undefined;
};

const hour = 3_600_000;
const windowMs = 24 * hour;
/** One median each: what goes up and down within a block is no growth, and neighbours are no independent samples. */
const blocks = 48;
/** Below, nothing is said of the future. */
const leastSpanMs = hour;
/** A line is not drawn further than so many times what was seen. */
const reachFactor = 10;
const leastP = 0.01;

/** Thresholds of the original design: at 90 % of the room and 95 % of the memory the work is no longer safe. */
const watched: readonly Watched[] = [
  {
    id: 'storage',
    title: 'Room of this browser',
    metric: 'storage_used_ratio',
    unit: 'ratio',
    limit: () => 0.9,
  },
  {
    id: 'memory',
    title: 'Memory of this tab',
    metric: 'memory_used_ratio',
    unit: 'ratio',
    limit: () => 0.95,
  },
  {
    id: 'telemetry',
    title: 'Size of telemetry',
    metric: 'telemetry_bytes',
    unit: 'bytes',
    limit: (signals) => signals.latest('storage_quota_bytes'),
  },
  {
    id: 'cardinality',
    title: 'Series of metrics',
    metric: 'telemetry_series',
    unit: 'count',
    limit: () => 2_000,
  },
];

/** What grows towards a limit, as the last 24 hours went. What was never measured, or has no known limit, is left out. */
export const saturationOf = (signals: Signals): readonly Saturation[] =>
  watched.flatMap((spec) => {
    const now = signals.latest(spec.metric);
    const limit = spec.limit(signals);
    if (now === undefined || limit === undefined || !(limit > 0)) return [];
    const { id, title, unit } = spec;
    return [{ id, title, unit, now, limit, ...outlook(signals, spec, now, limit) }];
  });

const outlook = (
  signals: Signals,
  { metric, unit }: Watched,
  now: number,
  limit: number,
): Pick<Saturation, 'reachedAt' | 'evidence'> => {
  if (now >= limit) {
    const at = signals.now;
    return { reachedAt: { likely: at, earliest: at, latest: at }, evidence: 'The limit is reached now.' };
  }
  const points = blockMedians(signals.values(metric, windowMs), signals.now - windowMs);
  const span = (points.at(-1)?.at ?? 0) - (points[0]?.at ?? 0);
  if (points.length < 8 || span < leastSpanMs)
    return {
      reachedAt: undefined,
      evidence: `It was measured for ${seconds(span / 1_000)} only: too short to say.`,
    };
  const reach = forecastReach(points, limit);
  const measured = `${number(reach?.samples ?? points.length)} half-hour medians over ${seconds(span / 1_000)}`;
  if (!reach || reach.p >= leastP)
    return { reachedAt: undefined, evidence: `No significant growth in ${measured}.` };
  const rate = `Growing by ${perHour(reach.slopePerHour, unit)} (p ${spellP(reach.p)}, ${measured})`;
  const horizon = signals.now + reachFactor * span;
  if (reach.likely > horizon)
    return { reachedAt: undefined, evidence: `${rate}: too slow to be forecast from so short a time.` };
  const { likely, earliest, latest } = reach;
  return { reachedAt: { likely, earliest, latest }, evidence: `${rate}.` };
};

const blockMedians = (values: readonly TimedValue[], from: number): TimedValue[] => {
  const size = windowMs / blocks;
  const valuesByBlock = new Map<number, number[]>();
  for (const { at, value } of values) {
    const block = Math.floor((at - from) / size);
    const inBlock = valuesByBlock.get(block);
    if (inBlock) inBlock.push(value);
    else valuesByBlock.set(block, [value]);
  }
  return [...valuesByBlock]
    .map(([block, inBlock]) => ({ at: from + (block + 0.5) * size, value: medianOf(inBlock) ?? 0 }))
    .sort((a, b) => a.at - b.at);
};

const perHour = (slope: number, unit: Saturation['unit']): string => {
  if (unit === 'ratio') return `${percent(slope)} of the whole an hour`;
  if (unit === 'bytes') return `${(slope / 2 ** 20).toFixed(slope < 2 ** 20 ? 3 : 1)} MiB an hour`;
  return `${slope.toFixed(1)} an hour`;
};

const spellP = (p: number): string => (p < 0.001 ? '< 0.001' : p.toFixed(3));
