import type { Bytes } from '../../core/bytes.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import { applyBlock } from '../apply.ts';
import { readCertifiedBlock } from '../block.ts';
import { checkCertificate } from '../certificate.ts';
import { checkSignatures } from '../signatures.ts';
import type { LedgerState } from '../types.ts';
import type { AppliedBlock, EpochEnd, Frame, ReplicaFault } from './types.ts';

/** A run of blocks that was applied while its signatures are still being checked: it counts only if they hold. */
export type Staged = {
  readonly state: LedgerState;
  readonly applied: readonly AppliedBlock[];
  /** The last epoch block among them with the state after it: what a snapshot is made of. */
  readonly epochEnd: EpochEnd | undefined;
  readonly verified: Promise<Result<void, ReplicaFault>>;
};

export const readFrames = (frames: readonly Bytes[]): Result<readonly Frame[], ReplicaFault> => {
  const read: Frame[] = [];
  for (const bytes of frames) {
    const certified = readCertifiedBlock(bytes);
    if (!certified.ok) return refuse(`block ${read.length} of ${frames.length}: ${certified.error.message}`);
    read.push({ bytes, certified: certified.value });
  }
  return ok(read);
};

/**
 * Applies blocks that follow a state, whoever brought them. All owner signatures are checked, and the certificates of epoch
 * blocks and of the last block: it names the one before, and so on, so what certifies the last certifies all. Epoch blocks
 * need it too, because they say who certifies what comes after. Signatures are checked on other threads while the next
 * blocks are applied here; how many at a time is bounded by the length of the run, which is for the caller to bound.
 */
export const stageBlocks = (
  start: LedgerState,
  frames: readonly Frame[],
  crypto: Pick<CryptoPort, 'verify'>,
): Result<Staged, ReplicaFault> => {
  let state = start;
  let epochEnd: EpochEnd | undefined;
  const applied: AppliedBlock[] = [];
  const checks: Promise<Result<void, ReplicaFault>>[] = [];
  for (const [index, frame] of frames.entries()) {
    const { block } = frame.certified;
    const { height, previous, kind } = block.header;
    const { height: last, head } = state.position;
    if (height !== last + 1)
      return err(fault('gap', `block ${height} came where ${last + 1} was to come: ask for what lacks`));
    if (previous !== head)
      return err(fault('other-chain', `block ${height} follows another block than ours of height ${last}`));
    const next = applyBlock(state, block);
    if (!next.ok) return refuse(`block ${height}: ${next.error.message}`);
    checks.push(named(height, checkSignatures(state, block.operations, crypto)));
    if (kind === 'epoch' || index === frames.length - 1)
      checks.push(named(height, checkCertificate(frame.certified, state.keepers, crypto)));
    applied.push({ ...frame, events: next.value.events });
    state = next.value.state;
    if (kind === 'epoch') epochEnd = { frame, state };
  }
  return ok({ state, applied, epochEnd, verified: firstFault(checks) });
};

const named = async (
  height: number,
  check: Promise<Result<void, { readonly message: string }>>,
): Promise<Result<void, ReplicaFault>> => {
  const held = await check;
  return held.ok ? held : refuse(`block ${height}: ${held.error.message}`);
};

const firstFault = async (
  checks: readonly Promise<Result<void, ReplicaFault>>[],
): Promise<Result<void, ReplicaFault>> =>
  (await Promise.all(checks)).find((check) => !check.ok) ?? ok(undefined);

const refuse = (message: string) => err(fault('block', message));
