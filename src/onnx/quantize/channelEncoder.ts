import type { Encoder, Encoding } from './encoders.ts';
import type { ErrorSum } from './errors.ts';
import type { MatrixShape, Order, WeightType } from './rows.ts';
import { createScales } from './scales.ts';

export type ChannelLayout = {
  readonly names: { readonly codes: string; readonly scales: string };
  /** Of the tensor of codes, which lie in `order`, and of the scales, of which each channel has one. */
  readonly dims: readonly number[];
  readonly scaleDims: readonly number[];
  readonly order: Order;
  /** int8, or uint8 with a zero point of 128. */
  readonly dtype: 'int8' | 'uint8';
};

/**
 * Codes of 8 bits and a scale for each channel: w ≈ scale·code, code from −127 to 127, so that the largest weight of a channel,
 * of either sign, is exact.
 */
export const channelEncoder = (
  { channels, length }: MatrixShape,
  scaleType: WeightType,
  { names, dims, scaleDims, order, dtype }: ChannelLayout,
): Encoder => ({
  parts: [
    { name: names.codes, dtype, dims },
    { name: names.scales, dtype: scaleType, dims: scaleDims },
  ],
  begin() {
    const codes = new Uint8Array(channels * length);
    const scales = createScales(scaleType, channels);
    const middle = dtype === 'uint8' ? 128 : 0;
    // In 'columns' neighbours of a channel lie this far apart.
    const step = order === 'columns' ? channels : 1;
    const channelStep = order === 'columns' ? 1 : length;
    return {
      put(weights, from, count, errors) {
        for (let i = 0; i < count; i++) {
          const scale = scales.rounded(largestOf(weights, i * length, length) / 127);
          scales.set(from + i, scale);
          const at = (from + i) * channelStep;
          encodeChannel(weights, i * length, length, scale, middle, codes, at, step, errors);
        }
      },
      finish: () => [codes, scales.bytes],
    };
  },
});

/** The weights themselves as float32, in another order perhaps. */
export const floatEncoder = ({ channels, length }: MatrixShape, name: string, order: Order): Encoder => ({
  parts: [{ name, dtype: 'float32', dims: order === 'columns' ? [length, channels] : [channels, length] }],
  begin(): Encoding {
    const bytes = new Uint8Array(4 * channels * length);
    const view = new DataView(bytes.buffer);
    const step = order === 'columns' ? channels : 1;
    const channelStep = order === 'columns' ? 1 : length;
    return {
      put(weights, from, count, errors) {
        for (let i = 0; i < count; i++)
          for (let k = 0; k < length; k++) {
            const weight = weights[i * length + k] ?? 0;
            view.setFloat32(4 * ((from + i) * channelStep + k * step), weight, true);
            errors.weights += weight * weight;
          }
        errors.count += count * length;
      },
      finish: () => [bytes],
    };
  },
});

const largestOf = (weights: Float32Array, start: number, count: number): number => {
  let largest = 0;
  for (let i = start; i < start + count; i++) {
    const size = Math.abs(weights[i] ?? 0);
    if (size > largest) largest = size;
  }
  return largest;
};

/** A scale of 0 stands for a channel of zeros. */
const encodeChannel = (
  weights: Float32Array,
  start: number,
  count: number,
  scale: number,
  middle: number,
  codes: Uint8Array,
  at: number,
  step: number,
  errors: ErrorSum,
): void => {
  const inverse = scale === 0 ? 0 : 1 / scale;
  let { squares, weights: norm, max } = errors;
  for (let i = 0; i < count; i++) {
    const weight = weights[start + i] ?? 0;
    const nearest = Math.floor(weight * inverse + 0.5);
    // Rounding the scale down can push the largest beyond.
    const code = Math.max(-127, Math.min(127, nearest));
    codes[at + i * step] = code + middle;
    const error = Math.abs(weight - Math.fround(code * scale));
    squares += error * error;
    norm += weight * weight;
    if (error > max) max = error;
  }
  errors.squares = squares;
  errors.weights = norm;
  errors.max = max;
  errors.count += count;
};
