import { err, ok, type Result } from '../../core/result.ts';
import { type OpenExternal, resolveTensor } from '../codec/external.ts';
import type { Write } from '../codec/sourceReading.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { bytesOf } from '../ir/tensor.ts';
import type { Model } from '../ir/types.ts';
import type { BlockFormat } from './blockEncoder.ts';
import { contextOf } from './context.ts';
import { formOf, type Target } from './forms.ts';
import { packedRows } from './packedRows.ts';
import { findPacked, type Packed } from './packedUses.ts';
import { type Change, prepare, type Quantization, runQuantization } from './prepare.ts';
import { nothingBeside } from './quantize.ts';
import type { Rows } from './rows.ts';
import type { QuantizationReport, QuantizeFault, QuantizeOptions, Skipped } from './scheme.ts';

/** `int8` is for WebAssembly, where MatMulNBits is many times slower; `float32` as well, where there is memory for it. */
export type ReencodeTarget = 'int8' | 'float32';

/**
 * The model with the weights of its `MatMulNBits` in another form, of whatever bits they are (ternary ones have 2), and those
 * `GatherBlockQuantized` that look up the same weights. Tables that are only looked up stay: they run everywhere as they are.
 * The report's errors are against the weights in blocks, so that those of both ways add up.
 */
export const prepareReencoding = (
  model: Model,
  target: ReencodeTarget,
  options: QuantizeOptions = {},
): Result<Quantization, OnnxFault> => {
  const form = targets[target];
  if (form === undefined) return err(onnxFault('unsupported', `${String(target)}: int8 or float32`));
  const context = contextOf(model);
  const skipped: Skipped[] = [];
  const changes: Change[] = [];
  for (const { name, found } of findPacked(model.graph)) {
    const change = found.ok ? changeOf(found.value, target, form, context, options.open) : found;
    if (change.ok) changes.push(change.value);
    else skipped.push({ name, reason: change.error });
  }
  return prepare(model, changes, skipped, options);
};

/** Prepares and writes. */
export const reencodeModel = async (
  model: Model,
  target: ReencodeTarget,
  write: Write,
  options: QuantizeOptions = {},
): Promise<Result<QuantizationReport, QuantizeFault>> => {
  const prepared = prepareReencoding(model, target, options);
  return prepared.ok ? runQuantization(prepared.value, write, options) : prepared;
};

const targets: Readonly<Partial<Record<string, Target>>> = {
  int8: { kind: 'channels' },
  float32: { kind: 'float32' },
};

const changeOf = (
  packed: Packed,
  scheme: ReencodeTarget,
  target: Target,
  context: ReturnType<typeof contextOf>,
  open: OpenExternal | undefined,
): Result<Change, string> => {
  const { codes, scales, points, shape, format, uses } = packed;
  const name = codes.name.replace(/_Q[248]$/, '');
  const dims = [shape.length, shape.channels];
  const formed = formOf({ name, dims, shape, type: 'float32', uses }, target, context);
  if (!formed.ok) return formed;
  return ok({
    name,
    dims,
    scheme,
    formed: formed.value,
    from: [codes.name, scales.name, ...(points ? [points.name] : []), ...packed.constants],
    dropped: packed.dropped,
    openRows: () => openPacked(packed, format, open),
  });
};

const openPacked = async (
  { codes, scales, points, shape }: Packed,
  format: BlockFormat,
  open: OpenExternal = nothingBeside,
): Promise<Result<Rows, OnnxFault>> => {
  const read: Uint8Array[] = [];
  for (const part of [codes, scales, ...(points ? [points] : [])]) {
    const bytes = await resolveTensor({ ...part.tensor, name: part.name }, open);
    if (!bytes.ok) return bytes;
    const exact = bytesOf({ ...part.tensor, name: part.name, data: { kind: 'bytes', bytes: bytes.value } });
    if (!exact.ok) return exact;
    read.push(exact.value);
  }
  const [codeBytes = none, scaleBytes = none, pointBytes] = read;
  return ok(packedRows(shape, format, { codes: codeBytes, scales: scaleBytes, points: pointBytes }));
};

const none = new Uint8Array(0);
