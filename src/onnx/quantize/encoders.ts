import type { DataType } from '../ir/types.ts';
import type { ErrorSum } from './errors.ts';

/** One of the tensors that a weight is stored in. Its bytes are known before anything is computed. */
export type Part = {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
};

/** How a weight is stored. */
export type Encoder = {
  readonly parts: readonly Part[];
  begin(): Encoding;
};

export type Encoding = {
  /** Channels `from` to `from + count`, [count, length], finite. Each is put once, in order. */
  put(weights: Float32Array, from: number, count: number, errors: ErrorSum): void;
  /** The parts' bytes, in the order of `parts`. */
  finish(): readonly Uint8Array[];
};
