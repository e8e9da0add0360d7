/** Quantiles as a sketch tells them, beside those of the sorted samples; and sums of counters. Before anything is timed. */
import { createMetricsRegistry, createSketch } from '../../src/observability/index.ts';
import { createSeededNumbers } from './pairs.ts';

const samples = 100_000;
const quantiles = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999];

type Numbers = () => number;
const normal = (random: Numbers): number =>
  // Box, Muller 1958
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const distributions: Readonly<Record<string, (random: Numbers) => number>> = {
  uniform: (random) => random(),
  exponential: (random) => -Math.log(1 - random()) / 3,
  'log-normal': (random) => Math.exp(2 * normal(random) - 5),
  Pareto: (random) => (1 - random()) ** (-1 / 1.2),
  'two peaks': (random) => Math.exp(0.1 * normal(random)) * (random() < 0.7 ? 0.002 : 3),
  'of both signs': (random) => 10 * normal(random),
  'whole milliseconds': (random) => Math.ceil(random() * 40) / 1_000,
};

/** The worst relative error of a quantile. Whole and in four parts that were merged. */
export const worstQuantileError = (seed: number): number =>
  Math.max(
    ...Object.values(distributions).map((draw) => {
      const random = createSeededNumbers(seed);
      const values = Float64Array.from({ length: samples }, () => draw(random));
      return Math.max(errorOf(values, 1), errorOf(values, 4));
    }),
  );

const errorOf = (values: Float64Array, parts: number): number => {
  const sketches = Array.from({ length: parts }, () => createSketch());
  for (const [i, value] of values.entries()) sketches[i % parts]?.add(value);
  const [whole = createSketch(), ...others] = sketches;
  for (const other of others) if (!whole.merge(other).ok) throw new Error('two sketches do not merge');
  if (whole.count !== values.length)
    throw new Error(`a sketch of ${values.length} samples has ${whole.count}`);
  const sorted = values.toSorted();
  return Math.max(
    ...quantiles.map((q) => {
      // The lower quantile of the paper on DDSketch: its guarantee is about a value that was measured.
      const exact = sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN;
      const told = whole.quantile(q) ?? Number.NaN;
      return Math.abs(told - exact) / Math.abs(exact);
    }),
  );
};

/** Throws if a counter is not the sum of what was added to it, whatever the order of its labels. */
export const verifyCounters = (seed: number): void => {
  const registry = createMetricsRegistry();
  const random = createSeededNumbers(seed);
  const sums = new Map<string, number>();
  for (let i = 0; i < samples; i++) {
    const [method, outcome] = [`m${Math.floor(random() * 10)}`, random() < 0.9 ? 'ok' : 'failed'];
    const by = Math.floor(random() * 1_000);
    registry.count('bench_total', by, random() < 0.5 ? { method, outcome } : { outcome, method });
    const key = `${method} ${outcome}`;
    sums.set(key, (sums.get(key) ?? 0) + by);
  }
  for (const [key, sum] of sums) {
    const [method = '', outcome = ''] = key.split(' ');
    const counted = registry.value('bench_total', { method, outcome });
    if (counted !== sum) throw new Error(`a counter says ${counted} and should say ${sum}`);
  }
};
