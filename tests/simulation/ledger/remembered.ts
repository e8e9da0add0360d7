import { applyBlock as apply } from '../../../src/ledger/apply.ts';
import type { Block, LedgerState } from '../../../src/ledger/types.ts';

/**
 * The transition, which is a function, computed once for all who ask for the same block after the same state: `build.ts` puts it
 * in the place of src/ledger/apply.ts. Most histories run with it; in the others everybody computes everything alone, so that
 * what a keeper holds and changes behind another's back would show.
 */
export * from '../../../src/ledger/apply.ts';

type Applied = ReturnType<typeof apply>;

let shared = true;
const known = new WeakMap<LedgerState, WeakMap<Block, Applied>>();

export const shareTransitions = (on: boolean): void => {
  shared = on;
};

/** @public Nobody imports it by this path. */
export const applyBlock = (state: LedgerState, block: Block): Applied => {
  if (!shared) return apply(state, block);
  const ofState = known.get(state) ?? new WeakMap<Block, Applied>();
  known.set(state, ofState);
  const applied = ofState.get(block) ?? apply(state, block);
  ofState.set(block, applied);
  return applied;
};
