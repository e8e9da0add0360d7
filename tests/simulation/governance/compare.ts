import { holdingAt } from '../../../src/ledger/transition/governance/power.ts';
import { accountOf } from '../../../src/ledger/transition/purse.ts';
import type { LedgerState } from '../../../src/ledger/types.ts';
import type { Model, ModelProposal } from './model.ts';
import type { Setup } from './setup.ts';

/** Everything in which the ledger and the model could disagree, in words. */
export const differences = (state: LedgerState, model: Model, setup: Setup): readonly string[] => {
  const found: string[] = [];
  const same = (what: string, ledger: unknown, expected: unknown) => {
    if (ledger !== expected) found.push(`${what}: the ledger has ${ledger}, the model ${expected}`);
  };
  same('epoch', state.epoch, model.epoch);
  same('treasury', state.treasury, model.treasury);
  same('burned', state.supply.burned, model.burned);
  same('host governs', state.governance.hostGoverns, model.hostGoverns);
  same('keepers', state.nextKeepers.map(({ name }) => name).join(), model.keepers.join());
  same('builds', state.governance.upgrades.map(({ build }) => build).join(), model.builds.join());
  for (const name of Object.keys(state.parameters) as (keyof typeof state.parameters)[])
    same(name, state.parameters[name], model.parameters[name]);
  for (const who of setup.people)
    same(`balance of ${who}`, accountOf(state, who).balance, model.balance(who));
  const newest = new Map(model.proposals.map((proposal) => [proposal.id, proposal]));
  for (const proposal of newest.values()) compareProposal(state, model, setup, proposal, same);
  return found;
};

const compareProposal = (
  state: LedgerState,
  model: Model,
  { people }: Setup,
  expected: ModelProposal,
  same: (what: string, ledger: unknown, expected: unknown) => void,
): void => {
  const { governance } = state;
  const isOpen = ['draft', 'voting', 'timelock'].includes(expected.phase);
  const proposal = isOpen ? governance.open.get(expected.id) : governance.closed.get(expected.id);
  const about = `proposal ${expected.id}`;
  same(`${about}, phase`, proposal?.stage.phase, expected.phase);
  if (!isOpen || !proposal) return;
  const { stage } = proposal;
  same(`${about}, deposit`, proposal.deposit, expected.deposit);
  if ('until' in stage) same(`${about}, until`, stage.until, expected.until);
  if (stage.phase !== 'voting' && stage.phase !== 'timelock') return;
  const snapshot = expected.snapshot ?? -1;
  same(`${about}, snapshot`, stage.snapshot.epoch, expected.snapshot);
  for (const who of people) {
    const { power } = holdingAt(governance, stage.snapshot.epoch, who);
    same(`${about}, power of ${who}`, power, model.powerAt(who, snapshot));
  }
  const tally = model.tally(expected);
  for (const choice of ['for', 'against', 'abstain'] as const)
    same(`${about}, ${choice}`, stage.tally[choice], tally[choice]);
  if (stage.phase === 'timelock') same(`${about}, vetoes`, stage.vetoPower, model.vetoPower(expected));
};
