import { err, ok, type Result } from '../../core/result.ts';
import { type OpenExternal, resolveTensor } from '../codec/external.ts';
import type { Write } from '../codec/sourceReading.ts';
import type { OnnxFault } from '../fault.ts';
import { countOf } from '../ir/dataTypes.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { contextOf } from './context.ts';
import { type FormContext, formOf, type Target } from './forms.ts';
import { type Change, prepare, type Quantization, runQuantization } from './prepare.ts';
import { floatRows, isWeightType, type MatrixShape, type Order, type Rows, type WeightType } from './rows.ts';
import {
  checkSpec,
  defaultTernaryBlock,
  type QuantizationReport,
  type QuantizeFault,
  type QuantizeOptions,
  type QuantizeSpec,
  type Scheme,
  type Skipped,
} from './scheme.ts';
import { type Consumers, consumersIn, type Uses, usesOf } from './uses.ts';

/**
 * The model with its weights in few bits, computed while it is written; the same model and spec give the same bytes. Weights are
 * the float initializers of the main graph that `MatMul`, `Gemm`, `Gather` and, in int8, `Conv` use as such, also transposed; one
 * that several nodes use is stored once. The others are `skipped`, each with its reason. Doesn't know how good the model is then.
 */
export const prepareQuantization = (
  model: Model,
  spec: QuantizeSpec,
  options: QuantizeOptions = {},
): Result<Quantization, OnnxFault> => {
  const checked = checkSpec(spec);
  if (!checked.ok) return checked;
  const context = contextOf(model);
  const consumers = consumersIn(model.graph);
  const skipped: Skipped[] = [];
  const changes: Change[] = [];
  for (const [name, tensor] of model.graph.initializers) {
    if (!isFloat(tensor) || countOf(tensor.dims) < Math.max(1, spec.smallest ?? defaultSmallest)) continue;
    const change = changeOf(name, tensor, spec, { consumers, context, open: options.open });
    if (change.ok) changes.push(change.value);
    else skipped.push({ name, reason: change.error });
  }
  return prepare(model, changes, skipped, options);
};

/** Prepares and writes. Nothing is written if the spec or the model is refused. */
export const quantizeModel = async (
  model: Model,
  spec: QuantizeSpec,
  write: Write,
  options: QuantizeOptions = {},
): Promise<Result<QuantizationReport, QuantizeFault>> => {
  const prepared = prepareQuantization(model, spec, options);
  return prepared.ok ? runQuantization(prepared.value, write, options) : prepared;
};

const defaultSmallest = 1024;

const isFloat = ({ dtype }: Tensor): boolean => /^b?float/.test(dtype);

type Deps = {
  readonly consumers: Consumers;
  readonly context: FormContext;
  readonly open: OpenExternal | undefined;
};

const changeOf = (
  name: string,
  tensor: Tensor,
  spec: QuantizeSpec,
  { consumers, context, open }: Deps,
): Result<Change, string> => {
  const { dims, dtype } = tensor;
  if (isKept(spec, name)) return err('it is to be kept');
  if (!isWeightType(dtype)) return err(`${dtype}: float32, float16 and bfloat16 are quantised`);
  const found = usesOf(name, tensor, consumers);
  if (!found.ok) return found;
  if (spec.embeddings === false && found.value.uses.some(({ kind }) => kind === 'lookup'))
    return err('embeddings are to be kept');
  const { shape, order } = matrixOf(dims, found.value);
  const weight = { name, dims, shape, type: dtype, uses: found.value.uses };
  const formed = formOf(weight, targetOf(spec.scheme), context);
  if (!formed.ok) return formed;
  return ok({
    name,
    dims,
    scheme: spec.scheme.kind,
    formed: formed.value,
    from: [name],
    dropped: found.value.turning,
    openRows: () => openFloats({ ...tensor, dtype, name }, shape, order, open),
  });
};

const isKept = ({ keep = [] }: QuantizeSpec, name: string): boolean =>
  typeof keep === 'function' ? keep(name) : keep.includes(name);

const matrixOf = (
  dims: readonly number[],
  { channelAxis }: Uses,
): { readonly shape: MatrixShape; readonly order: Order } => {
  const channels = dims[channelAxis] ?? 0;
  const length = countOf(dims.filter((_, axis) => axis !== channelAxis));
  return { shape: { channels, length }, order: channelAxis === 0 ? 'channels' : 'columns' };
};

const targetOf = (scheme: Scheme): Target => {
  switch (scheme.kind) {
    case 'int8':
      return { kind: 'channels' };
    case 'q4': {
      const format = { bits: 4, block: scheme.block, points: scheme.symmetric !== true } as const;
      return { kind: 'blocks', format, method: scheme.method };
    }
    case 'ternary': {
      // MatMulNBits of 2 bits says in the graph itself how it is decoded, and runs. int2 would need opset 25, a function of the
      // model's own would hide the weights from every other tool, and 5 digits to a byte (1.6 bits) are read by no runtime.
      const format = { bits: 2, block: scheme.block ?? defaultTernaryBlock, points: false } as const;
      return { kind: 'blocks', format, method: 'ternary' };
    }
    default:
      return scheme satisfies never;
  }
};

const openFloats = async (
  tensor: Tensor & { readonly dtype: WeightType },
  shape: MatrixShape,
  order: Order,
  open: OpenExternal = nothingBeside,
): Promise<Result<Rows, OnnxFault>> => {
  const bytes = await resolveTensor(tensor, open);
  if (!bytes.ok) return bytes;
  return floatRows({ ...tensor, data: { kind: 'bytes', bytes: bytes.value } }, shape, order);
};

export const nothingBeside: OpenExternal = () => Promise.resolve(undefined);
