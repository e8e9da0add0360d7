import type { SignalReader } from '../../../src/observability/analytics/types.ts';
import { createSketch } from '../../../src/observability/index.ts';

type Kind = 'counter' | 'gauge' | 'histogram';
/** Sums up to and including a sample: `count` of a counter is what it came to. */
type Samples = {
  readonly kind: Kind;
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly pending: { count: number; sum: number };
};

/** Indices from and to, exclusive. */
type Range = readonly [number, number];

/** Of a ring's instants; the last one has no end yet. */
type Segment = { readonly from: number; readonly end: number | undefined };

/** A clock that is put right by less is not one that was set back. */
const tolerated = 60_000;

/** Windows beyond it are read in minutes, as from a store that keeps tiers. */
const finestMs = 1_800_000;

/**
 * Measured series over a ring of sampling instants, read as `Analytics` is read. Times are those of the device's clock, which
 * may jump back: instants between two such jumps are a segment of their own, and of those before it counts what is earlier.
 */
export const createSeries = (capacity: number) => {
  const times = new Float64Array(capacity);
  const series = new Map<string, Samples>();
  const namesByMetric = new Map<string, string[]>();
  let segments: readonly Segment[] = [{ from: 0, end: undefined }];
  let next = 0;

  const samplesOf = (key: string, kind: Kind): Samples => {
    const known = series.get(key);
    if (known) return known;
    const made: Samples = {
      kind,
      count: new Float64Array(capacity),
      sum: new Float64Array(capacity),
      pending: { count: 0, sum: 0 },
    };
    series.set(key, made);
    const name = key.replace(/\{.*/, '');
    namesByMetric.set(name, [...(namesByMetric.get(name) ?? []), key]);
    return made;
  };
  const at = (index: number) => times[index % capacity] ?? 0;
  /** First index of [low, high) whose time is at or after `time`. */
  const firstAt = (low: number, high: number, time: number): number => {
    let [a, b] = [low, high];
    while (a < b) {
      const middle = (a + b) >>> 1;
      if (at(middle) < time) a = middle + 1;
      else b = middle;
    }
    return a;
  };
  /** All series share their instants, and an evaluation asks for few windows. */
  const known = new Map<number, Map<number, readonly Range[]>>();
  const rangesOf = (from: number, to: number): readonly Range[] => {
    const ends = known.get(from) ?? new Map<number, readonly Range[]>();
    known.set(from, ends);
    const ranges = ends.get(to) ?? findRanges(from, to);
    ends.set(to, ranges);
    return ranges;
  };
  const findRanges = (from: number, to: number): readonly Range[] => {
    const oldest = Math.max(0, next - capacity + 1);
    return segments.flatMap((segment) => {
      const low = Math.max(segment.from, oldest);
      const high = segment.end ?? next;
      if (high <= low) return [];
      const [first, end] = [firstAt(low, high, from), firstAt(low, high, to)];
      return end > first ? [[first, end] as const] : [];
    });
  };

  const setBack = (time: number): void => {
    const oldest = Math.max(0, next - capacity + 1);
    const isJump = time < at(next - 1) - tolerated;
    const earlier = segments.flatMap(({ from, end = next }) => {
      const low = Math.max(from, oldest);
      return end > low ? [{ from: low, end: isJump ? firstAt(low, end, time + 1) : end }] : [];
    });
    segments = [...earlier, { from: next, end: undefined }];
  };

  const reader: SignalReader = {
    keys: (name) => namesByMetric.get(name) ?? [],
    latest(key) {
      const samples = series.get(key);
      if (!samples) return undefined;
      for (let index = next - 1; index >= Math.max(0, next - 1_000); index--) {
        const value = valueAt(samples, index);
        if (value !== undefined) return { at: at(index), value };
      }
      return undefined;
    },
    increase(key, from, to) {
      const samples = series.get(key);
      if (!samples) return 0;
      let sum = 0;
      for (const [first, end] of rangesOf(from, to))
        sum +=
          (samples.count[(end - 1) % capacity] ?? 0) -
          (first > 0 ? (samples.count[(first - 1) % capacity] ?? 0) : 0);
      return sum;
    },
    values(key, from, to) {
      const samples = series.get(key);
      if (!samples) return [];
      const stride = to - from > finestMs ? 12 : 1;
      const values: { at: number; value: number }[] = [];
      for (const [first, end] of rangesOf(from, to))
        for (let index = first; index < end; index += stride) {
          const last = Math.min(index + stride, end) - 1;
          const value = meanOver(samples, index, last);
          if (value !== undefined) values.push({ at: at(last), value });
        }
      return values;
    },
    // What the rules read of distributions they read of gauges here; histograms are known by their means.
    distribution: (key) => (series.has(key) ? undefined : createSketch()),
  };

  const valueAt = (samples: Samples, index: number): number | undefined => meanOver(samples, index, index);
  const meanOver = ({ kind, count, sum }: Samples, first: number, last: number): number | undefined => {
    const end = last % capacity;
    const before = first > 0 ? (first - 1) % capacity : -1;
    const counted = (count[end] ?? 0) - (count[before] ?? 0);
    if (kind === 'counter') return counted / Math.max(1, last - first + 1);
    return counted > 0 ? ((sum[end] ?? 0) - (sum[before] ?? 0)) / counted : undefined;
  };

  return {
    reader,
    /** Ends a sampling instant: what was added since the one before, and the newest value of each gauge, are of now. */
    commit(time: number): void {
      known.clear();
      if (next > 0 && time < at(next - 1)) setBack(time);
      const [slot, before] = [next % capacity, (next + capacity - 1) % capacity];
      times[slot] = time;
      for (const samples of series.values()) {
        const { kind, count, sum, pending } = samples;
        const gauge = kind === 'gauge' && pending.count > 0;
        count[slot] = (count[before] ?? 0) + (gauge ? 1 : pending.count);
        sum[slot] = (sum[before] ?? 0) + pending.sum;
        [pending.count, pending.sum] = [0, 0];
      }
      next++;
    },
    /** What was measured since the last instant is lost. */
    lose(): void {
      for (const { pending } of series.values()) [pending.count, pending.sum] = [0, 0];
    },
    add(key: string, by: number): void {
      samplesOf(key, 'counter').pending.count += by;
    },
    set(key: string, value: number): void {
      const { pending } = samplesOf(key, 'gauge');
      [pending.count, pending.sum] = [1, value];
    },
    observe(key: string, samples: number, mean: number): void {
      const { pending } = samplesOf(key, 'histogram');
      pending.count += samples;
      pending.sum += samples * mean;
    },
  };
};
export type Series = ReturnType<typeof createSeries>;
