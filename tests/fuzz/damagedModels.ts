/**
 * Models that decode and are wrong: what passes meet when a stranger, or an exporter with a mistake, hands them one. Each case is a
 * small model with up to three things changed: nodes gone or twice, values and operators renamed, attributes and dims absurd, data
 * of another length, numbers that are none.
 */
import { readFileSync } from 'node:fs';
import { unwrap } from '../../src/core/result.ts';
import {
  type Attribute,
  addLora,
  bindDims,
  buildTrainingModel,
  decodeModel,
  encodeModel,
  type Graph,
  inferModel,
  inspectModel,
  type Model,
  mergeModels,
  type Node,
  planStages,
  prepareQuantization,
  prepareReencoding,
  printModel,
  quantizeModel,
  type Tensor,
  verifyModel,
} from '../../src/onnx/index.ts';
import { families } from '../../src/onnx/testFamilies.ts';
import type { SeededRandom } from '../simulation/random.ts';

export const damagedModelSources = async (): Promise<readonly Model[]> => {
  const exported = ['genai', 'optimum'].map((name) =>
    unwrap(
      decodeModel(new Uint8Array(readFileSync(new URL(`../vectors/onnx/${name}.onnx`, import.meta.url)))),
    ),
  );
  return [...families.map(({ build }) => build()), ...exported];
};

export const damaged = (model: Model, random: SeededRandom): Model => {
  let graph = model.graph;
  for (let times = 1 + random.int(3); times > 0; times--) graph = random.pick(changes)(graph, random);
  const opsets = random.chance(0.05) ? new Map([['', random.pick([0, 1, 7, 99, -1])]]) : model.opsets;
  return { ...model, graph, opsets };
};

type Change = (graph: Graph, random: SeededRandom) => Graph;

const changes: readonly Change[] = [
  (graph, random) => ({ ...graph, nodes: graph.nodes.toSpliced(random.int(graph.nodes.length), 1) }),
  (graph, random) => ({ ...graph, nodes: [...graph.nodes, random.pick(graph.nodes)] }),
  (graph, random) => ({ ...graph, nodes: graph.nodes.toReversed().toSpliced(0, random.int(3)) }),
  // A cycle, or a value of another type and shape.
  (graph, random) =>
    withNode(graph, random, (node) => ({
      ...node,
      inputs:
        node.inputs.length === 0
          ? [anyValue(graph, random)]
          : node.inputs.with(random.int(node.inputs.length), anyValue(graph, random)),
    })),
  (graph, random) =>
    withNode(graph, random, (node) => ({ ...node, inputs: node.inputs.slice(0, random.int(3)) })),
  (graph, random) =>
    withNode(graph, random, (node) => ({ ...node, inputs: [...node.inputs, '', anyValue(graph, random)] })),
  (graph, random) =>
    withNode(graph, random, (node) => ({
      ...node,
      outputs: random.pick([[], [''], [...node.outputs, 'more'], [anyValue(graph, random)]]),
    })),
  (graph, random) =>
    withNode(graph, random, (node) => ({
      ...node,
      op: random.pick([...graph.nodes.map(({ op }) => op), 'Nothing', '']),
    })),
  (graph, random) =>
    withNode(graph, random, (node) => ({ ...node, domain: random.pick(['', 'com.microsoft', 'x.y']) })),
  (graph, random) => withNode(graph, random, (node) => ({ ...node, attributes: {} })),
  (graph, random) =>
    withNode(graph, random, (node) => {
      const [name] = Object.keys(node.attributes);
      return { ...node, attributes: { ...node.attributes, [name ?? 'axis']: random.pick(absurd) } };
    }),
  (graph, random) => withTensor(graph, random, () => undefined),
  (graph, random) => withTensor(graph, random, (tensor) => ({ ...tensor, dims: random.pick(absurdDims) })),
  (graph, random) =>
    withTensor(graph, random, (tensor) => ({
      ...tensor,
      dtype: random.pick([
        'float32',
        'float64',
        'int64',
        'int4',
        'string',
        'bool',
        'float8e4m3fn',
        'bfloat16',
      ] as const),
    })),
  (graph, random) =>
    withTensor(graph, random, (tensor) => ({
      ...tensor,
      data: { kind: 'bytes', bytes: random.bytes(random.int(40)) },
    })),
  (graph, random) =>
    withTensor(graph, random, (tensor) => ({
      ...tensor,
      data: {
        kind: 'external',
        location: random.pick(['w.bin', '../w.bin', '']),
        offset: random.int(9),
        length: random.pick([undefined, 0, 2 ** 40]),
      },
    })),
  (graph, random) =>
    withTensor(graph, random, (tensor) => ({
      ...tensor,
      data:
        tensor.data.kind === 'bytes'
          ? { kind: 'bytes', bytes: new Uint8Array(tensor.data.bytes).fill(random.pick([0xff, 0x7f, 0])) }
          : tensor.data,
    })),
  (graph, random) => ({
    ...graph,
    inputs: graph.inputs.map((input) =>
      input.type.kind === 'tensor' && random.chance(0.6)
        ? {
            ...input,
            type: {
              ...input.type,
              shape: random.pick([
                undefined,
                [],
                [0],
                [undefined, 'n'],
                [2 ** 31, 2 ** 31],
                ['', -3],
                Array(9).fill(1),
              ]),
            },
          }
        : input,
    ),
  }),
  (graph, random) => ({
    ...graph,
    outputs: graph.outputs.map((output) => ({ ...output, name: anyValue(graph, random) })),
  }),
  (graph) => ({ ...graph, outputs: [] }),
];

const absurd: readonly Attribute[] = [
  { type: 'int', value: -1 },
  { type: 'int', value: 2 ** 31 },
  { type: 'int', value: 2n ** 62n },
  { type: 'ints', value: [] },
  { type: 'ints', value: [-1, 0, 9] },
  { type: 'ints', value: [2 ** 31, 2 ** 31, 2 ** 31] },
  { type: 'float', value: Number.NaN },
  { type: 'string', value: 'SAME_UPPER' },
];
const absurdDims: readonly (readonly number[])[] = [
  [],
  [0],
  [-1],
  [2 ** 31, 2 ** 31],

  [3, 5],
  [1, 1, 1, 1, 1, 1, 1, 1, 1],
];

const anyValue = ({ nodes, inputs, initializers }: Graph, random: SeededRandom): string =>
  random.pick([
    ...nodes.flatMap(({ outputs }) => outputs),
    ...inputs.map(({ name }) => name),
    ...initializers.keys(),
    'nowhere',
    '',
  ]);

const withNode = (graph: Graph, random: SeededRandom, change: (node: Node) => Node): Graph => {
  if (graph.nodes.length === 0) return graph;
  const at = random.int(graph.nodes.length);
  return { ...graph, nodes: graph.nodes.map((node, index) => (index === at ? change(node) : node)) };
};

const withTensor = (
  graph: Graph,
  random: SeededRandom,
  change: (tensor: Tensor) => Tensor | undefined,
): Graph => {
  if (graph.initializers.size === 0) return graph;
  const name = random.pick([...graph.initializers.keys()]);
  const initializers = [...graph.initializers].flatMap(([key, tensor]) => {
    const changed = key === name ? change(tensor) : tensor;
    return changed ? [[key, changed] as const] : [];
  });
  return { ...graph, initializers: new Map(initializers) };
};

const sizes = {
  batch: 2,
  sequence: 3,
  sequence_length: 3,
  past_sequence_length: 0,
  total_sequence_length: 3,
};
const sizesOf = ({ graph }: Model) =>
  Object.fromEntries(
    graph.inputs
      .flatMap(({ type }) => (type.kind === 'tensor' ? (type.shape ?? []) : []))
      .flatMap((dim) => (typeof dim === 'string' && Object.hasOwn(sizes, dim) ? [[dim, 2]] : [])),
  );

/** Every pass, with the other model beside it where it takes two. Each must end with a value or a fault. */
export const passes: Readonly<Record<string, (model: Model, other: Model) => unknown>> = {
  verify: (model) => verifyModel(model),
  infer: (model) => inferModel(model),
  inspect: (model) => inspectModel(model),
  print: (model) => printModel(model, { maxNodes: 50 }),
  encode: (model) => encodeModel(model),
  'bind dims': (model) => bindDims(model, sizesOf(model)),
  differentiate: (model) =>
    buildTrainingModel(model, {
      sizes: sizesOf(model),
      loss: { kind: 'softmax-cross-entropy', logits: model.graph.outputs[0]?.name ?? 'logits' },
      optimizer: { kind: 'adamw' },
      clip: 1,
    }),
  'clip by example': (model) =>
    buildTrainingModel(model, {
      sizes: sizesOf(model),
      loss: { kind: 'mean-squared-error', output: model.graph.outputs[0]?.name ?? 'logits' },
      optimizer: { kind: 'sgd' },
      perExample: { clip: 1 },
    }),
  adapters: (model) => addLora(model, { rank: 2, alpha: 4, seed: 1 }),
  'plan int8': (model) => prepareQuantization(model, { scheme: { kind: 'int8' }, smallest: 1 }),
  'plan ternary': (model) => prepareQuantization(model, { scheme: { kind: 'ternary' }, smallest: 1 }),
  'plan to float32': (model) => prepareReencoding(model, 'float32'),
  quantize: (model) =>
    quantizeModel(model, { scheme: { kind: 'q4', method: 'hqq', block: 16 }, smallest: 1 }, async () => {}),
  cut: (model) => planStages(model, { capacities: [1, 1] }),
  merge: (model, other) =>
    mergeModels([{ model }, { model: other }], { method: { kind: 'linear', weights: [1, 1] } }),
};
