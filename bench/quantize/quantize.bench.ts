/**
 * Quantisation in a worker of a real tab, from file to file: how small, how fast, in how much memory, and how fast the results
 * decode on WebAssembly, side by side. And what 4 bits cost a decoder that has learned something.
 */
import type { Page } from 'playwright';
import { headSizeOf } from '../../src/onnx/build/decoder/spec.ts';
import type { Scheme } from '../../src/onnx/index.ts';
import { recipe } from '../learn/recipe.ts';
import { trainedDecoder } from '../learn/trainedDecoder.ts';
import { smol } from '../split/model.ts';
import { type BenchOptions, type BenchResult, median } from '../suite.ts';
import type { Token } from './page.ts';
import { type Cost, float32Bits, quantizationCost } from './perplexity.ts';
import type { Checked, Quantized, Stored } from './quantizer.worker.ts';
import { openTab, watchMemory } from './tab.ts';

/** Odd, so that the median is a round's own number. */
const rounds = 5;
const tokens = 21;
const warmUpTokens = 4;
const megabyte = 1e6;
/** Until the memory of the worker before has gone. */
const settleMs = 2_000;

const int8: Scheme = { kind: 'int8' };
const q4: Scheme = { kind: 'q4', method: 'rtn', block: 64 };
const hqq: Scheme = { kind: 'q4', method: 'hqq', block: 64 };
const ternary: Scheme = { kind: 'ternary', block: 64 };
/** By the norm of what weights are off ÷ the norm of the weights, at most: normal weights. */
const schemes = [
  { name: 'int8', scheme: int8, off: 0.012 },
  { name: 'q4', scheme: q4, off: 0.1 },
  { name: 'hqq', scheme: hqq, off: 0.09 },
  { name: 'ternary', scheme: ternary, off: 0.45 },
] as const;
/** Enough layers for a second of work with the slowest scheme, and more than ten million weights. */
const few = { ...smol, layers: 4, vocab: 8192 };
const sample = 'model.layers.1.mlp.up_proj.MatMul.weight';

export const floors = {
  int8_ratio: 3.9,
  q4_ratio: 6.3,
  hqq_mb_per_s: 10,
  int8_speedup_over_q4: 5,
};
export const limits = { peak_share: 1 };

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const { page, close } = await openTab('bench/quantize/page.ts', 'quantizePage');
  try {
    const rates = await measureSchemes(page, say);
    const whole = await measureWhole(page, say);
    const decoding = await measureDecoding(page, say);
    return { ...whole, ...rates, ...decoding, ...(await measureCost(say)) };
  } finally {
    await close();
  }
};

/** In the worker that was opened last. */
const create = (page: Page, name: string, spec: typeof smol | typeof few) =>
  page.evaluate<Stored>(`quantizer.create(${JSON.stringify(name)}, ${JSON.stringify(spec)})`);
const quantize = (page: Page, from: string, to: string, scheme: Scheme) =>
  page.evaluate<Quantized>(`quantizer.quantize(...${JSON.stringify([from, to, scheme])})`);
const newWorker = (page: Page) => page.evaluate('quantizePage.newQuantizer()');

/** The file is read again, keeps the rules, has as many bytes as the report says, and weights as close as it says. */
const verify = async (
  page: Page,
  from: string,
  to: string,
  { report }: Quantized,
  most: number,
): Promise<void> => {
  const { broken, bytes, relative } = await page.evaluate<Checked>(
    `quantizer.check(...${JSON.stringify([from, to, sample])})`,
  );
  const reported = report.tensors.find(({ name }) => name === sample)?.error.relative ?? Number.NaN;
  const problems = [
    ...broken,
    ...(bytes === report.bytesAfter ? [] : [`${bytes} bytes, and ${report.bytesAfter} were announced`]),
    ...(Math.abs(relative / reported - 1) < 1e-3
      ? []
      : [`weights are off by ${relative}, and ${reported} was said`]),
    ...(relative < most ? [] : [`weights are off by ${relative}, more than ${most}`]),
  ];
  if (problems.length > 0) throw new Error(`${to}: ${problems.join('; ')}`);
};

const rateOf = (bytes: number, times: readonly number[]): number =>
  round1(bytes / megabyte / (median(times) / 1e3));

/** All schemes on the same few layers, by turns. */
const measureSchemes = async (page: Page, say: BenchOptions['say']): Promise<BenchResult> => {
  await newWorker(page);
  const { file, weights } = await create(page, 'few', few);
  const rounding = { q4: 0, hqq: 0 };
  for (const { name, scheme, off } of schemes) {
    const made = await quantize(page, 'few', `few-${name}`, scheme); // which warms it up as well
    await verify(page, 'few', `few-${name}`, made, off);
    if (name === 'q4' || name === 'hqq')
      rounding[name] = made.report.tensors.reduce((sum, { error }) => sum + error.relative ** 2, 0);
  }
  if (rounding.hqq >= rounding.q4) throw new Error('half-quadratic optimisation is no closer than rounding');
  say(`${(weights / 1e6).toFixed(1)} million weights in all schemes are what their reports say`);
  const times = new Map<string, number[]>(schemes.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const { name, scheme } of schemes)
      times.get(name)?.push((await quantize(page, 'few', `few-${name}`, scheme)).ms);
  const rates = Object.fromEntries([...times].map(([name, ms]) => [`${name}_mb_per_s`, rateOf(file, ms)]));
  return { ...rates, hqq_error_share: round3(rounding.hqq / rounding.q4) };
};

/** The whole model of 135 million weights, in a worker that has done nothing before. */
const measureWhole = async (page: Page, say: BenchOptions['say']): Promise<BenchResult> => {
  await newWorker(page);
  const { file, weights, largestTensor } = await create(page, 'float32', smol);
  say(`${(weights / 1e6).toFixed(1)} million weights, ${Math.round(file / megabyte)} MB`);
  const peaks: (number | undefined)[] = [];
  const ratios: Record<string, number> = {};
  const times: number[] = [];
  for (const { name, scheme, off } of schemes.filter((one) => one.name === 'int8' || one.name === 'q4')) {
    await newWorker(page);
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const memory = watchMemory();
    const made = await quantize(page, 'float32', name, scheme);
    peaks.push(memory.stop());
    await verify(page, 'float32', name, made, off);
    ratios[`${name}_ratio`] = round3(file / made.report.bytesAfter);
    say(`${name}: ${Math.round((peaks.at(-1) ?? 0) / megabyte)} MB at most, ${Math.round(made.ms)} ms`);
  }
  for (let round = 0; round < rounds; round++) times.push((await quantize(page, 'float32', 'int8', int8)).ms);
  const most = 2 * largestTensor + 64 * megabyte;
  const peak = peaks.includes(undefined) ? undefined : Math.max(...peaks.map((one) => one ?? 0));
  if (peak === undefined) say('how much memory the process takes is not told here');
  return {
    ...ratios,
    mb_per_s: rateOf(file, times),
    peak_mb: peak === undefined ? null : round1(peak / megabyte),
    peak_limit_mb: round1(most / megabyte),
    peak_share: peak === undefined ? null : round3(peak / most),
  };
};

/** int8 as a worker gets it: out of the 4 bits that came over the wire. A worker for each, by turns, token for token. */
const measureDecoding = async (page: Page, say: BenchOptions['say']): Promise<BenchResult> => {
  await newWorker(page);
  const reencoded = await page.evaluate<Quantized>(`quantizer.reencode('q4', 'int8-of-q4', 'int8')`);
  await page.evaluate('quantizePage.endQuantizer()');
  const files = ['float32', 'q4', 'int8-of-q4'] as const;
  const shape = { kvHeads: smol.kvHeads, headSize: headSizeOf(smol) };
  for (const file of files)
    await page.evaluate(`quantizePage.openDecoder(...${JSON.stringify([file, shape])})`);
  const times: Record<(typeof files)[number], number[]> = { float32: [], q4: [], 'int8-of-q4': [] };
  for (let i = 0; i < warmUpTokens + tokens; i++) {
    // Whoever comes first meets another machine than whoever comes last: each is first in turn.
    const order = files.map((_, at) => files[(i + at) % files.length]);
    const token = (i * 7919 + 11) % smol.vocab;
    const found = await page.evaluate<Record<string, Token>>(
      `quantizePage.stepAll(...${JSON.stringify([order, token, i % 2 === 0 ? 'float32' : 'q4'])})`,
    );
    check(found, i % 2 === 0);
    for (const file of files) if (i >= warmUpTokens) times[file].push(found[file]?.ms ?? Number.NaN);
  }
  say(`${tokens} tokens each; 4 bits to 8 in ${Math.round(reencoded.ms)} ms`);
  const [exact, four, eight] = files.map((file) => median(times[file])) as [number, number, number];
  return {
    fp32_ms_per_token: round1(exact),
    int8_ms_per_token: round1(eight),
    q4_ms_per_token: round1(four),
    int8_speedup_over_q4: round3(four / eight),
    reencode_mb_per_s: round1(reencoded.report.bytesBefore / megabyte / (reencoded.ms / 1e3)),
  };
};

/** Random weights off by 9 % in each of thirty layers; the 8 bits lie next to the 4 that they were made of. */
const check = (found: Record<string, Token>, againstFloat: boolean): void => {
  const four = found['q4']?.relativeError ?? Number.NaN;
  const eight = found['int8-of-q4']?.relativeError ?? Number.NaN;
  const holds = againstFloat ? four < 0.5 && eight < 0.5 : eight < 0.1;
  if (!holds)
    throw new Error(
      `logits of 4 bits are off by ${four}, of 8 bits by ${eight}, against ${againstFloat ? 'floats' : '4 bits'}`,
    );
};

const measureCost = async (say: BenchOptions['say']): Promise<BenchResult> => {
  const decoder = { ...(await trainedDecoder({ say })), sequence: recipe.sequence };
  const exact = await float32Bits(decoder);
  const result: Record<string, number> = { fp32_bits_per_token: round3(exact) };
  for (const block of [64, 32] as const) {
    const costOf = (method: 'rtn' | 'hqq') => quantizationCost(decoder, { kind: 'q4', method, block }, exact);
    const [rounded, fitted] = [await costOf('rtn'), await costOf('hqq')];
    const suffix = block === 64 ? '' : '_b32';
    result[`hqq_gap_closed${suffix}`] = round3(1 - fitted.bits / rounded.bits);
    result[`hqq_both_ways${suffix}`] = round3(1 - fitted.bothWays / rounded.bothWays);
    say(
      `blocks of ${block} cost ${show(rounded)} bits a token when rounded, ${show(fitted)} by HQQ; in brackets with the errors also turned round`,
    );
  }
  return result;
};

const show = ({ bits, bothWays }: Cost): string => `${bits.toFixed(4)} (${bothWays.toFixed(4)})`;

const round1 = (value: number): number => Math.round(value * 10) / 10;
const round3 = (value: number): number => Math.round(value * 1e3) / 1e3;
