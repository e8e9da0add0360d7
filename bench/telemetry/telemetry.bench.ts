/**
 * What it costs to see everything: a job of reading and a storm of calls with telemetry and without, one counter, one sample,
 * one span, what it holds in memory, and what a day of it leaves on the disk. What it tells is checked first.
 */
import type { BenchOptions, BenchResult } from '../suite.ts';
import { measureCosts } from './costs.ts';
import { measureDay } from './day.ts';
import { measureOcr } from './ocr.ts';
import type { Overhead } from './pairs.ts';
import { measureRpc } from './rpc.ts';
import { verifyCounters, worstQuantileError } from './sketches.ts';

const seed = 1;

export const limits = {
  overhead_pct: 1,
  overhead_pct_hi: 3,
  counter_us: 1,
  histogram_us: 2,
  quantile_error: 0.01,
  memory_mb: 10,
  memory_24h_mb: 10,
  storage_24h_mb: 64,
};

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  verifyCounters(seed);
  const quantileError = worstQuantileError(seed);
  // By the proof it is at most alpha; the rest is the last digit of a double.
  if (quantileError > limits.quantile_error + 1e-9)
    throw new Error(`a quantile is wrong by ${quantileError}: what it costs to be wrong says nothing`);
  say(
    `seed ${seed}: counters are exact, the worst quantile is wrong by ${(100 * quantileError).toFixed(2)} %`,
  );
  const costs = await measureCosts(say);
  const rpc = await measureRpc(seed, say);
  const ocr = await measureOcr(seed, say);
  const day = await measureDay(say);
  return {
    ...largest([ocr, rpc.traced, rpc.untraced]),
    ...named('ocr', ocr),
    ...named('rpc', rpc.traced),
    ...named('rpc_untraced', rpc.untraced),
    ...costs,
    quantile_error: Math.round(1e5 * quantileError) / 1e5,
    ...day,
  };
};

const named = (name: string, { percent, high }: Overhead) => ({
  [`${name}_overhead_pct`]: round2(percent),
  [`${name}_overhead_pct_hi`]: round2(high),
});

const largest = (overheads: readonly Overhead[]) => ({
  overhead_pct: round2(Math.max(...overheads.map(({ percent }) => percent))),
  overhead_pct_hi: round2(Math.max(...overheads.map(({ high }) => high))),
});

const round2 = (value: number): number => Math.round(100 * value) / 100;
