/**
 * Learning is real: a CNN of 1.7 million parameters learns to tell clothes apart, and a small Llama of 1.2 million learns the
 * characters of English as well as PyTorch does by the same recipe, and then writes words. In Node, on the runtime's WebAssembly.
 */
import { readFileSync } from 'node:fs';
import type { Runtime } from '../../src/compute/index.ts';
import { paperCnn } from '../../src/onnx/build/fedAvgCnn.ts';
import type { BenchOptions, BenchResult } from '../suite.ts';
import { type ClassifierRecipe, learnFashion } from './classifier.ts';
import { readFashion } from './fashion.ts';
import { largestDifference, sampleText } from './generate.ts';
import { createNodeRuntime } from './nodeRuntime.ts';
import { hashRecipe, recipe } from './recipe.ts';
import { readText, shareOfWords, toText, toTokens } from './text.ts';
import { type Training, trainDecoder } from './trainedDecoder.ts';

export const limits = { bpc_ratio: 1.01, forms_max_abs_diff: 1e-3 };
/** A thirtieth of the pictures teaches less: `fashion_accuracy_part` is of the part that is committed. */
export const floors = { fashion_accuracy: 0.91, fashion_accuracy_part: 0.8, words_share: 0.8 };

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const runtime = await createNodeRuntime();
  try {
    return { ...(await learnClothes(runtime, say)), ...(await learnText(runtime, say)) };
  } finally {
    await runtime.release();
  }
};

/** Three epochs; of the committed part, twelve. */
const recipes: Readonly<Record<'all' | 'part', ClassifierRecipe>> = {
  all: { spec: paperCnn, batch: 100, updates: 1_800, peak: 1.5e-3, warmup: 100, seed: 1 },
  part: { spec: paperCnn, batch: 50, updates: 480, peak: 1e-3, warmup: 20, seed: 1 },
};

const learnClothes = async (runtime: Runtime, say: BenchOptions['say']): Promise<BenchResult> => {
  const fashion = readFashion();
  const chosen = recipes[fashion.extent];
  const { train, test } = fashion;
  const extent = fashion.extent === 'all' ? 'All of Fashion-MNIST' : 'The committed part of Fashion-MNIST';
  say(`${extent}: ${train.count} pictures, ${chosen.updates} updates on ${runtime.threads} thread(s)`);
  const start = performance.now();
  const { accuracy, loss } = await learnFashion(runtime, fashion, chosen, ({ done, losses: [last = 0] }) => {
    if (done % 200 === 0) say(`${done} updates: loss ${last.toFixed(3)}`);
  });
  const seconds = (performance.now() - start) / 1e3;
  say(`${test.count} others: ${(100 * accuracy).toFixed(2)} % right, loss ${loss.toFixed(3)}`);
  const [found, other] =
    fashion.extent === 'all'
      ? ['fashion_accuracy', 'fashion_accuracy_part']
      : ['fashion_accuracy_part', 'fashion_accuracy'];
  return { [found]: accuracy, [other]: null, fashion_seconds: seconds };
};

const lengthPrinted = 400;

const learnText = async (runtime: Runtime, say: BenchOptions['say']): Promise<BenchResult> => {
  const trained = await trainDecoder(runtime, { say });
  const { weights, heldOut, bitsPerCharacter, seconds } = trained;
  const difference = await largestDifference(runtime, weights, heldOut.slice(0, recipe.sequence));
  const sample = toText(
    await sampleText(runtime, weights, {
      prompt: toTokens('And '),
      length: 2_000,
      temperature: 0.8,
      seed: 1,
    }),
  );
  say(`it writes:\nAnd ${sample.slice(0, lengthPrinted)}`);
  const share = shareOfWords(sample, toText(readText().training));
  const torch = compareWithTorch(trained, say);
  return {
    bpc: bitsPerCharacter,
    bpc_torch: torch,
    bpc_ratio: bitsPerCharacter / torch,
    decoder_seconds: seconds,
    forms_max_abs_diff: difference,
    words_share: share,
  };
};

/** Bits per character that PyTorch reached; the losses on the way are for people. */
const compareWithTorch = ({ losses }: Training, say: BenchOptions['say']): number => {
  const torch = JSON.parse(readFileSync(new URL('./data/torch.json', import.meta.url), 'utf8')) as {
    readonly recipe: string;
    readonly bitsPerCharacter: number;
    readonly losses: readonly number[];
  };
  if (torch.recipe !== hashRecipe())
    throw new Error('data/torch.json is of another recipe: run scripts/vectors/decoder_torch.py again');
  const every = Math.ceil(losses.length / torch.losses.length);
  const apart = torch.losses.map((loss, at) => Math.abs((losses[at * every] ?? Number.NaN) / loss - 1));
  const most = (from: number, to: number) => (100 * Math.max(...apart.slice(from, to))).toFixed(2);
  say(
    `losses beside PyTorch's: at most ${most(0, 5)} % apart in the first ${every * 4} updates, ${most(5, apart.length)} % later`,
  );
  return torch.bitsPerCharacter;
};
