import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import {
  type Graph,
  inspectModel,
  type Model,
  type OnnxFault,
  prepareQuantization,
  prepareReencoding,
  printType,
  type Quantization,
  type QuantizeFault,
  type QuantizeOptions,
  type QuantizeSpec,
  readSafetensors,
  verifyModel,
} from '../src/onnx/index.ts';
import type { Dim, Value } from '../src/onnx/ir/types.ts';
import { createBlobSource } from '../src/platform/browser/byteSource.ts';
import { bytesOfFiles, missingFiles, openBeside, readOnnx } from './modelFiles.ts';
import type {
  InputSpec,
  ModelFiles,
  OnnxDescription,
  OpenedModel,
  Recipe,
  RecipePlan,
  SafetensorsDescription,
} from './protocol.ts';

/** What a file is, and what can be made of it. Its name decides how it is read; its content has to agree. */
export const describeModel = async (files: ModelFiles): Promise<Result<OpenedModel, Fault>> => {
  if (files.file.size === 0) return err(fault('malformed', 'The file is empty: it has 0 bytes.'));
  if (/\.safetensors$/i.test(files.name)) return describeSafetensors(files);
  const model = await readOnnx(files);
  if (!model.ok) return err(whyNoFile('ONNX model', model.error));
  if (isNothing(model.value)) return err(fault('malformed', 'There is no graph in it: it is no ONNX model.'));
  const description = describeOnnx(files, model.value);
  const recipes = recipesFor(model.value);
  return ok({ description, plans: recipes.map((recipe) => planOf(files, model.value, recipe)) });
};

/** The same preparation for the plan and for the work: what was promised is what is made. */
export const prepareRecipe = (
  model: Model,
  recipe: Recipe,
  options: QuantizeOptions,
): Result<Quantization, QuantizeFault> => {
  if (recipe === 'unpack-int8') return prepareReencoding(model, 'int8', options);
  if (recipe === 'unpack-float32') return prepareReencoding(model, 'float32', options);
  return prepareQuantization(model, specs[recipe], options);
};

/** A message of protobuf ends here, and with it the file. */
export const largestFile = 2 ** 31 - 1;

const specs: Readonly<Record<Exclude<Recipe, 'unpack-int8' | 'unpack-float32'>, QuantizeSpec>> = {
  int8: { scheme: { kind: 'int8' } },
  q4: { scheme: { kind: 'q4', method: 'rtn', block: 64 } },
  'q4-hqq': { scheme: { kind: 'q4', method: 'hqq', block: 64 } },
  ternary: { scheme: { kind: 'ternary' } },
};

const recipesFor = ({ graph }: Model): readonly Recipe[] => {
  const isPacked = graph.nodes.some(({ op, domain }) => op === 'MatMulNBits' && domain === 'com.microsoft');
  const unpacking: readonly Recipe[] = isPacked ? ['unpack-int8', 'unpack-float32'] : [];
  return [...unpacking, 'int8', 'q4', 'q4-hqq', 'ternary'];
};

const planOf = (files: ModelFiles, model: Model, recipe: Recipe): RecipePlan => {
  const prepared = prepareRecipe(model, recipe, { open: openBeside(files) });
  if (!prepared.ok) return { recipe, outcome: prepared };
  const { tensors, skipped, bytesAfter } = prepared.value;
  return { recipe, outcome: ok({ tensors: tensors.length, skipped, bytesAfter }) };
};

const describeOnnx = (files: ModelFiles, model: Model): OnnxDescription => {
  const summary = inspectModel(model, { largest: 12 });
  const feeds = summary.inputs.map((input) => feedOf(input, model.graph));
  return {
    kind: 'onnx',
    ...summary,
    bytes: bytesOfFiles(files),
    inputTypes: summary.inputs.map(({ type }) => printType(type)),
    outputTypes: summary.outputs.map(({ type }) => printType(type)),
    problems: verifyModel(model, { finite: true }),
    missing: missingFiles(files, summary.files),
    feeds,
    sizes: freeSizes(feeds),
  };
};

const describeSafetensors = async (files: ModelFiles): Promise<Result<OpenedModel, Fault>> => {
  const read = await readSafetensors(createBlobSource(files.file));
  if (!read.ok) return err(whyNoFile('.safetensors file', read.error));
  const tensors = [...read.value.tensors].map(([name, { dtype, dims, data }]) => ({
    name,
    dtype,
    dims,
    bytes: data.kind === 'slice' ? data.length : 0,
  }));
  const byType = new Map<(typeof tensors)[number]['dtype'], number>();
  for (const { dtype, bytes } of tensors) byType.set(dtype, (byType.get(dtype) ?? 0) + bytes);
  const description: SafetensorsDescription = {
    kind: 'safetensors',
    bytes: files.file.size,
    parameters: tensors.reduce((sum, { dims }) => sum + dims.reduce((size, dim) => size * dim, 1), 0),
    tensors: tensors.length,
    bytesByType: [...byType].sort(([, a], [, b]) => b - a),
    largest: tensors.toSorted((a, b) => b.bytes - a.bytes).slice(0, 12),
    metadata: Object.entries(read.value.metadata ?? {}).slice(0, 50),
  };
  return ok({ description, plans: [] });
};

const whyNoFile = (what: string, { code, message }: OnnxFault): Fault =>
  code === 'malformed'
    ? fault(code, `It is no ${what}, or a damaged or cut off copy of one: ${message}.`)
    : fault(code, message);

/** Protobuf takes many short texts for a message without anything in it. */
const isNothing = ({ graph, functions }: Model): boolean =>
  graph.nodes.length === 0 && graph.outputs.length === 0 && functions.length === 0;

const drawn = new Set(['float32', 'int64', 'int32', 'uint8', 'bool']);

const feedOf = ({ name, type }: Value, graph: Graph): InputSpec => {
  const none = { name, dtype: undefined, dims: [], rows: undefined };
  if (type.kind !== 'tensor') return { ...none, obstacle: 'it is no plain tensor' };
  const { dtype, shape } = type;
  if (shape === undefined) return { ...none, dtype, obstacle: 'the model does not say how many axes it has' };
  const dims = shape.map((dim: Dim, axis) => dim ?? `${name} axis ${axis}`);
  const obstacle = drawn.has(dtype) ? undefined : `values of ${dtype} are not made here`;
  return { name, dtype, dims, obstacle, rows: rowsLookedUp(name, graph) };
};

const rowsLookedUp = (name: string, { nodes, initializers }: Graph): number | undefined => {
  const tables = nodes.flatMap(({ op, inputs }) => {
    if ((op !== 'Gather' && op !== 'GatherBlockQuantized') || inputs[1] !== name) return [];
    return initializers.get(inputs[0] ?? '')?.dims[0] ?? [];
  });
  return tables.length > 0 ? Math.min(...tables) : undefined;
};

const freeSizes = (feeds: readonly InputSpec[]): OnnxDescription['sizes'] => {
  const found = new Map<string, number>();
  for (const { dims } of feeds)
    dims.forEach((dim, axis) => {
      if (typeof dim === 'string' && !found.has(dim)) found.set(dim, likelySize(dim, axis, dims.length));
    });
  return [...found].map(([name, suggested]) => ({ name, suggested }));
};

/** By exporters' habits: one example, no past, a short text, a small picture. */
const likelySize = (name: string, axis: number, rank: number): number => {
  if (/batch/i.test(name)) return 1;
  if (/past|cache/i.test(name)) return 0;
  if (/seq|time|len|token/i.test(name)) return 16;
  if (axis === 0) return 1;
  return rank === 4 ? 64 : 16;
};
