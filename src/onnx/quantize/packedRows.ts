import type { BlockFormat } from './blockEncoder.ts';
import { channelBytes } from './blockEncoder.ts';
import type { MatrixShape, Rows } from './rows.ts';

/** The parts of a weight in blocks. Without `points` they are the middle. Scales are float32. */
export type PackedParts = {
  readonly codes: Uint8Array;
  readonly scales: Uint8Array;
  readonly points: Uint8Array | undefined;
};

/** What the codes of a weight in blocks stand for, rounded to float32, which is what a runtime computes with. */
export const packedRows = (
  { channels, length }: MatrixShape,
  format: BlockFormat,
  { codes, scales, points }: PackedParts,
): Rows => {
  const { bits, block } = format;
  const size = channelBytes(length, format);
  const scaleAt = new DataView(scales.buffer, scales.byteOffset, scales.byteLength);
  let rows = new Float32Array(0);
  const lowest = (1 << bits) - 1;
  const readChannel = (channel: number, into: number): void => {
    const first = channel * size.codes;
    for (let index = 0; index < size.blocks; index++) {
      const point = points ? codeAt(points, channel * size.points, index, bits) : 2 ** (bits - 1);
      const scale = scaleAt.getFloat32(4 * (channel * size.blocks + index), true);
      const end = Math.min(length, (index + 1) * block);
      for (let k = index * block; k < end; k++) {
        const at = k * bits;
        rows[into + k] = ((((codes[first + (at >> 3)] ?? 0) >> (at & 7)) & lowest) - point) * scale;
      }
    }
  };
  return {
    channels,
    length,
    read(from, count) {
      if (rows.length !== count * length) rows = new Float32Array(count * length);
      for (let i = 0; i < count; i++) readChannel(from + i, i * length);
      return rows;
    },
    indexOf: (channel, position) => channel * length + position,
  };
};

const codeAt = (bytes: Uint8Array, first: number, index: number, bits: number): number =>
  ((bytes[first + ((index * bits) >> 3)] ?? 0) >> ((index * bits) & 7)) & ((1 << bits) - 1);
