import type { AccountId } from '../../../core/brand.ts';
import { type Bytes, concatBytes, utf8 } from '../../../core/bytes.ts';
import { sha256Base64url, sha256Bytes } from '../../../core/hash.ts';
import { verifyMerklePath } from '../../merkle.ts';
import type { Listing, ListingId } from './types.ts';

export type MintId = string;

export const unitKeyOf = (listing: ListingId, unit: number): string => `${listing}/${unit}`;

/**
 * The receipt of a unit is the signed `commit` operation of its worker: it names the listing, which fixes requester (the swarm),
 * model and cost, the unit, which fixes the input (`isInputOf`), and this commitment to the output. The account is within, so
 * that nobody can copy what another has committed to; the salt (32 bytes of chance) keeps a short output from being guessed.
 */
export const commitmentOf = (work: {
  readonly account: AccountId;
  readonly listing: ListingId;
  readonly unit: number;
  /** 32 bytes: a hash of the output, or its `outputRoot`. */
  readonly output: Uint8Array;
  readonly salt: Uint8Array;
}): Bytes =>
  sha256Bytes(
    concatBytes(
      utf8(`vc1.work/${work.account}/${unitKeyOf(work.listing, work.unit)}/`),
      work.output,
      work.salt,
    ),
  );

/** A slot pays once, ever, whoever holds it. */
export const mintIdOf = (listing: ListingId, unit: number, slot: number): MintId =>
  sha256Base64url(utf8(`vc1.mint/${unitKeyOf(listing, unit)}/${slot}`));

/** For workers, who should know before they compute: is this the SHA-256 of the unit's input? */
export const isInputOf = (
  { inputs, units }: Pick<Listing, 'inputs' | 'units'>,
  unit: number,
  inputHash: Uint8Array,
  path: readonly Uint8Array[],
): boolean => verifyMerklePath(inputs, inputHash, unit, units, path);
