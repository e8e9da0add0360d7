import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { countOf } from '../ir/dataTypes.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { constantPrefix } from './graphBuilder.ts';
import { createStream, fillNormal, fillUniform } from './random.ts';
import { float32Tensor, readFloat32 } from './tensors.ts';

/** How a parameter starts if it is not given. */
export type Start =
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'normal'; readonly deviation: number }
  | { readonly kind: 'uniform'; readonly bound: number };

/** A trained tensor, float32, under the name and in the layout of its initializer. */
export type Parameter = { readonly name: string; readonly dims: readonly number[]; readonly start: Start };

/** Where values come from. */
export type Weights =
  /** A safe integer, not negative. The same seed gives the same bytes on every machine. */
  | { readonly kind: 'seed'; readonly seed: number }
  /** Views of one buffer, which costs next to nothing until somebody reads it: for a shape without its contents. */
  | { readonly kind: 'zeros' }
  /** By the parameters' names and in their layout. float32, float16 or bfloat16, in memory. */
  | { readonly kind: 'given'; readonly tensors: ReadonlyMap<string, Tensor> };

/** The values of one of the parameters that were resolved. */
export type Values = (parameter: Parameter) => Float32Array;

/** Glorot & Bengio 2010: uniform in ±√(6 / (fan in + fan out)). */
export const glorotUniform = (fanIn: number, fanOut: number): Start => ({
  kind: 'uniform',
  bound: Math.sqrt(6 / (fanIn + fanOut)),
});
/** He et al. 2015, for layers that end in ReLU: deviation √(2 / fan in). */
export const heNormal = (fanIn: number): Start => ({ kind: 'normal', deviation: Math.sqrt(2 / fanIn) });
/** Radford et al. 2019 (GPT-2): deviation 0.02, and less by √(2·layers) where a layer adds to the residual stream. */
export const gpt2Normal: Start = { kind: 'normal', deviation: 0.02 };
export const gpt2Residual = (layers: number): Start => ({
  kind: 'normal',
  deviation: 0.02 / Math.sqrt(2 * layers),
});
export const zero: Start = { kind: 'constant', value: 0 };
export const one: Start = { kind: 'constant', value: 1 };

export const sizeOf = (parameters: readonly Parameter[]): number =>
  parameters.reduce((sum, { dims }) => sum + countOf(dims), 0);

/** The heap of wasm32, in float32. */
export const maxParameters = 2 ** 30;
/** A protobuf message, and so a tensor within one, is shorter than 2 GiB. */
const maxTensorElements = 2 ** 29 - 1;

/** Refuses what no machine here can hold, and weights that don't fit, all of them in one message. */
export const resolveWeights = (
  parameters: readonly Parameter[],
  weights: Weights,
): Result<Values, OnnxFault> => {
  const tooLarge = tooLargeOf(parameters);
  if (tooLarge !== undefined) return err(tooLarge);
  switch (weights.kind) {
    case 'seed':
      return seeded(weights.seed);
    case 'zeros': {
      const largest = parameters.reduce((most, { dims }) => Math.max(most, countOf(dims)), 0);
      const zeros = new Float32Array(largest);
      return ok(({ dims }) => zeros.subarray(0, countOf(dims)));
    }
    case 'given':
      return givenOf(parameters, weights.tensors);
    default:
      return weights satisfies never;
  }
};

export const parameterTensor = (parameter: Parameter, values: Values): Tensor =>
  float32Tensor(parameter.dims, values(parameter));

/** What training changes: the float initializers of a model that this folder built, its constants left out. */
export const trainableNames = (model: Model): readonly string[] =>
  [...model.graph.initializers]
    .filter(
      ([name, tensor]) =>
        tensor.dtype === 'float32' && !name.startsWith(constantPrefix) && !rotaryCaches.has(name),
    )
    .map(([name]) => name);

/** Which names a set of tensors lacks, has too many of, and has in another shape: one sentence each. */
export const misfits = (
  expected: ReadonlyMap<string, readonly number[]>,
  tensors: ReadonlyMap<string, Tensor>,
): readonly string[] => {
  const missing = [...expected.keys()].filter((name) => !tensors.has(name));
  const extra = [...tensors.keys()].filter((name) => !expected.has(name));
  const wrong = [...expected].flatMap(([name, dims]) => {
    const found = tensors.get(name)?.dims;
    return found === undefined || found.join() === dims.join()
      ? []
      : [`${name} is [${found.join(', ')}], not [${dims.join(', ')}]`];
  });
  return [
    ...(missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(extra.length > 0 ? [`not wanted: ${extra.join(', ')}`] : []),
    ...(wrong.length > 0 ? [`of another shape: ${wrong.join('; ')}`] : []),
  ];
};

export const weightsFault = (problems: readonly string[]): OnnxFault =>
  onnxFault('invalid', `the weights don't fit the model. ${problems.join('. ')}`);

/** Reads every tensor, and reports all that can't be read at once. */
export const readAll = (
  tensors: ReadonlyMap<string, Tensor>,
): Result<ReadonlyMap<string, Float32Array>, OnnxFault> => {
  const values = new Map<string, Float32Array>();
  const faults: { readonly name: string; readonly error: OnnxFault }[] = [];
  for (const [name, tensor] of tensors) {
    const read = readFloat32(tensor);
    if (read.ok) values.set(name, read.value);
    else faults.push({ name, error: read.error });
  }
  const [first] = faults;
  if (first === undefined) return ok(values);
  const problems = faults.map(({ name, error }) => `${name} ${error.message}`);
  return err({ ...weightsFault(problems), code: first.error.code });
};

const rotaryCaches: ReadonlySet<string> = new Set(['cos_cache', 'sin_cache']);

const tooLargeOf = (parameters: readonly Parameter[]): OnnxFault | undefined => {
  const total = sizeOf(parameters);
  if (total > maxParameters)
    return onnxFault('too-large', `the model has ${total} parameters, and ${maxParameters} can be held`);
  const large = parameters.find(({ dims }) => countOf(dims) > maxTensorElements);
  if (large === undefined) return undefined;
  const count = countOf(large.dims);
  return onnxFault(
    'too-large',
    `${large.name} has ${count} values, and a tensor ${maxTensorElements} at most`,
  );
};

const seeded = (seed: number): Result<Values, OnnxFault> => {
  if (!Number.isSafeInteger(seed) || seed < 0)
    return err(onnxFault('invalid', `the seed is ${seed}: a safe integer from 0 on is needed`));
  return ok(({ name, dims, start }) => {
    const values = new Float32Array(countOf(dims));
    if (start.kind === 'constant') return values.fill(start.value);
    const draw = createStream(seed, name);
    if (start.kind === 'normal') fillNormal(values, draw, start.deviation);
    else fillUniform(values, draw, start.bound);
    return values;
  });
};

const givenOf = (
  parameters: readonly Parameter[],
  tensors: ReadonlyMap<string, Tensor>,
): Result<Values, OnnxFault> => {
  const problems = misfits(new Map(parameters.map(({ name, dims }) => [name, dims])), tensors);
  if (problems.length > 0) return err(weightsFault(problems));
  const read = readAll(tensors);
  if (!read.ok) return read;
  return ok(({ name }) => {
    const values = read.value.get(name);
    if (values === undefined) throw new Error(`${name} is no parameter of this model`);
    return values;
  });
};
