import { bitsOfNumber, numberOfBits } from '../ir/tensor.ts';
import type { WeightType } from './rows.ts';

/** The scales of a weight in its own element type: they are rounded before weights are divided by them. */
export type Scales = {
  readonly bytes: Uint8Array;
  /** As the type holds it. */
  rounded(scale: number): number;
  set(index: number, scale: number): void;
};

export const createScales = (dtype: WeightType, count: number): Scales => {
  const bytes = new Uint8Array(count * scaleBytes(dtype));
  const view = new DataView(bytes.buffer);
  return dtype === 'float32'
    ? {
        bytes,
        rounded: Math.fround,
        set: (index, scale) => view.setFloat32(4 * index, scale, true),
      }
    : {
        bytes,
        rounded: (scale) => numberOfBits(dtype, bitsOfNumber(dtype, scale)),
        set: (index, scale) => view.setUint16(2 * index, bitsOfNumber(dtype, scale), true),
      };
};

export const scaleBytes = (dtype: WeightType): number => (dtype === 'float32' ? 4 : 2);
