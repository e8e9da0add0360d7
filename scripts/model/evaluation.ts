/** What a model is worth on data that it isn't trained with. */
import type { HostTensor, HostTensors, Runtime } from '../../src/compute/index.ts';
import { bindDims, type Model } from '../../src/onnx/index.ts';
import { type Column, createEvaluator, type Examples } from '../../src/training/index.ts';
import { breathe, type Io, Stop, stopIfAsked, taken } from './io.ts';
import { runnerOf } from './session.ts';
import { inputsOf, type LossKind, type Sizes, sizeOf } from './trainFit.ts';

export type Quality = {
  readonly loss: number;
  /** Of labels, or of signs; undefined where there is nothing to be right about. */
  readonly accuracy: number | undefined;
  readonly count: number;
};

export type EvaluationSpec = {
  readonly loss: LossKind;
  readonly output: string;
  readonly sizes: Sizes;
  readonly batch: number;
  /** Under the names of inputs, with `training.labels` or `training.target`. */
  readonly examples: Examples;
};

export const evaluate = async (
  io: Io,
  runtime: Runtime,
  model: Model,
  spec: EvaluationSpec,
): Promise<Quality> => {
  const { loss, output, sizes, batch, examples } = spec;
  const wanted = examples.columns.find(({ name }) => name.startsWith('training.'));
  if (wanted === undefined) throw new Stop('The data has neither labels nor a target.');
  const through = async (add: (from: number, feeds: HostTensors) => Promise<void>): Promise<void> => {
    for (let from = 0; from < examples.count; from += batch) {
      stopIfAsked(io);
      await add(from, feedsAt(model, examples, from, batch));
      await breathe();
    }
  };
  if (loss === 'cross-entropy') {
    const evaluator = taken(await createEvaluator(runtime, model, { logits: output, sizes }));
    await through(
      async (from, feeds) =>
        void taken(await evaluator.add(feeds, labelsAt(wanted, examples.count, from, batch))),
    );
    await evaluator.release();
    return evaluator.result();
  }
  const session = await runnerOf(runtime, taken(bindDims(model, sizes)));
  const sums = { loss: 0, right: 0, count: 0 };
  await through(async (from, feeds) => {
    const found = (await session.run(feeds))[output];
    const rows = Math.min(batch, examples.count - from);
    if (found?.dtype !== 'float32') throw new Stop(`The model gives no float32 '${output}'.`);
    addNumbers(sums, loss, found.data, wanted, { from, rows });
  });
  await session.release();
  return {
    loss: sums.loss / sums.count,
    accuracy: loss === 'bce' ? sums.right / sums.count : undefined,
    count: examples.count,
  };
};

const addNumbers = (
  sums: { loss: number; right: number; count: number },
  loss: 'mse' | 'bce',
  found: Float32Array,
  { data, dims, scale = 1, offset = 0 }: Column,
  { from, rows }: { readonly from: number; readonly rows: number },
): void => {
  const size = sizeOf(dims);
  for (let at = 0; at < rows * size; at++) {
    const [x, y] = [found[at] ?? 0, (data[from * size + at] ?? 0) * scale + offset];
    // log(1 + eˣ) − x·y, so that nothing overflows.
    sums.loss += loss === 'mse' ? (x - y) ** 2 : Math.max(x, 0) - x * y + Math.log1p(Math.exp(-Math.abs(x)));
    sums.right += x > 0 === y > 0.5 ? 1 : 0;
    sums.count++;
  }
};

/** What is over the end is the first example again, with labels that count for nothing. */
const feedsAt = (model: Model, examples: Examples, from: number, batch: number): HostTensors =>
  Object.fromEntries(
    inputsOf(model).map(({ name, dtype }) => {
      const column = examples.columns.find((one) => one.name === name);
      if (column === undefined) throw new Stop(`The data has nothing for '${name}'.`);
      return [name, tensorOf(column, dtype, from, batch, examples.count)] as const;
    }),
  );

const tensorOf = (
  { name, data, dims: own, scale = 1, offset = 0 }: Column,
  dtype: string,
  from: number,
  batch: number,
  count: number,
): HostTensor => {
  const size = sizeOf(own);
  const dims = [batch, ...own];
  const value = (at: number): number => {
    const row = from + Math.floor(at / size);
    return data[(row < count ? row : 0) * size + (at % size)] ?? 0;
  };
  const length = batch * size;
  if (dtype === 'float32')
    return { dtype, dims, data: Float32Array.from({ length }, (_, at) => value(at) * scale + offset) };
  if (dtype === 'int64')
    return { dtype, dims, data: BigInt64Array.from({ length }, (_, at) => BigInt(value(at))) };
  if (dtype === 'int32') return { dtype, dims, data: Int32Array.from({ length }, (_, at) => value(at)) };
  throw new Stop(`Input '${name}' is ${dtype}: float32, int32 and int64 can be fed.`);
};

const labelsAt = ({ data, dims }: Column, count: number, from: number, batch: number): Int32Array => {
  const size = sizeOf(dims);
  const labels = new Int32Array(batch * size).fill(-1);
  labels.set(data.subarray(from * size, Math.min(count, from + batch) * size));
  return labels;
};
