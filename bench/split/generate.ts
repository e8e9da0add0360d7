/** A prompt and the tokens that follow it, through a whole model and through stages of it. */
import * as ort from 'onnxruntime-web/wasm';
import type { RunnableStage, StageInput, StagePlan } from '../../src/onnx/index.ts';
import { smol } from './model.ts';

export const tokensOfPrompt = 128;
export const tokensAfterPrompt = 60;

export type Recording = {
  /** Of each run: what went in, and all logits that came out. */
  readonly runs: readonly { readonly tokens: readonly number[]; readonly logits: Float32Array }[];
  readonly milliseconds: number;
};

/** The likeliest token comes next, each time. */
export const generateWhole = async (whole: RunnableStage): Promise<Recording> => {
  const session = await openSession(whole);
  const caches = new Map<string, ort.Tensor>();
  const runs: Recording['runs'][number][] = [];
  let tokens = Array.from({ length: tokensOfPrompt }, (_, i) => (i * 7919 + 13) % smol.vocab);
  const start = performance.now();
  for (let total = tokensOfPrompt; total <= tokensOfPrompt + tokensAfterPrompt; total++) {
    const feeds = Object.fromEntries(
      session.inputNames.map((name) => {
        if (name === 'input_ids') return [name, wholeNumbers(tokens, [1, tokens.length])];
        if (name === 'attention_mask') return [name, wholeNumbers(Array(total).fill(1), [1, total])];
        return [name, caches.get(name) ?? emptyCache()];
      }),
    );
    const results = await session.run(feeds);
    for (const [name, tensor] of Object.entries(results))
      caches.set(name.replace('present', 'past_key_values'), tensor);
    const logits = logitsOf(results);
    runs.push({ tokens, logits });
    const last = logits.subarray(logits.length - smol.vocab);
    tokens = [last.reduce((best, value, i) => (value > (last[best] ?? 0) ? i : best), 0)];
  }
  const milliseconds = performance.now() - start;
  await session.release();
  return { runs, milliseconds };
};

/** Between the logits of the same tokens. NaN if one is no number. */
export const largestDifference = async (
  whole: Recording,
  { stages }: StagePlan,
  runnable: readonly RunnableStage[],
): Promise<number> => {
  const sessions: ort.InferenceSession[] = [];
  for (const stage of runnable) sessions.push(await openSession(stage));
  const caches = new Map<string, ort.Tensor>();
  let [largest, total] = [0, 0];
  for (const { tokens, logits } of whole.runs) {
    total += tokens.length;
    let hidden: ort.Tensor | undefined;
    let results: Readonly<Record<string, ort.Tensor>> = {};
    const feed = ({ name, from }: StageInput): ort.Tensor => {
      if (from === 'tokens') return wholeNumbers(tokens, [1, tokens.length]);
      if (from === 'shared') return wholeNumbers([total], [1]);
      if (from === 'cache') return caches.get(name) ?? emptyCache();
      if (hidden === undefined) throw new Error(`nothing was sent as ${name}`);
      return hidden;
    };
    for (const [i, { inputs, caches: pairs, sent }] of stages.entries()) {
      results =
        (await sessions[i]?.run(Object.fromEntries(inputs.map((input) => [input.name, feed(input)])))) ?? {};
      for (const { past, present } of pairs) if (results[present]) caches.set(past, results[present]);
      hidden = sent && results[sent.name];
    }
    const found = logitsOf(results);
    if (found.length !== logits.length) throw new Error(`${found.length} logits, not ${logits.length}`);
    for (const [i, expected] of logits.entries()) {
      const difference = Math.abs(expected - (found[i] ?? Number.NaN));
      if (!(difference <= largest)) largest = difference;
    }
  }
  for (const session of sessions) await session.release();
  return largest;
};

const openSession = ({ model, externalData }: RunnableStage): Promise<ort.InferenceSession> => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  return ort.InferenceSession.create(model, { externalData });
};

const wholeNumbers = (values: readonly number[], dims: readonly number[]) =>
  new ort.Tensor('int64', BigInt64Array.from(values, BigInt), dims);

const emptyCache = () =>
  new ort.Tensor('float32', new Float32Array(0), [1, smol.kvHeads, 0, smol.hidden / smol.heads]);

const logitsOf = ({ logits }: Readonly<Record<string, ort.Tensor>>): Float32Array => {
  if (logits?.data instanceof Float32Array) return logits.data;
  throw new Error('there are no logits');
};
