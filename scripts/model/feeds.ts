/** Something to feed a model with that is the same from the same seed, so that two models can be compared. */
import type { HostTensor, HostTensors } from '../../src/compute/index.ts';
import { createStream, type Graph, type Model } from '../../src/onnx/index.ts';
import { misused, Stop } from './io.ts';
import type { Options } from './options.ts';

/** For people: `--shape x=1,3,48,320`, as often as there are inputs. */
export const shapesOf = (options: Options): ReadonlyMap<string, readonly number[]> =>
  new Map(
    options.texts('shape').map((text) => {
      const at = text.lastIndexOf('=');
      const dims = text
        .slice(at + 1)
        .split(',')
        .map(Number);
      if (at < 1 || !dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0))
        throw misused(`--shape is '${text}': an input and its dims are needed, such as x=1,3,48,320.`);
      return [text.slice(0, at), dims] as const;
    }),
  );

/**
 * Floats between -1 and 1, tokens that the vocabulary has, masks of ones, positions from 0 on, empty caches. Dims that are free are
 * 1 on the first axis, 0 for a past, 64 in images and else 8.
 */
export const seededFeeds = (
  { graph }: Model,
  shapes: ReadonlyMap<string, readonly number[]>,
  seed: number,
): HostTensors => {
  const given = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  for (const name of shapes.keys())
    if (!given.some((input) => input.name === name))
      throw misused(`There is no input '${name}': they are ${given.map((input) => input.name).join(', ')}.`);
  return Object.fromEntries(
    given.map(({ name, type }) => {
      if (type.kind !== 'tensor' || (type.shape === undefined && !shapes.has(name)))
        throw new Stop(`Input '${name}' is no tensor of a known rank: say which with --shape ${name}=….`);
      const { shape = [], dtype } = type;
      const dims = shapes.get(name) ?? shape.map((dim, axis) => freeDim(dim, axis, shape.length));
      return [name, feedOf(graph, name, dtype, dims, seed)] as const;
    }),
  );
};

const freeDim = (dim: number | string | undefined, axis: number, rank: number): number => {
  if (typeof dim === 'number') return dim;
  if (axis === 0) return 1;
  const name = dim ?? '';
  if (/past/.test(name) && !/[+]|total/.test(name)) return 0;
  return rank === 4 && !/seq|length/.test(name) ? 64 : 8;
};

const feedOf = (
  graph: Graph,
  name: string,
  dtype: string,
  dims: readonly number[],
  seed: number,
): HostTensor => {
  const count = dims.reduce((size, dim) => size * dim, 1);
  if (count > mostElements)
    throw new Stop(`Input '${name}' has ${count} elements, at most ${mostElements} are fed: give --shape.`);
  const draw = drawFrom(seed, name);
  const whole = (at: number): number => {
    if (/position/.test(name)) return at % (dims.at(-1) ?? 1);
    const vocabulary = rowsLookedUp(graph, name);
    return vocabulary === undefined ? 1 : Math.floor(draw() * vocabulary);
  };
  switch (dtype) {
    case 'float32':
      return {
        dtype,
        dims,
        data: Float32Array.from({ length: count }, () => (/mask/.test(name) ? 1 : 2 * draw() - 1)),
      };
    case 'int64':
      return { dtype, dims, data: BigInt64Array.from({ length: count }, (_, at) => BigInt(whole(at))) };
    case 'int32':
      return { dtype, dims, data: Int32Array.from({ length: count }, (_, at) => whole(at)) };
    case 'bool':
    case 'uint8':
      return { dtype, dims, data: new Uint8Array(count).fill(1) };
    default:
      throw new Stop(`Input '${name}' is ${dtype}: float32, int64, int32, uint8 and bool can be fed.`);
  }
};

const mostElements = 2 ** 26;

/** Rows of the table that the input looks up in: the size of the vocabulary. */
const rowsLookedUp = (graph: Graph, name: string): number | undefined => {
  const lookups = graph.nodes.filter(({ op }) => op === 'Gather' || op === 'GatherBlockQuantized');
  const table = lookups.find(({ inputs }) => inputs[1] === name)?.inputs[0];
  return table === undefined ? undefined : graph.initializers.get(table)?.dims[0];
};

/** In [0, 1). */
const drawFrom = (seed: number, name: string): (() => number) => {
  const stream = createStream(seed, `feeds ${name}`);
  let drawn = 0;
  return () => {
    const word = stream(Math.floor(drawn / 4))[drawn % 4] ?? 0;
    drawn++;
    return word / 2 ** 32;
  };
};
