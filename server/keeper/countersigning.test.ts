import { describe, expect, it } from 'vitest';
import { createCandidate, proposalOfCandidate } from '../../src/ledger/candidate.ts';
import { createPerson, createTestKeeper } from '../../src/ledger/testDoubles.ts';
import { proposalIdOf } from '../../src/ledger/transition/governance/proposals.ts';
import { createTestSwarm, type TestSwarm } from '../../src/ledger/transition/governance/testDoubles.ts';
import { createCountersigner } from './countersigning.ts';

const ana = createPerson('ana');
const { keeper, signer } = createTestKeeper('x');

/** Proposed, passed and waiting; a day has two epochs. */
const begin = (): { readonly swarm: TestSwarm; readonly id: string } => {
  const swarm = createTestSwarm(new Map([[ana, 1_000]]), { keepers: 4 });
  const { net, keepers, position } = swarm.ledger.state;
  const [, second] = keepers;
  if (!second) throw new Error('no keeper');
  const plan = { net, description: 'x for 1', remove: [second.key], add: [keeper] };
  const body = proposalOfCandidate(createCandidate(plan, signer, position.stateRoot));
  const refused = swarm.ledger.act(ana, 'propose', body);
  if (refused) throw new Error(refused);
  return { swarm, id: proposalIdOf(body) };
};

/** Ten days, in each epoch of which the newcomer says what is due; how often it did. */
const live = ({ swarm, id }: ReturnType<typeof begin>, isThere: (epoch: number) => boolean): number => {
  const countersigner = createCountersigner([signer]);
  let said = 0;
  for (let epoch = 0; epoch < 26; epoch++) {
    swarm.ledger.endEpochs(1);
    if (epoch === 5) expect(swarm.vote(ana, id, 'for')).toBeUndefined();
    const { state } = swarm.ledger;
    for (const due of isThere(epoch) ? countersigner.due(state) : []) {
      const body = countersigner.sign(state, due);
      if (!body) throw new Error('due, and not signed');
      expect(swarm.ledger.act(ana, 'countersign', body)).toBeUndefined();
      expect(countersigner.due(swarm.ledger.state)).toEqual([]);
      said++;
    }
  }
  return said;
};

describe('a newcomer that runs', () => {
  it('is fresh whenever its proposal is carried out, and says nothing afterwards', () => {
    const begun = begin();
    const said = live(begun, () => true);
    expect(begun.swarm.view(begun.id).phase).toBe('executed');
    expect(said).toBeGreaterThan(10);
    expect(said).toBeLessThan(26);
  });

  it('may be away for days before the last one', () => {
    const begun = begin();
    live(begun, (epoch) => epoch > 15);
    expect(begun.swarm.view(begun.id).phase).toBe('executed');
  });

  it('is not made a keeper if it is away at the end', () => {
    const begun = begin();
    live(begun, (epoch) => epoch < 15);
    expect(begun.swarm.view(begun.id)).toMatchObject({
      phase: 'failed',
      reason: expect.stringContaining('countersign'),
    });
  });

  it('says nothing for a key of somebody else', () => {
    const { swarm } = begin();
    swarm.ledger.endEpochs(3);
    expect(createCountersigner([createTestKeeper('y').signer]).due(swarm.ledger.state)).toEqual([]);
    expect(swarm.ledger.state.governance.open.size).toBe(1);
  });
});
