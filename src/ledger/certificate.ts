import type { CryptoPort } from '../core/ports/crypto.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import type { BlockFault } from './block.ts';
import { consensusBytes } from './messages.ts';
import type { CertifiedBlock, Keeper } from './types.ts';

/** How many keepers may lie, and how many must agree: n = 3f + 1, Q = 2f + 1. */
export const faultsOf = (n: number): number => Math.floor((n - 1) / 3);
export const quorumOf = (n: number): number => n - faultsOf(n);

/**
 * Whether Q of these keepers signed one round's precommit for the block. `keepers`: those of the block's height, as the epoch
 * block before it named them. Needs no trust in who brought the block.
 */
export const checkCertificate = async (
  { block, certificate }: CertifiedBlock,
  keepers: readonly Keeper[],
  crypto: Pick<CryptoPort, 'verify'>,
): Promise<Result<void, BlockFault>> => {
  const { net, height } = block.header;
  const { round, precommits } = certificate;
  const quorum = quorumOf(keepers.length);
  if (precommits.length < quorum)
    return refuse(`${precommits.length} keepers agreed to it, ${quorum} of ${keepers.length} must`);
  const message = consensusBytes({ net, type: 'precommit', height, round, value: block.id });
  let last = -1;
  const held: Promise<boolean>[] = [];
  for (const { voter, signature } of precommits) {
    const keeper = keepers[voter];
    if (!keeper) return refuse(`there is no keeper ${voter}`);
    if (voter <= last) return refuse('a keeper is counted twice, or keepers are not in order');
    last = voter;
    held.push(crypto.verify(keeper.key, message, signature));
  }
  const broken = (await Promise.all(held)).indexOf(false);
  if (broken < 0) return ok(undefined);
  return refuse(`the signature of keeper ${precommits[broken]?.voter} does not hold`);
};

const refuse = (message: string) => err(fault('block', message));
