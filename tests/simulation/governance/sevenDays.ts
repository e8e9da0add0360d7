import {
  createPerson,
  createTestGenesis,
  createTestLedger,
  type TestLedger,
} from '../../../src/ledger/testDoubles.ts';
import { proposalIdOf } from '../../../src/ledger/transition/governance/proposals.ts';
import type { GovernanceBodies } from '../../../src/ledger/transition/governance/types.ts';

const epochsPerDay = 144;
const vc = 1_000_000;

/**
 * A vote over seven days of 144 epochs each, block by block as keepers would make them: built, applied, hashed to state roots
 * and audited. `milliseconds`: of the seven days alone, not of the ten before in which balances settle and the draft waits.
 */
export const sevenDays = (clock: () => number): { milliseconds: number; phase: string } => {
  const people = Array.from({ length: 20 }, (_, i) => createPerson(`voter ${i}`));
  const ledger: TestLedger = createTestLedger(
    createTestGenesis({
      parameters: { epochSeconds: 86_400 / epochsPerDay, hostUntilPower: 0 },
      allocations: people.map(({ id }) => ({ account: id, amount: 1_000 * vc })),
    }),
  );
  ledger.open(...people);
  ledger.endEpochs(8 * epochsPerDay);
  const [proposer] = people;
  if (!proposer) throw new RangeError('nobody votes');
  const body: GovernanceBodies['propose'] = {
    description: 'Dearer transfers',
    actions: [{ kind: 'parameter', name: 'transferFee', value: 2_000 }],
    countersignatures: [],
  };
  ledger.act(proposer, 'propose', body);
  ledger.endEpochs(epochsPerDay + 1);
  const proposal = proposalIdOf(body);
  const start = clock();
  for (const person of people) {
    ledger.act(person, 'vote', { proposal, choice: 'for' });
    ledger.endEpochs((7 * epochsPerDay) / people.length);
  }
  ledger.endEpochs(
    Math.ceil(7 * epochsPerDay - people.length * Math.floor((7 * epochsPerDay) / people.length)),
  );
  const milliseconds = clock() - start;
  return { milliseconds, phase: ledger.state.governance.open.get(proposal)?.stage.phase ?? 'over' };
};
