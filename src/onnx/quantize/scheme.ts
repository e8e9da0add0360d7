import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { OpenExternal } from '../codec/external.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';

/**
 * What weights become. `int8`: symmetric, a scale for each output channel, activations quantised while it runs; for WebAssembly,
 * for no backend of WebGPU multiplies so. `q4`: blocks of 4 bits along what a product sums over, as `MatMulNBits` has them; small
 * on the wire and for WebGPU, slow on WebAssembly. `ternary`: −1, 0 and 1 times a scale for each block, 2 bits, for storage.
 */
export type Scheme =
  | { readonly kind: 'int8' }
  | {
      readonly kind: 'q4';
      /** Round to nearest, or half-quadratic optimisation: see `hqq.ts`. */
      readonly method: (typeof methods)[number];
      readonly block: Block;
      /** Without zero points: 4 bits less for each block. What is looked up, an embedding, never has any. */
      readonly symmetric?: boolean;
    }
  | { readonly kind: 'ternary'; readonly block?: Block };

export const methods = ['rtn', 'hqq'] as const;

/** Weights that share a scale. */
export type Block = (typeof blocks)[number];
const blocks = [16, 32, 64, 128] as const;

export type QuantizeSpec = {
  readonly scheme: Scheme;
  /** Also tables that `Gather` looks up; yes if it isn't given. */
  readonly embeddings?: boolean;
  /** Initializers that stay as they are, by name. */
  readonly keep?: readonly string[] | ((name: string) => boolean);
  /** Fewer elements stay as they are: 1024 if it isn't given. */
  readonly smallest?: number;
};

export type QuantizeOptions = {
  /** For weights in files beside the model's. Without it a model that has such is refused. */
  readonly open?: OpenExternal;
  /** When a weight has been computed; `done` of `total` are. */
  readonly onTensor?: (tensor: TensorReport, done: number, total: number) => void;
  /** Looked at before each piece of a weight, of 4 MiB. */
  readonly signal?: { readonly aborted: boolean };
  /** Waited for between pieces: where a worker lets messages in, an order to stop among them. */
  readonly breathe?: () => Promise<void>;
};

export type QuantizeFault = OnnxFault | Fault<'cancelled'>;
export const cancelled: QuantizeFault = fault(
  'cancelled',
  'stopped on request; what was written is no model',
);

export type PlannedTensor = {
  readonly name: string;
  readonly dims: readonly number[];
  /** What it is stored as. */
  readonly scheme: Scheme['kind'] | 'float32';
  /** Of its data: scales and zero points with it. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
};

export type TensorReport = PlannedTensor & { readonly error: WeightError };

/** Of the weights that are stored against those that were given. */
export type WeightError = {
  /** Root of the mean square. */
  readonly rmse: number;
  /** Norm of the difference ÷ norm of the weights; 0 if both are. */
  readonly relative: number;
  /** The largest. */
  readonly max: number;
};

/** Why a weight stays as it is. */
export type Skipped = { readonly name: string; readonly reason: string };

export type QuantizationReport = {
  readonly tensors: readonly TensorReport[];
  readonly skipped: readonly Skipped[];
  /** Of the whole file, the files beside it included, as it would be written unchanged, and as it is. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** The first ÷ the second. */
  readonly ratio: number;
};

/** A spec from outside may say anything. */
export const checkSpec = ({ scheme, smallest = 0 }: QuantizeSpec): Result<void, OnnxFault> => {
  if (!Number.isSafeInteger(smallest) || smallest < 0)
    return err(onnxFault('invalid', `smallest is ${smallest}: a whole number from 0 on`));
  if (scheme.kind === 'int8') return ok(undefined);
  if (scheme.kind !== 'q4' && scheme.kind !== 'ternary')
    return err(onnxFault('unsupported', `scheme ${String((scheme as Scheme).kind)}: int8, q4 or ternary`));
  if (scheme.kind === 'q4' && !methods.includes(scheme.method))
    return err(onnxFault('unsupported', `method ${String(scheme.method)}: ${methods.join(', ')}`));
  const { block = defaultTernaryBlock } = scheme;
  return blocks.includes(block)
    ? ok(undefined)
    : err(onnxFault('unsupported', `blocks of ${block}: ${blocks.join(', ')} are written`));
};

export const defaultTernaryBlock: Block = 64;
