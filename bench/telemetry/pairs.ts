/** What something adds to a time that differs from run to run more than that: with and without in pairs, in an order by a coin. */
import { median, percentile } from '../suite.ts';

export type Pair = { readonly on: number; readonly off: number };
export type Overhead = {
  /** In percent: the median over the pairs of what was added. */
  readonly percent: number;
  /** The 95 % upper bound of that median. */
  readonly high: number;
};

/** mulberry32 (Tommy Ettinger): the same numbers for the same seed, in [0, 1). */
export const createSeededNumbers = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** `measure` says how long it took with (`true`) or without. */
export const measurePairs = async (
  count: number,
  random: () => number,
  measure: (on: boolean) => Promise<number>,
  /** Of which a pair is put together, in turns: what the machine does for a second or two meets both alike. */
  slices = 1,
): Promise<readonly Pair[]> => {
  const pairs: Pair[] = [];
  for (let i = 0; i < count; i++) {
    const pair = { on: 0, off: 0 };
    for (let slice = 0; slice < slices; slice++) {
      const onFirst = random() < 0.5;
      for (const on of [onFirst, !onFirst]) pair[on ? 'on' : 'off'] += await measure(on);
    }
    pairs.push(pair);
  }
  return pairs;
};

/** Percentile bootstrap over the pairs (Efron, Tibshirani 1993, §13.3): one-sided, of the median. */
export const overheadOf = (pairs: readonly Pair[], random: () => number, resamples = 10_000): Overhead => {
  const added = pairs.map(({ on, off }) => 100 * (on / off - 1));
  const medians = Array.from({ length: resamples }, () =>
    median(added.map(() => added[Math.floor(random() * added.length)] ?? 0)),
  );
  return { percent: median(added), high: percentile(medians, 95) };
};
