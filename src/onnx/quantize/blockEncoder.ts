import type { Encoder, Part } from './encoders.ts';
import type { ErrorSum } from './errors.ts';
import { type Fit, fitHalfQuadratic } from './hqq.ts';
import type { MatrixShape, WeightType } from './rows.ts';
import { createScales } from './scales.ts';
import { ternaryScale } from './ternary.ts';

/** Blocks of codes along each channel, as MatMulNBits and GatherBlockQuantized have them: (code − zero point)·scale. */
export type BlockFormat = {
  readonly bits: 2 | 4 | 8;
  readonly block: number;
  /** With zero points; without, they are the middle: 2^(bits − 1). */
  readonly points: boolean;
};

export type BlockMethod = 'rtn' | 'hqq' | 'ternary';

/** Bytes of a channel's codes, filled up to whole blocks, and of its zero points. */
export const channelBytes = (length: number, { bits, block }: BlockFormat) => {
  const blocks = Math.ceil(length / block);
  return { blocks, codes: (blocks * block * bits) / 8, points: Math.ceil((blocks * bits) / 8) };
};

/**
 * Names of the parts: of the codes, the scales and the zero points. `padded`: whole blocks, [channels, blocks, bytes], for
 * products. Otherwise as many bytes as a channel needs, [channels, bytes], for a table that is only looked up.
 */
export type BlockLayout = {
  readonly names: { readonly codes: string; readonly scales: string; readonly points: string };
  readonly padded: boolean;
};

export const blockEncoder = (
  { channels, length }: MatrixShape,
  format: BlockFormat,
  method: BlockMethod,
  scaleType: WeightType,
  { names, padded }: BlockLayout,
): Encoder => {
  const { bits, block } = format;
  const size = channelBytes(length, format);
  const rowBytes = padded ? size.codes : (length * bits) / 8;
  const parts: Part[] = [
    {
      name: names.codes,
      dtype: 'uint8',
      dims: padded ? [channels, size.blocks, size.codes / size.blocks] : [channels, rowBytes],
    },
    { name: names.scales, dtype: scaleType, dims: [channels, size.blocks] },
    ...(format.points
      ? [{ name: names.points, dtype: 'uint8', dims: [channels, size.points] } as const]
      : []),
  ];
  return {
    parts,
    begin() {
      const codes = new Uint8Array(channels * rowBytes);
      const scales = createScales(scaleType, channels * size.blocks);
      const points = new Uint8Array(format.points ? channels * size.points : 0);
      const fit: Fit = { scale: 0, point: 0 };
      const putBlock = (
        weights: Float32Array,
        at: number,
        channel: number,
        index: number,
        errors: ErrorSum,
      ) => {
        const count = Math.min(block, length - index * block);
        const start = at + index * block;
        startOf[method](weights, start, count, format, fit);
        if (method === 'hqq' && fit.scale !== 0)
          fitHalfQuadratic(weights, start, count, 2 ** bits - 1, format.points, fit);
        fit.scale = scales.rounded(fit.scale);
        scales.set(channel * size.blocks + index, fit.scale);
        const first = channel * rowBytes + (index * block * bits) / 8;
        encodeBlock(weights, start, count, fit, method === 'ternary' ? 1 : 0, bits, codes, first, errors);
        // The rest of the last block stands for zeros, whatever reads it.
        if (padded) fill(codes, first, count, block, bits, fit.point);
        if (format.points) putCode(points, channel * size.points, index, bits, fit.point);
      };
      return {
        put(weights, from, count, errors) {
          for (let i = 0; i < count; i++)
            for (let index = 0; index < size.blocks; index++)
              putBlock(weights, i * length, from + i, index, errors);
        },
        finish: () => [codes, scales.bytes, ...(format.points ? [points] : [])],
      };
    },
  };
};

type Start = (weights: Float32Array, start: number, count: number, format: BlockFormat, fit: Fit) => void;

/** The range of the block, zero with it, in equal steps. Without zero points the largest weight is the lowest code's. */
const byRange: Start = (weights, start, count, { bits, points }, fit) => {
  let low = 0;
  let high = 0;
  for (let i = start; i < start + count; i++) {
    const weight = weights[i] ?? 0;
    if (weight < low) low = weight;
    else if (weight > high) high = weight;
  }
  const middle = 2 ** (bits - 1);
  if (points) {
    const top = 2 ** bits - 1;
    fit.scale = (high - low) / top;
    fit.point = fit.scale === 0 ? middle : Math.min(top, Math.max(0, Math.round(-low / fit.scale)));
  } else {
    fit.scale = (high > -low ? high : low) / -middle;
    fit.point = middle;
  }
};

const startOf: Readonly<Record<BlockMethod, Start>> = {
  rtn: byRange,
  hqq: byRange,
  ternary(weights, start, count, { bits }, fit) {
    fit.scale = ternaryScale(weights, start, count);
    fit.point = 2 ** (bits - 1);
  },
};

/** `reach` limits codes to that many on either side of the zero point; 0 doesn't. A scale of 0 stands for a block of zeros. */
const encodeBlock = (
  weights: Float32Array,
  start: number,
  count: number,
  { scale, point }: Fit,
  reach: number,
  bits: number,
  codes: Uint8Array,
  first: number,
  errors: ErrorSum,
): void => {
  const inverse = scale === 0 ? 0 : 1 / scale;
  const low = reach === 0 ? 0 : point - reach;
  const high = reach === 0 ? 2 ** bits - 1 : point + reach;
  const perByte = 8 / bits;
  let { squares, weights: norm, max } = errors;
  let byte = 0;
  for (let i = 0; i < count; i++) {
    const weight = weights[start + i] ?? 0;
    const nearest = Math.floor(weight * inverse + 0.5) + point;
    const code = Math.max(low, Math.min(high, nearest));
    byte |= code << ((i % perByte) * bits);
    if (i % perByte === perByte - 1 || i === count - 1) {
      codes[first + Math.floor(i / perByte)] = byte;
      byte = 0;
    }
    const error = Math.abs(weight - Math.fround((code - point) * scale));
    squares += error * error;
    norm += weight * weight;
    if (error > max) max = error;
  }
  errors.squares = squares;
  errors.weights = norm;
  errors.max = max;
  errors.count += count;
};

const fill = (
  codes: Uint8Array,
  first: number,
  from: number,
  to: number,
  bits: number,
  code: number,
): void => {
  for (let i = from; i < to; i++) putCode(codes, first, i, bits, code);
};

/** Into bits that are zeros. */
const putCode = (codes: Uint8Array, first: number, index: number, bits: number, code: number): void => {
  const at = first + ((index * bits) >> 3);
  codes[at] = (codes[at] ?? 0) | (code << ((index * bits) & 7));
};
