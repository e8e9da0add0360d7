import * as v from 'valibot';
import type { Bytes } from '../../core/bytes.ts';
import { encodeCbor } from '../../core/codec.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { decodeWith } from '../../core/schema.ts';
import { blockLimits, readCertifiedBlock } from '../block.ts';
import { ownBytes } from '../schemas.ts';
import type { Block, CertifiedBlock, Keeper } from '../types.ts';
import type { ForkProof } from './types.ts';

/** Two certified blocks that no honest quorum can both have made. Who has the genesis can check it, whoever brings it. */
export type Fork = {
  /** The least height of which there are two blocks: up to the one before, the histories are one. */
  readonly height: number;
  readonly first: CertifiedBlock;
  /** Of the same height; or of the next, and then it follows another block than `first`. */
  readonly second: CertifiedBlock;
};

export type ForkFault = Fault<'proof'>;

/** Another block of one height, or a next one that names another before it. */
export const contradict = (own: Block, other: Block): boolean => {
  if (own.header.height === other.header.height) return own.id !== other.id;
  return other.header.height === own.header.height + 1 && other.header.previous !== own.id;
};

/** Reads what it says, and that it is a contradiction at all; certificates are for who knows the keepers. */
export const readFork = ({ ours, theirs }: Pick<ForkProof, 'ours' | 'theirs'>): Result<Fork, ForkFault> => {
  const first = readCertifiedBlock(ours);
  if (!first.ok) return refuse(`its first block can't be read: ${first.error.message}`);
  const second = readCertifiedBlock(theirs);
  if (!second.ok) return refuse(`its second block can't be read: ${second.error.message}`);
  const [one, other] = [first.value.block, second.value.block];
  if (one.header.net !== other.header.net)
    return refuse('its two blocks are of two ledgers, which is no contradiction');
  if (!contradict(one, other))
    return refuse(
      `block ${one.header.height} and block ${other.header.height} do not contradict one another: it proves nothing`,
    );
  return ok({ height: one.header.height, first: first.value, second: second.value });
};

/** Who had to certify each of the two, if `keepers` had to certify the first: an epoch block names those after it. */
export const keepersOfFork = (
  { first, second }: Fork,
  keepers: readonly Keeper[],
): { readonly first: readonly Keeper[]; readonly second: readonly Keeper[] } => {
  const { header } = first.block;
  const isNext = second.block.header.height > header.height;
  return { first: keepers, second: isNext && header.kind === 'epoch' ? header.keepers : keepers };
};

const version = 1;
const maxProofBytes = 2 * blockLimits.maxBytes + 1_024;
const proofSchema = v.strictObject({
  v: v.literal(version, 'is of another version'),
  what: v.literal('fork'),
  first: ownBytes(blockLimits.maxBytes),
  second: ownBytes(blockLimits.maxBytes),
});

/** A file for strangers, version 1: deterministic CBOR of {v, what: 'fork', first, second}, the two blocks as they were certified. */
export const forkProofBytes = ({ ours, theirs }: Pick<ForkProof, 'ours' | 'theirs'>): Bytes =>
  encodeCbor({ v: version, what: 'fork', first: ours, second: theirs });

export const readForkProof = (bytes: Uint8Array): Result<Pick<ForkProof, 'ours' | 'theirs'>, ForkFault> => {
  const read = decodeWith(proofSchema, bytes, { maxBytes: maxProofBytes, maxDepth: 1 });
  return read.ok ? ok({ ours: read.value.first, theirs: read.value.second }) : refuse(read.error.message);
};

const refuse = (message: string) => err(fault('proof', message));
