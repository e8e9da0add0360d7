import { type BlockFormat, type BlockMethod, blockEncoder } from './blockEncoder.ts';
import { packedRows } from './packedRows.ts';
import { encodeAll } from './testDoubles.ts';

export const names = { codes: 'codes', scales: 'scales', points: 'points' };
export const floats = (bytes: Uint8Array | undefined) =>
  new Float32Array(bytes?.slice().buffer ?? new ArrayBuffer(0));

export const encodeBlocks = (
  weights: Float32Array,
  [channels, length]: readonly [number, number],
  format: BlockFormat,
  method: BlockMethod,
) => {
  const shape = { channels, length };
  const encoder = blockEncoder(shape, format, method, 'float32', { names, padded: true });
  const { parts, error } = encodeAll(encoder, weights, channels);
  const [codes = new Uint8Array(), scales = new Uint8Array(), points] = parts;
  const decoded = packedRows(shape, format, { codes, scales, points }).read(0, channels).slice();
  return { codes, scales: floats(scales), points, decoded, error };
};

export const norm = (weights: Float32Array, decoded: Float32Array, power: number) =>
  weights.reduce((sum, weight, i) => sum + Math.abs(weight - (decoded[i] ?? 0)) ** power, 0);
