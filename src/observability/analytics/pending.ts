import type { Sketch } from '../metrics/types.ts';
import { encodeBlock } from './block.ts';
import { pointBucket, rollUp, type StoredBucket, tierMs } from './buckets.ts';
import { identityOf, type Row, type SeriesIdentity } from './seriesIdentity.ts';

/** What was recorded and isn't written yet, up to `limit` points: beyond it the newest ones are for memory only. */
export interface Pending {
  /** False: there is no room for it. */
  point(series: SeriesIdentity, at: number, value: number): boolean;
  sketch(series: SeriesIdentity, at: number, sketch: Sketch): boolean;
  readonly points: number;
  /** As a segment has it. Nothing is taken out. */
  rows(): Row[];
  clear(): void;
}

export const createPending = (limit: number): Pending => {
  type Entry = { readonly series: SeriesIdentity; readonly at: number[]; readonly values: number[] };
  const scalars = new Map<string, Entry>();
  const sketches = new Map<string, { readonly series: SeriesIdentity; minutes: StoredBucket[] }>();
  let points = 0;
  return {
    point(series, at, value) {
      if (points >= limit) return false;
      points++;
      let entry = scalars.get(series.key);
      if (!entry) {
        entry = { series: identityOf(series), at: [], values: [] };
        scalars.set(series.key, entry);
      }
      entry.at.push(at);
      entry.values.push(value);
      return true;
    },
    sketch(series, at, sketch) {
      const entry = sketches.get(series.key) ?? { series: identityOf(series), minutes: [] };
      const minutes = rollUp([...entry.minutes, sketchBucket(at, sketch)], tierMs.minute);
      if (minutes.length > entry.minutes.length) {
        if (points >= limit) return false;
        points++;
      }
      entry.minutes = minutes;
      sketches.set(series.key, entry);
      return true;
    },
    get points() {
      return points;
    },
    rows: () => [
      ...[...scalars.values()].map(({ series, at, values }) => {
        const buckets = rollUp(
          at.map((time, i) => pointBucket(time, values[i] ?? 0)),
          tierMs.raw,
        );
        return { ...series, tier: 'raw' as const, block: encodeBlock('raw', buckets) };
      }),
      ...[...sketches.values()].map(({ series, minutes }) => ({
        ...series,
        tier: 'minute' as const,
        block: encodeBlock('minute', minutes),
      })),
    ],
    clear() {
      scalars.clear();
      sketches.clear();
      points = 0;
    },
  };
};

/** A histogram's `last` is the mean of what came last: single samples are not kept. */
const sketchBucket = (at: number, sketch: Sketch): StoredBucket => ({
  at,
  count: sketch.count,
  sum: sketch.sum,
  min: sketch.min,
  max: sketch.max,
  last: Math.min(sketch.max, Math.max(sketch.min, sketch.sum / sketch.count)),
  lastAt: at,
  sketch: sketch.copy(),
});
