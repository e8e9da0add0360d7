import { type Bytes, concatBytes } from '../../../core/bytes.ts';
import { sha256Bytes } from '../../../core/hash.ts';
import { err, type Fault, fault, ok, type Result } from '../../../core/result.ts';
import { merklePaths, merkleRoot, verifyMerklePath } from '../../merkle.ts';
import { numberOf } from './draws.ts';
import type { Opening } from './types.ts';

/**
 * Outputs of floating-point work. Two honest devices differ in the last bits, so an output is counted in whole steps
 * (`gridQuantise`, the only place with floats, run by workers outside of the ledger), cut into blocks of eight 32-bit numbers,
 * and committed to by a Merkle root. At 32 places, drawn after the commitment, the blocks are opened; two outputs match if every
 * opened number is within one step of the other's. Who got a share d of the blocks wrong passes with (1 − d)³².
 */
export const gridLimits = { maxValues: 2 ** 24, places: 32, valuesPerBlock: 8, blockBytes: 32 } as const;

/** `step` in billionths. Refuses what is no number, or further than 2³¹ steps from zero. */
export const gridQuantise = (values: Float32Array, step: number): Result<Int32Array, Fault<'grid'>> => {
  const counts = new Int32Array(values.length);
  for (const [i, value] of values.entries()) {
    const count = Math.round((value * 1e9) / step);
    if (!(Math.abs(count) < 2 ** 31))
      return err(fault('grid', `value ${i} is ${value}: it has no place on a grid of ${step} billionths`));
    counts[i] = count;
  }
  return ok(counts);
};

export const outputRoot = (values: Int32Array): Bytes => merkleRoot(blocksOf(values));

/** `places` as `placesOf` gives them. */
export const openingsFor = (values: Int32Array, places: readonly number[]): readonly Opening[] => {
  const blocks = blocksOf(values);
  return merklePaths(blocks, places).map((path, i) => ({
    block: blocks[places[i] ?? 0] ?? new Uint8Array(),
    path: concatBytes(...path),
  }));
};

/** Numbers of blocks in rising order: 32 different ones, or all if there are not so many. By a Fisher-Yates shuffle. */
export const placesOf = (seed: Uint8Array, values: number): readonly number[] => {
  const blocks = blockCount(values);
  const moved = new Map<number, number>();
  const places: number[] = [];
  for (let i = 0; i < Math.min(gridLimits.places, blocks); i++) {
    const at = i + (numberOf(sha256Bytes(concatBytes(seed, Uint8Array.of(i)))) % (blocks - i));
    places.push(moved.get(at) ?? at);
    moved.set(at, moved.get(i) ?? i);
  }
  return places.sort((a, b) => a - b);
};

/** The opened blocks one after another; undefined if they are not those of the root at the places. */
export const readOpenings = (
  root: Uint8Array,
  openings: readonly Opening[],
  places: readonly number[],
  values: number,
): Bytes | undefined => {
  if (openings.length !== places.length) return undefined;
  const size = blockCount(values);
  const proven = openings.every(({ block, path }, i) => {
    const hashes = hashesOf(path);
    return hashes !== undefined && verifyMerklePath(root, block, places[i] ?? -1, size, hashes);
  });
  return proven ? concatBytes(...openings.map(({ block }) => block)) : undefined;
};

/** How many blocks have a number that differs by more than one step. Both are opened at the same places. */
export const differingBlocks = (one: Uint8Array, other: Uint8Array): number => {
  const { blockBytes } = gridLimits;
  if (one.byteLength !== other.byteLength) return Math.ceil(Math.max(one.length, other.length) / blockBytes);
  const [a, b] = [viewOf(one), viewOf(other)];
  const differing = new Set<number>();
  for (let at = 0; at + 4 <= one.byteLength; at += 4)
    if (Math.abs(a.getInt32(at) - b.getInt32(at)) > 1) differing.add(Math.floor(at / blockBytes));
  return differing.size;
};

const blockCount = (values: number): number => Math.ceil(values / gridLimits.valuesPerBlock);

/** Big-endian; the last block is filled up with zeros. */
const blocksOf = (values: Int32Array): readonly Bytes[] =>
  Array.from({ length: blockCount(values.length) }, (_, block) => {
    const bytes = new Uint8Array(gridLimits.blockBytes);
    const first = block * gridLimits.valuesPerBlock;
    for (const [i, value] of values.subarray(first, first + gridLimits.valuesPerBlock).entries())
      viewOf(bytes).setInt32(4 * i, value);
    return bytes;
  });

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const hashesOf = (path: Uint8Array): readonly Uint8Array[] | undefined =>
  path.byteLength % 32 === 0
    ? Array.from({ length: path.byteLength / 32 }, (_, i) => path.subarray(32 * i, 32 * i + 32))
    : undefined;
