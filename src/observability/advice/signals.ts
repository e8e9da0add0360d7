import type { SignalReader } from '../analytics/types.ts';
import { parseSeriesKey } from '../metrics/labels.ts';
import type { Labels, Sketch } from '../metrics/types.ts';

export type Where = (labels: Labels) => boolean;

/** What was measured up to an instant, by metric instead of by series. Windows in milliseconds, back from that instant. */
export interface Signals {
  readonly now: number;
  /** Added to all series of a counter, or counted by all of a histogram. */
  increase(name: string, windowMs: number, where?: Where): number;
  /** Of all series of a histogram together; undefined if there was no sample. */
  distribution(name: string, windowMs: number, where?: Where): Sketch | undefined;
  /** Values of one label, in order. */
  valuesOf(name: string, label: string): readonly string[];
  /** Of the series without labels. */
  latest(name: string): number | undefined;
  values(name: string, windowMs: number): readonly { readonly at: number; readonly value: number }[];
}

/** So many series of a metric are looked at. */
const maxSeries = 200;

export const createSignals = (reader: SignalReader, now: number): Signals => {
  const seriesOf = (name: string, where: Where = () => true) =>
    reader
      .keys(name)
      .slice(0, maxSeries)
      .filter((key) => {
        const parsed = parseSeriesKey(key);
        return parsed?.name === name && where(parsed.labels);
      });
  return {
    now,
    increase: (name, windowMs, where) =>
      seriesOf(name, where).reduce((sum, key) => {
        const added = reader.increase(key, now - windowMs, now);
        return Number.isFinite(added) && added > 0 ? sum + added : sum;
      }, 0),
    distribution(name, windowMs, where) {
      let together: Sketch | undefined;
      for (const key of seriesOf(name, where)) {
        const part = reader.distribution(key, now - windowMs, now);
        if (!part || part.count === 0) continue;
        if (together)
          together.merge(part); // another alpha is left out: a distribution of two errors would have neither
        else together = part.copy();
      }
      return together;
    },
    valuesOf: (name, label) => [
      ...new Set(seriesOf(name).flatMap((key) => parseSeriesKey(key)?.labels[label] ?? [])),
    ],
    latest(name) {
      const value = reader.latest(name)?.value;
      return value !== undefined && Number.isFinite(value) ? value : undefined;
    },
    values: (name, windowMs) =>
      reader.values(name, now - windowMs, now).filter(({ value }) => Number.isFinite(value)),
  };
};

/** Undefined while empty. */
export const meanOf = (sketch: Sketch | undefined): number | undefined =>
  sketch && sketch.count > 0 ? sketch.sum / sketch.count : undefined;
