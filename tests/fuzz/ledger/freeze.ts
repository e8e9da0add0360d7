import { isTable } from '../../../src/ledger/table/index.ts';
import type { LedgerState } from '../../../src/ledger/types.ts';

/** All of a state that can be frozen: whoever changes it throws. Bytes can't be. */
export const deepFreeze = (state: LedgerState): LedgerState => {
  freeze(state);
  return state;
};

const freeze = (value: unknown): void => {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return;
  if (isTable(value)) {
    if (looked.has(value)) return;
    looked.add(value);
    for (const [, entry] of value.entries()) freeze(entry);
  } else if (!Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) freeze(member);
  }
};

/** Tables themselves keep hashes, so they are not frozen. */
const looked = new WeakSet<object>();
