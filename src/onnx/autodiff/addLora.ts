import { err, ok, type Result } from '../../core/result.ts';
import { maxParameters } from '../build/parameters.ts';
import { createStream, fillUniform } from '../build/random.ts';
import { float32Tensor } from '../build/tensors.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { float, int } from '../ir/attributes.ts';
import { bytesOf, scalarValueOf } from '../ir/tensor.ts';
import type { Graph, Model, Node, Tensor } from '../ir/types.ts';
import type { LoraAdapter, LoraFactors } from '../lora/types.ts';
import { verifyModel } from '../verify.ts';
import { type Name, namesOf } from './emitter.ts';
import { type LinearLayer, linearLayersOf, type PlacedLayer } from './linearLayers.ts';
import { attributesOf } from './rule.ts';

export type LoraOptions = {
  /** r, at most the smaller side of any weight. */
  readonly rank: number;
  /** α: what A·B is multiplied with is α ÷ r. */
  readonly alpha: number;
  /** Weights or nodes by their names, or whichever a function chooses of the linear layers. Default: `isDecoderLayer`. */
  readonly targets?: readonly string[] | ((layer: LinearLayer) => boolean);
  /** A safe integer, not negative. The same seed gives the same factors on every machine. */
  readonly seed: number;
};

/** The projections of a decoder's attention and MLP, by the names that the common exporters give. Not the head. */
export const isDecoderLayer = ({ node, weight }: LinearLayer): boolean =>
  [node, weight].some((name) => /(^|[./])(\w*attn|attention|mlp|feed_forward)[./]/.test(name)) &&
  ![node, weight].some((name) => name.includes('lm_head'));

/**
 * Puts x·A·B·α/r beside each x·W that is targeted (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021).
 *
 * `<weight>.lora_A` [inputs, r] is drawn as Hugging Face's PEFT does (uniform within ±1/√inputs, which is He's bound with a
 * slope of √5), `<weight>.lora_B` [r, outputs] is zeros: at first the model computes what it did. Layers that share a
 * weight share its factors. `trainable` are the names of all factors, for `TrainingSpec`.
 *
 * `missing` and `invalid` name the target that is no linear layer of one constant float32 or quantized weight.
 */
export const addLora = (
  model: Model,
  options: LoraOptions,
): Result<{ readonly model: Model; readonly trainable: readonly Name[] }, OnnxFault> => {
  const { graph } = model;
  // What is allocated follows from what the nodes say of themselves.
  const [fault] = verifyModel(model);
  if (fault) return err(fault);
  const chosen = choose(graph, options.targets ?? isDecoderLayer);
  if (!chosen.ok) return chosen;
  const objection = whyNot(graph, options, chosen.value);
  if (objection) return err(objection);
  const initializers = new Map(graph.initializers);
  initializers.set(scaleName, float32Tensor([], Float32Array.of(options.alpha / options.rank)));
  for (const layer of chosen.value)
    for (const [name, tensor] of factorsOf(layer, options)) initializers.set(name, tensor);
  const byPlace = new Map(chosen.value.map((layer) => [layer.at, layer]));
  const name = freshNames(graph);
  const nodes = graph.nodes.flatMap((node, at) => {
    const layer = byPlace.get(at);
    return layer ? adapted(node, layer, name) : [node];
  });
  const trainable = [...initializers.keys()].filter(
    (factor) => !graph.initializers.has(factor) && factor !== scaleName,
  );
  return ok({ model: { ...model, graph: { ...graph, nodes, initializers } }, trainable });
};

/**
 * What was trained, as a value of its own: the factors of a model that `addLora` made. `values` are those that training gave,
 * by their names; factors that it lacks are the model's.
 */
export const adapterOf = (
  model: Model,
  values: ReadonlyMap<Name, Tensor> = new Map(),
): Result<LoraAdapter, OnnxFault> => {
  const { initializers } = model.graph;
  const scale = initializers.get(scaleName);
  if (!scale) return err(onnxFault('missing', `the model has no '${scaleName}', and so no adapter`));
  const read = scalarValueOf(scale);
  if (!read.ok) return read;
  const factors = new Map<Name, LoraFactors>();
  for (const name of initializers.keys()) {
    if (!name.endsWith(suffixes.a)) continue;
    const weight = name.slice(0, -suffixes.a.length);
    const a = factorOf(initializers, values, name);
    if (!a.ok) return a;
    const b = factorOf(initializers, values, weight + suffixes.b);
    if (!b.ok) return b;
    factors.set(weight, { a: a.value, b: b.value });
  }
  return ok({ scale: Number(read.value), factors });
};

const scaleName = 'lora.scale';
const suffixes = { a: '.lora_A', b: '.lora_B' } as const;

const choose = (
  graph: Graph,
  targets: NonNullable<LoraOptions['targets']>,
): Result<readonly PlacedLayer[], OnnxFault> => {
  const layers = linearLayersOf(graph);
  let isTarget = targets;
  if (typeof isTarget !== 'function') {
    const known = new Set(layers.flatMap(({ node, weight }) => [node, weight]));
    const named = new Set(isTarget);
    const stranger = isTarget.find((name) => !known.has(name));
    if (stranger !== undefined) return err(strangerFault(graph, stranger));
    isTarget = ({ node, weight }) => named.has(node) || named.has(weight);
  }
  const chosen = layers.filter(isTarget);
  // Factors belong to the weight: all its layers have them, or the model would be none that W + A·B describes.
  const weights = new Set(chosen.map(({ weight }) => weight));
  return ok(layers.filter(({ weight }) => weights.has(weight)));
};

const strangerFault = ({ nodes, initializers }: Graph, name: string): OnnxFault => {
  const what =
    'adapters go beside a MatMul, Gemm or MatMulNBits of a constant matrix in float32 or quantized';
  const node = nodes.find((one) => one.name === name);
  if (node) return onnxFault('invalid', `'${name}' is a ${node.op} that takes none: ${what}`, name);
  if (!initializers.has(name))
    return onnxFault('missing', `the graph has no weight and no node '${name}': ${what}`);
  const users = nodes.filter(({ inputs }) => inputs.includes(name)).map(({ op }) => op);
  return onnxFault(
    'invalid',
    `'${name}' is used by ${users.join(', ') || 'no node'}: ${what}, which nothing else uses`,
  );
};

const whyNot = (
  graph: Graph,
  { rank, alpha, seed }: LoraOptions,
  layers: readonly PlacedLayer[],
): OnnxFault | undefined => {
  if (layers.length === 0)
    return onnxFault('invalid', 'no linear layer is targeted: name some, or choose others');
  if (!Number.isSafeInteger(seed) || seed < 0)
    return onnxFault('invalid', `the seed is ${seed}: a safe integer from 0 on is needed`);
  if (!Number.isSafeInteger(rank) || rank < 1) return onnxFault('invalid', `a rank of ${rank}: 1 or more`);
  const scale = Math.fround(alpha / rank);
  if (!Number.isFinite(scale) || scale === 0)
    return onnxFault('invalid', `alpha is ${alpha}: a float32 number but 0`);
  const narrow = layers.find(({ inputs, outputs }) => Math.min(inputs, outputs) < rank);
  if (narrow)
    return onnxFault(
      'invalid',
      `a rank of ${rank} is more than '${narrow.weight}' [${narrow.inputs}, ${narrow.outputs}] has`,
      narrow.node,
    );
  const size = layers.reduce((sum, { inputs, outputs }) => sum + rank * (inputs + outputs), 0);
  if (!(size <= maxParameters))
    return onnxFault('too-large', `the factors have ${size} parameters, and ${maxParameters} can be held`);
  const taken = namesOf(graph);
  const wanted = [scaleName, ...layers.flatMap(({ weight }) => [weight + suffixes.a, weight + suffixes.b])];
  const clash = wanted.find((name) => taken.has(name));
  return clash === undefined
    ? undefined
    : onnxFault('invalid', `there is a '${clash}': the model has adapters`);
};

const factorsOf = (
  { weight, inputs, outputs }: LinearLayer,
  { rank, seed }: LoraOptions,
): readonly (readonly [Name, Tensor])[] => {
  const [a, b] = [weight + suffixes.a, weight + suffixes.b];
  const values = new Float32Array(inputs * rank);
  fillUniform(values, createStream(seed, a), 1 / Math.sqrt(inputs));
  return [
    [a, float32Tensor([inputs, rank], values)],
    [b, float32Tensor([rank, outputs], new Float32Array(rank * outputs))],
  ];
};

/** The node under another output's name, and behind it the sum, which has the old one. */
const adapted = (node: Node, { weight }: LinearLayer, name: (hint: string) => Name): readonly Node[] => {
  const [x = ''] = node.inputs;
  const [y = '', ...others] = node.outputs;
  const attribute = attributesOf(node.attributes);
  const [transA, alpha] =
    node.op === 'Gemm' ? [attribute.int('transA', 0), attribute.float('alpha', 1)] : [0, 1];
  const step = (
    op: string,
    inputs: readonly Name[],
    output: Name,
    attributes: Node['attributes'] = {},
  ): Node => ({
    op,
    domain: '',
    name: name(`${weight}.lora/${op}`),
    inputs,
    outputs: [output],
    attributes,
  });
  const [base, down, scaled, up] = ['base', 'down', 'scaled', 'up'].map((part) =>
    name(`${weight}.lora/${part}`),
  ) as [Name, Name, Name, Name];
  const a = weight + suffixes.a;
  const b = weight + suffixes.b;
  return [
    { ...node, outputs: [base, ...others] },
    transA ? step('Gemm', [x, a], down, { transA: int(1) }) : step('MatMul', [x, a], down),
    step('Mul', [down, scaleName], scaled),
    alpha === 1 ? step('MatMul', [scaled, b], up) : step('Gemm', [scaled, b], up, { alpha: float(alpha) }),
    step('Add', [base, up], y),
  ];
};

const freshNames = (graph: Graph): ((hint: string) => Name) => {
  const taken = new Set(namesOf(graph));
  return (hint) => {
    let name = hint;
    for (let count = 1; taken.has(name); count++) name = `${hint}_${count}`;
    taken.add(name);
    return name;
  };
};

const factorOf = (
  initializers: Graph['initializers'],
  values: ReadonlyMap<Name, Tensor>,
  name: Name,
): Result<Tensor, OnnxFault> => {
  const own = initializers.get(name);
  if (!own) return err(onnxFault('missing', `the model has no '${name}'`));
  const tensor = values.get(name) ?? own;
  if (tensor.dtype !== 'float32' || tensor.dims.join() !== own.dims.join())
    return err(
      onnxFault('invalid', `'${name}' is ${tensor.dtype} [${tensor.dims}], not float32 [${own.dims}]`),
    );
  const bytes = bytesOf(tensor);
  return bytes.ok ? ok(tensor) : bytes;
};
