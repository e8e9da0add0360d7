import type { LedgerModule } from '../module.ts';
import type { GovernanceBodies, GovernanceState } from './types.ts';

export const governance: LedgerModule<GovernanceBodies, GovernanceState> = {
  bodies: {},
  transitions: {},
  signatures: {},
  initial: () => ({}),
  endEpoch() {},
  held: () => 0,
  countHeld: () => 0,
};
