import { applyOperation, endEpoch, positionAfter } from '../apply.ts';
import type { Draft } from '../transition/module.ts';
import type { Block, LedgerEvent, LedgerState } from '../types.ts';

/**
 * The state after a block that was checked already, by this device's replica. Leaves out what `applyBlock` checks: place,
 * Merkle root, state root. A page that follows its worker must not hash a whole state on the thread that draws.
 * Undefined if the block doesn't apply here: the two have parted, and the page asks for the state anew.
 */
export const advanceBy = (
  state: LedgerState,
  block: Block,
): { readonly state: LedgerState; readonly events: readonly LedgerEvent[] } | undefined => {
  const { header, operations } = block;
  if (header.previous !== state.position.head) return undefined;
  const events: LedgerEvent[] = [];
  let draft: Draft = { ...state };
  for (const operation of operations) if (!applyOperation(draft, operation, events).ok) return undefined;
  if (header.kind === 'epoch') draft = endEpoch(draft, events);
  draft.position = positionAfter(state, block);
  return { state: draft, events };
};
