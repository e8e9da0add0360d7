import type { HostTensor, HostTensors } from '../compute/index.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { createStream } from '../onnx/index.ts';
import type { TrainStep } from './trainStep.ts';

/**
 * One input of the step for every example, end to end. Bytes stand for float32 as pixels do, and small whole numbers for
 * int32, so that a set of data may be kept as small as it comes; what is fed is `value · scale + offset`.
 */
export type Column = {
  /** Of the step's input: `input`, `training.labels`. */
  readonly name: string;
  /** Of one example. */
  readonly dims: readonly number[];
  readonly data: Float32Array | Uint8Array | Uint16Array | Int32Array;
  /** Floats only. 1 if it isn't given. */
  readonly scale?: number;
  /** Floats only. 0 if it isn't given. */
  readonly offset?: number;
};

export type Examples = { readonly count: number; readonly columns: readonly Column[] };

/** Where batches come from. Knows which examples a run gets; doesn't know what is computed with them. */
export interface Batches {
  /** Examples that a run takes. */
  readonly perRun: number;
  /** All that the next run is fed, the rate left out. The arrays are used again: valid until the next call. */
  next(): HostTensors;
}

export type BatchFault = Fault<'invalid'>;

/**
 * Every example once in each epoch, in an order drawn anew for each: the same from the same seed everywhere. Those that are left
 * when the rest of an epoch is less than a run is full come first in the next one.
 */
export const createBatches = (
  fed: TrainStep['fed'],
  examples: Examples,
  seed: number,
): Result<Batches, BatchFault> => {
  const gathers: Gather[] = [];
  for (const each of fed) {
    if (each.name === 'training.rate') continue;
    const column = examples.columns.find(({ name }) => name === each.name);
    if (!column)
      return err(fault('invalid', `the examples have no '${each.name}': ${each.dtype}[${each.dims}]`));
    const gather = gatherOf(each, column, examples.count);
    if (!gather.ok) return gather;
    gathers.push(gather.value);
  }
  const [first] = gathers;
  if (!first) return err(fault('invalid', 'the step takes no data'));
  const odd = gathers.find(({ perRun }) => perRun !== first.perRun);
  if (odd)
    return err(
      fault('invalid', `a run takes ${first.perRun} of '${first.name}', and ${odd.perRun} of '${odd.name}'`),
    );
  const { perRun } = first;
  if (examples.count < 1) return err(fault('invalid', 'there are no examples'));
  const order = createOrder(examples.count, seed);
  const chosen = new Uint32Array(perRun);
  return ok({
    perRun,
    next() {
      for (let at = 0; at < perRun; at++) chosen[at] = order();
      return Object.fromEntries(gathers.map(({ name, gather }) => [name, gather(chosen)]));
    },
  });
};

/**
 * Windows of a long text for a decoder: `input_ids` are `sequence` tokens from a place by chance, `training.labels` those one
 * further. The dims of both are the step's.
 */
export const createWindows = (
  fed: TrainStep['fed'],
  tokens: Uint8Array | Uint16Array | Int32Array,
  seed: number,
): Result<Batches, BatchFault> => {
  const ids = fed.find(({ name }) => name === 'input_ids');
  const labels = fed.find(({ name }) => name === 'training.labels');
  const sequence = ids?.dims.at(-1) ?? 0;
  if (!ids || !labels || ids.dims.join() !== labels.dims.join() || sequence === 0)
    return err(fault('invalid', "the step must take 'input_ids' and 'training.labels' of the same dims"));
  if (tokens.length < sequence + 1)
    return err(fault('invalid', `${tokens.length} tokens: a window takes ${sequence + 1}`));
  const perRun = sizeOf(ids.dims) / sequence;
  const [into, wanted] = [new Int32Array(perRun * sequence), new Int32Array(perRun * sequence)];
  const draw = createDraw(seed, 'windows');
  return ok({
    perRun,
    next() {
      for (let row = 0; row < perRun; row++) {
        const from = draw(tokens.length - sequence);
        for (let at = 0; at < sequence; at++) {
          into[row * sequence + at] = tokens[from + at] ?? 0;
          wanted[row * sequence + at] = tokens[from + at + 1] ?? 0;
        }
      }
      return {
        input_ids: { dtype: 'int32', dims: ids.dims, data: into },
        'training.labels': { dtype: 'int32', dims: labels.dims, data: wanted },
      };
    },
  });
};

type Gather = {
  readonly name: string;
  readonly perRun: number;
  gather(chosen: Uint32Array): HostTensor;
};

const gatherOf = (
  { name, dtype, dims }: TrainStep['fed'][number],
  column: Column,
  count: number,
): Result<Gather, BatchFault> => {
  const { data, scale = 1, offset = 0 } = column;
  const size = sizeOf(column.dims);
  if (data.length !== size * count)
    return err(
      fault('invalid', `'${name}' has ${data.length} numbers: ${count} examples need ${size * count}`),
    );
  if (dims.slice(dims.length - column.dims.length).join() !== column.dims.join())
    return err(fault('invalid', `an example's '${name}' is [${column.dims}], and the step takes [${dims}]`));
  const perRun = sizeOf(dims) / size;
  if (dtype === 'int32') {
    if (data instanceof Float32Array)
      return err(fault('invalid', `'${name}' is int32, and the examples have floats for it`));
    const into = new Int32Array(perRun * size);
    const gather = (chosen: Uint32Array): HostTensor => {
      for (let row = 0; row < perRun; row++) {
        const from = (chosen[row] ?? 0) * size;
        into.set(data.subarray(from, from + size), row * size);
      }
      return { dtype: 'int32', dims, data: into };
    };
    return ok({ name, perRun, gather });
  }
  if (dtype !== 'float32') return err(fault('invalid', `'${name}' is ${dtype}: float32 or int32 can be fed`));
  const into = new Float32Array(perRun * size);
  const plain = scale === 1 && offset === 0;
  const gather = (chosen: Uint32Array): HostTensor => {
    for (let row = 0; row < perRun; row++) {
      const from = (chosen[row] ?? 0) * size;
      if (plain) into.set(data.subarray(from, from + size), row * size);
      else for (let at = 0; at < size; at++) into[row * size + at] = (data[from + at] ?? 0) * scale + offset;
    }
    return { dtype: 'float32', dims, data: into };
  };
  return ok({ name, perRun, gather });
};

/** All from 0 to `count` - 1, shuffled (Fisher, Yates; Durstenfeld, 1964), then again in another order. */
const createOrder = (count: number, seed: number): (() => number) => {
  const order = Uint32Array.from({ length: count }, (_, at) => at);
  let epoch = 0;
  let at = count;
  return () => {
    if (at === count) {
      const draw = createDraw(seed, `epoch ${epoch++}`);
      for (let last = count - 1; last > 0; last--) {
        const other = draw(last + 1);
        [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
      }
      at = 0;
    }
    return order[at++] ?? 0;
  };
};

/** Whole numbers below `bound`, at most 2³²; how much some are likelier than others is less than bound ÷ 2³². */
const createDraw = (seed: number, name: string): ((bound: number) => number) => {
  const stream = createStream(seed, name);
  let drawn = 0;
  return (bound) => {
    const word = stream(Math.floor(drawn / 4))[drawn % 4] ?? 0;
    drawn++;
    return Math.floor((word / 2 ** 32) * bound);
  };
};

const sizeOf = (dims: readonly number[]): number => dims.reduce((size, dim) => size * dim, 1);
