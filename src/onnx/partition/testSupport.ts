/** What the tests of stages share: the runtime, models run whole and in stages side by side, and changed models. */
import * as ort from 'onnxruntime-web/wasm';
import { unwrap } from '../../core/result.ts';
import { randomBy } from '../autodiff/testDoubles.ts';
import { createGraphBuilder } from '../build/graphBuilder.ts';
import { encodeModel, joinChunks } from '../codec/index.ts';
import { bitsOfNumber } from '../ir/tensor.ts';
import type { Model, Node, Tensor, Value } from '../ir/types.ts';
import type { Stage, StageInput, StagePlan } from './types.ts';

/** Compiled before the first test, whose time it isn't. */
export const startRuntime = async (): Promise<void> => {
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'error';
  const b = createGraphBuilder({ name: 'nothing' });
  b.output(b.node('Relu', [b.input('x', 'float32', [1])]), 'float32', [1]);
  await (await openSession(b.build())).release();
};

export const openSession = (model: Model) =>
  ort.InferenceSession.create(joinChunks(unwrap(encodeModel(model))));

export type Steps = {
  /** New tokens of each run. */
  readonly lengths: readonly number[];
  readonly batch?: number;
  /** What the inputs are called, where the model's names are opaque. */
  readonly roles?: ReadonlyMap<string, string>;
  /** The first elements of float inputs: infinities and the like. */
  readonly odd?: readonly number[];
};
export type Comparison = {
  /** Elements of all results whose bits differ. */
  readonly differing: number;
  readonly compared: number;
  /** Of the whole model's results, the largest: a model of zeros would prove nothing. */
  readonly largest: number;
};

type Tensors = Readonly<Record<string, ort.Tensor>>;
export type WholeRun = {
  readonly steps: readonly { readonly total: number; readonly feeds: Tensors; readonly results: Tensors }[];
};

/** The whole model, step by step, each with the caches of the one before; `like`: a plan that says which those are. */
export const runWhole = async (
  model: Model,
  like: StagePlan,
  { lengths, batch = 1, roles = new Map(), odd = [] }: Steps,
): Promise<WholeRun> => {
  const session = await openSession(model);
  const caches = like.stages.flatMap((stage) => stage.caches);
  const state = new Map<string, ort.Tensor>();
  const steps: WholeRun['steps'][number][] = [];
  let past = 0;
  for (const length of lengths) {
    const at: Place = { past, length, batch, roles, odd };
    const feeds = Object.fromEntries(
      model.graph.inputs.map((input) => [input.name, state.get(input.name) ?? feedOf(input, at)]),
    );
    const results = await session.run(feeds);
    past += length;
    steps.push({ total: past, feeds, results });
    for (const { past: name, present } of caches) if (results[present]) state.set(name, results[present]);
  }
  await session.release();
  return { steps };
};

/** The stages with what the whole was given, but with caches of their own. All results are compared, caches among them. */
export const compareStages = async (
  whole: WholeRun,
  plan: StagePlan,
  open = (stage: Stage) => openSession(stage.model),
): Promise<Comparison> => {
  const sessions: ort.InferenceSession[] = [];
  for (const stage of plan.stages) sessions.push(await open(stage));
  const caches = new Map<string, ort.Tensor>();
  let [differing, compared, largest] = [0, 0, 0];
  for (const { total, feeds, results } of whole.steps) {
    const found: Record<string, ort.Tensor> = {};
    let hidden: ort.Tensor | undefined;
    const given = ({ name, from }: StageInput): ort.Tensor | undefined => {
      if (from === 'previous') return hidden;
      if (from === 'cache') return caches.get(name) ?? feeds[name];
      return feeds[name] ?? new ort.Tensor('int64', BigInt64Array.of(BigInt(total)), [1]);
    };
    for (const [i, stage] of plan.stages.entries()) {
      const own = stage.inputs.flatMap((input) => {
        const value = given(input);
        return value === undefined ? [] : [[input.name, value] as const];
      });
      const result = (await sessions[i]?.run(Object.fromEntries(own))) ?? {};
      for (const { past, present } of stage.caches) if (result[present]) caches.set(past, result[present]);
      hidden = stage.sent && result[stage.sent.name];
      for (const { name, to } of stage.outputs) if (to !== 'next' && result[name]) found[name] = result[name];
    }
    for (const [name, tensor] of Object.entries(results)) {
      const [a, b] = [bitsOf(tensor), found[name] && bitsOf(found[name])];
      for (const [k, bits] of a.entries()) if (bits !== b?.[k]) differing++;
      compared += a.length;
      for (const value of tensor.type === 'float32' ? (tensor.data as Float32Array) : [])
        if (Math.abs(value) > largest) largest = Math.abs(value);
    }
  }
  for (const session of sessions) await session.release();
  return { differing, compared, largest };
};

export const compareRuns = async (model: Model, plan: StagePlan, steps: Steps): Promise<Comparison> =>
  compareStages(await runWhole(model, plan, steps), plan);

type Place = {
  readonly past: number;
  readonly length: number;
  readonly batch: number;
  readonly roles: ReadonlyMap<string, string>;
  readonly odd: readonly number[];
};

const feedOf = ({ name, type }: Value, { past, length, batch, roles, odd }: Place): ort.Tensor => {
  if (type.kind !== 'tensor' || type.shape === undefined)
    throw new Error(`${name} is no tensor of known rank`);
  const role = roles.get(name) ?? name;
  const total = past + length;
  const dims = type.shape.map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    if (axis === 0) return batch;
    if (role === 'attention_mask') return total;
    return role.startsWith('past') ? 0 : length;
  });
  const count = dims.reduce((a, b) => a * b, 1);
  if (type.dtype === 'int64') {
    const number = (i: number) =>
      role === 'attention_mask'
        ? 1
        : role === 'position_ids'
          ? past + (i % length)
          : (i * 7 + past * 3 + 1) % 11;
    return new ort.Tensor(
      'int64',
      BigInt64Array.from({ length: count }, (_, i) => BigInt(number(i))),
      dims,
    );
  }
  const random = randomBy(count);
  if (type.dtype === 'float16') {
    const bits = Uint16Array.from({ length: count }, () => bitsOfNumber('float16', 2 * random() - 1));
    return new ort.Tensor('float16', bits, dims);
  }
  return new ort.Tensor(
    'float32',
    Float32Array.from({ length: count }, (_, i) => odd[i] ?? 2 * random() - 1),
    dims,
  );
};

const bitsOf = (tensor: ort.Tensor): Uint8Array | Uint16Array | Uint32Array => {
  const { buffer, byteOffset, byteLength } = tensor.data as Float32Array;
  if (tensor.type === 'float16') return new Uint16Array(buffer, byteOffset, byteLength / 2);
  return new Uint32Array(buffer, byteOffset, byteLength / 4);
};

/** Every name replaced, of nodes and values; dimensions keep theirs, which say what is equal. */
export const withOpaqueNames = (model: Model) => {
  const names = new Map<string, string>([['', '']]);
  const random = randomBy(17);
  const opaque = (name: string): string => {
    const known = names.get(name) ?? `x${Math.floor(random() * 1e9)}_${names.size}`;
    names.set(name, known);
    return known;
  };
  const { graph } = model;
  const node = (one: Node): Node => ({
    ...one,
    name: opaque(`node ${one.name}`),
    inputs: one.inputs.map(opaque),
    outputs: one.outputs.map(opaque),
  });
  const value = (one: Value): Value => ({ ...one, name: opaque(one.name) });
  const renamed: Model = {
    ...model,
    graph: {
      ...graph,
      nodes: graph.nodes.map(node),
      inputs: graph.inputs.map(value),
      outputs: graph.outputs.map(value),
      initializers: new Map([...graph.initializers].map(([name, tensor]) => [opaque(name), tensor])),
      values: new Map(),
    },
  };
  return { model: renamed, names };
};

/** The nodes in another topological order: of those that could come next, one by chance. */
export const shuffled = (model: Model, seed: number): Model => {
  const { graph } = model;
  const random = randomBy(seed);
  const made = new Set<string>(['', ...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  const left = new Set(graph.nodes);
  const nodes: Node[] = [];
  while (left.size > 0) {
    const ready = [...left].filter(({ inputs }) => inputs.every((name) => made.has(name)));
    const next = ready[Math.floor(random() * ready.length)];
    if (next === undefined) throw new Error('the graph has a cycle');
    left.delete(next);
    nodes.push(next);
    for (const name of next.outputs) made.add(name);
  }
  return { ...model, graph: { ...graph, nodes } };
};

/** Every product with a matrix of weights in another form: 4 bits in blocks of 32, or 8 bits with inputs quantized as they come. */
export const quantizedProducts = (model: Model, bits: 4 | 8): Model => {
  const initializers = new Map(model.graph.initializers);
  const nodes = model.graph.nodes.map((node): Node => {
    const [x = '', name = ''] = node.inputs;
    const weight = initializers.get(name);
    if (node.op !== 'MatMul' || weight?.dims.length !== 2) return node;
    const add = (suffix: string, tensor: Tensor): string => {
      initializers.set(`${name}.${suffix}`, tensor);
      return `${name}.${suffix}`;
    };
    return bits === 4 ? fourBits(node, x, weight, add) : eightBits(node, x, weight, add);
  });
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  for (const name of initializers.keys()) if (!read.has(name)) initializers.delete(name);
  return {
    ...model,
    opsets: new Map([...model.opsets, ['com.microsoft', 1]]),
    graph: { ...model.graph, nodes, initializers },
  };
};

type AddTensor = (suffix: string, tensor: Tensor) => string;
const tensor = (
  dtype: Tensor['dtype'],
  dims: readonly number[],
  { buffer }: { readonly buffer: ArrayBuffer },
): Tensor => ({
  dtype,
  dims,
  data: { kind: 'bytes', bytes: new Uint8Array(buffer) },
});
const singles = ({ data }: Tensor): Float32Array => {
  if (data.kind !== 'bytes') throw new Error('a tensor in memory was expected');
  return new Float32Array(data.bytes.slice().buffer);
};

const fourBits = (node: Node, x: string, weight: Tensor, add: AddTensor): Node => {
  const [k = 0, n = 0] = weight.dims;
  const values = singles(weight);
  const blocks = Math.ceil(k / 32);
  const packed = new Uint8Array(n * blocks * 16);
  const scales = new Float32Array(n * blocks);
  for (let column = 0; column < n; column++)
    for (let block = 0; block < blocks; block++) {
      const row = (i: number) => values[(block * 32 + i) * n + column] ?? 0;
      const scale = Math.max(...Array.from({ length: 32 }, (_, i) => Math.abs(row(i)))) / 7 || 1;
      scales[column * blocks + block] = scale;
      for (let i = 0; i < 32; i++) {
        const quantized = block * 32 + i < k ? Math.round(row(i) / scale) + 8 : 8;
        const at = (column * blocks + block) * 16 + (i >> 1);
        packed[at] = (packed[at] ?? 0) | (quantized << (4 * (i & 1)));
      }
    }
  const inputs = [
    x,
    add('q4', tensor('uint8', [n, blocks, 16], packed)),
    add('scales', tensor('float32', [n * blocks], scales)),
  ];
  const attribute = (value: number) => ({ type: 'int', value }) as const;
  const attributes = { K: attribute(k), N: attribute(n), bits: attribute(4), block_size: attribute(32) };
  return { ...node, op: 'MatMulNBits', domain: 'com.microsoft', inputs, attributes };
};

const eightBits = (node: Node, x: string, weight: Tensor, add: AddTensor): Node => {
  const values = singles(weight);
  const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127 || 1;
  const inputs = [
    x,
    add(
      'q8',
      tensor(
        'int8',
        weight.dims,
        Int8Array.from(values, (value) => Math.round(value / scale)),
      ),
    ),
    add('scale', tensor('float32', [], Float32Array.of(scale))),
  ];
  return { ...node, op: 'DynamicQuantizeMatMul', domain: 'com.microsoft', inputs };
};
