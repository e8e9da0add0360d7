import { unwrap } from '../../../src/core/result.ts';
import { applyBlock } from '../../../src/ledger/apply.ts';
import { buildEpochBlock, buildOperationsBlock } from '../../../src/ledger/build.ts';
import {
  createPerson,
  createTestGenesis,
  createTestLedger,
  operationOf,
} from '../../../src/ledger/testDoubles.ts';
import { proposalIdOf } from '../../../src/ledger/transition/governance/proposals.ts';
import type { GovernanceBodies } from '../../../src/ledger/transition/governance/types.ts';
import type { Block } from '../../../src/ledger/types.ts';

const epochsPerDay = 144;
const vc = 1_000_000;
const voters = 18;

/**
 * A vote over seven days of 144 epochs each, block by block. `milliseconds`: what a replica spends on them, which applies
 * every block and computes every state root; not what their maker spends, nor the ten days before in which balances settle
 * and the draft waits.
 */
export const sevenDays = (clock: () => number): { milliseconds: number; phase: string } => {
  const people = Array.from({ length: voters }, (_, i) => createPerson(`voter ${i}`));
  const ledger = createTestLedger(
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
  const maker = { creator: 0, time: 0 };
  let { state } = ledger;
  let milliseconds = 0;
  const take = (block: Block) => {
    const start = clock();
    state = unwrap(applyBlock(state, block)).state;
    milliseconds += clock() - start;
  };
  for (const { id, device } of people) {
    const vote = { account: id, kind: 'vote', body: { proposal, choice: 'for' } } as const;
    const { block } = buildOperationsBlock(state, [operationOf(state, device, vote)], maker);
    if (block) take(block);
    for (let i = 0; i < (7 * epochsPerDay) / voters; i++) take(buildEpochBlock(state, maker));
  }
  return { milliseconds, phase: state.governance.open.get(proposal)?.stage.phase ?? 'over' };
};
