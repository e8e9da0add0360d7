import { describe, expect, it } from 'vitest';
import { createPerson } from '../../testDoubles.ts';
import { governanceLimits } from './limits.ts';
import { proposalsOf } from './queries.ts';
import { createTestSwarm } from './testDoubles.ts';
import type { Action } from './types.ts';

const vc = 1_000_000;
const ana = createPerson('ana');
const ben = createPerson('ben');
const cem = createPerson('cem');
const host = createPerson('host');
const dearer: readonly Action[] = [{ kind: 'parameter', name: 'transferFee', value: 2_000 }];
const upgrade: readonly Action[] = [{ kind: 'upgrade', build: 'ab'.repeat(32) }];
const three = () =>
  createTestSwarm(
    new Map([
      [ana, 600],
      [ben, 300],
      [cem, 100],
    ]),
  );

describe('a proposal', () => {
  it('lives a day as a draft, seven in voting, two in the timelock, and is carried out', () => {
    const swarm = three();
    const id = swarm.propose(ana, dearer);
    const phases: string[] = [];
    for (let half = 0; half < 24; half++) {
      const { phase, epochsLeft } = swarm.view(id);
      phases.push(`${phase} ${epochsLeft}`);
      if (phase === 'voting' && half === 3) swarm.vote(ana, id, 'for');
      if (phase === 'voting' && half === 4) swarm.vote(ben, id, 'abstain');
      swarm.ledger.endEpochs(1);
    }
    expect(phases.filter((phase) => phase.startsWith('draft'))).toHaveLength(3);
    expect(phases.filter((phase) => phase.startsWith('voting'))).toHaveLength(14);
    expect(phases.filter((phase) => phase.startsWith('timelock'))).toEqual([
      'timelock 4',
      'timelock 3',
      'timelock 2',
      'timelock 1',
    ]);
    expect(swarm.view(id)).toMatchObject({ phase: 'executed', reason: 'it passed the vote' });
    expect(swarm.ledger.state.parameters.transferFee).toBe(2_000);
  });

  it('puts a deposit down, which comes back if quorum was reached, whoever won', () => {
    const swarm = three();
    const id = swarm.propose(ana, dearer);
    expect(swarm.ledger.balance(ana)).toBe(500 * vc);
    swarm.endDays(2);
    swarm.vote(ana, id, 'abstain');
    swarm.vote(cem, id, 'for');
    swarm.vote(ben, id, 'against');
    swarm.endDays(7);
    expect(swarm.view(id)).toMatchObject({ phase: 'rejected', quorum: { met: true } });
    expect(swarm.ledger.balance(ana)).toBe(600 * vc);
  });

  it('has its deposit burned if too few took part', () => {
    const swarm = three();
    const { supply } = swarm.ledger.state;
    const { phase, reason } = swarm.carry(ana, dearer, [ben]);
    expect(phase).toBe('rejected');
    expect(reason).toBe('300 VC of power took part, quorum is 459 VC');
    expect(swarm.ledger.balance(ana)).toBe(500 * vc);
    expect(swarm.ledger.state.supply.burned).toBe(supply.burned + 100 * vc);
    expect(swarm.happened('deposit burned')).toHaveLength(1);
  });

  it('goes by the rules of the day on which it was made', () => {
    const swarm = three();
    const id = swarm.propose(ana, [{ kind: 'parameter', name: 'votingDays', value: 14 }]);
    swarm.endDays(2);
    swarm.vote(ana, id, 'for');
    swarm.endDays(8);
    const later = swarm.propose(ben, dearer);
    swarm.ledger.endEpochs(3);
    expect(swarm.ledger.state.parameters.votingDays).toBe(14);
    expect(swarm.view(later)).toMatchObject({ phase: 'voting', epochsLeft: 14 });
  });

  it('is extended once, if quorum comes only in the last two days', () => {
    const swarm = three();
    const id = swarm.propose(ana, dearer);
    swarm.endDays(2);
    swarm.endDays(6);
    swarm.vote(ana, id, 'for');
    swarm.endDays(1);
    expect(swarm.view(id)).toMatchObject({ phase: 'voting', extended: true });
    swarm.vote(ben, id, 'against');
    swarm.endDays(2);
    expect(swarm.view(id).phase).toBe('timelock');
  });

  it('is extended no second time, though quorum is lost and comes again', () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 500],
        [ben, 300],
        [cem, 200],
      ]),
    );
    swarm.delegate(ben, ana);
    const id = swarm.propose(ana, dearer);
    swarm.endDays(8);
    swarm.vote(ana, id, 'for');
    swarm.endDays(1);
    expect(swarm.view(id)).toMatchObject({ extended: true, quorum: { met: true, reached: 700 * vc } });
    swarm.vote(ben, id, 'against');
    swarm.endDays(1);
    expect(swarm.view(id).quorum).toMatchObject({ met: false, reached: 400 * vc });
    swarm.vote(cem, id, 'for');
    swarm.endDays(1);
    expect(swarm.view(id).phase).toBe('timelock');
  });

  it('needs two thirds where it pins a build or changes keepers', () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 600],
        [ben, 301],
        [cem, 400],
      ]),
    );
    const id = swarm.propose(cem, upgrade);
    const simple = swarm.propose(cem, dearer);
    swarm.endDays(2);
    for (const one of [id, simple]) {
      swarm.vote(ana, one, 'for');
      swarm.vote(ben, one, 'against');
    }
    swarm.endDays(7);
    expect(swarm.view(id)).toMatchObject({ phase: 'rejected', majority: { kind: 'two-thirds' } });
    expect(swarm.view(simple).phase).toBe('timelock');
  });

  it('that fails when it is carried out has no effect at all, and is not tried again', () => {
    const swarm = three();
    const both: readonly Action[] = [
      { kind: 'treasury', to: cem.id, amount: 10 * vc },
      { kind: 'parameter', name: 'transferFee', value: 1_500 },
    ];
    const first = swarm.propose(ana, dearer);
    const second = swarm.propose(ana, both);
    swarm.endDays(2);
    for (const one of [first, second]) {
      swarm.vote(ana, one, 'for');
      swarm.vote(ben, one, 'for');
    }
    swarm.endDays(10);
    expect(swarm.view(first).phase).toBe('executed');
    expect(swarm.view(second)).toMatchObject({ phase: 'failed', reason: expect.stringContaining('30 days') });
    expect(swarm.ledger.balance(cem)).toBe(100 * vc);
    expect(swarm.happened('grant')).toEqual([]);
    swarm.endDays(40);
    expect(swarm.ledger.state.parameters.transferFee).toBe(2_000);
  });
});

describe('votes', () => {
  it('are taken in voting alone, once, and for proposals there are', () => {
    const swarm = three();
    const id = swarm.propose(ana, dearer);
    expect(swarm.vote(ana, id, 'for')).toContain('phase draft');
    swarm.endDays(2);
    expect(swarm.vote(ana, id, 'for')).toBeUndefined();
    expect(swarm.vote(ana, id, 'against')).toContain('first vote is final');
    expect(swarm.view(id).tally).toEqual({ for: 500 * vc, against: 0, abstain: 0 });
    expect(swarm.veto(ana, id)).toContain('phase voting');
    swarm.endDays(7);
    expect(swarm.vote(ben, id, 'against')).toContain('phase timelock');
    expect(swarm.vote(ben, 'x'.repeat(43), 'against')).toContain('no such open proposal');
  });
});

describe('a veto', () => {
  it('by a third of the eligible power stops what has passed', () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 600],
        [ben, 250],
        [cem, 49],
      ]),
      {
        parameters: { proposalDeposit: 0, transferFee: 1_000 },
      },
    );
    const id = swarm.propose(ana, dearer);
    swarm.endDays(2);
    swarm.vote(ana, id, 'for');
    swarm.endDays(7);
    swarm.veto(ben, id);
    expect(swarm.view(id).veto).toEqual({ power: 250 * vc, needed: (899 * vc + 1) / 3, possible: true });
    swarm.veto(cem, id);
    expect(swarm.veto(cem, id)).toContain('already');
    swarm.endDays(2);
    // 299 of 899 VC is one VC less than a third.
    expect(swarm.view(id).phase).toBe('executed');
  });

  it('comes once to the same actions, in whatever words they are proposed again', () => {
    const swarm = three();
    const life = (description: string) => {
      const id = swarm.propose(ana, dearer, description);
      swarm.endDays(2);
      swarm.vote(ana, id, 'for');
      swarm.endDays(7);
      // Exactly a third: 300 of 900 VC.
      const refused = swarm.veto(ben, id);
      swarm.endDays(2);
      return { refused, phase: swarm.view(id).phase };
    };
    expect(life('first')).toEqual({ refused: undefined, phase: 'vetoed' });
    expect(life('second')).toEqual({ refused: expect.stringContaining('vetoed once'), phase: 'executed' });
  });
});

describe('spam', () => {
  it('is bounded for one account and in all, and the same is not proposed twice at a time', () => {
    const crowd = Array.from({ length: 12 }, (_, i) => createPerson(`crowd ${i}`));
    const swarm = createTestSwarm(new Map(crowd.map((one) => [one, 1_000] as const)));
    const refusals = crowd.flatMap((one, i) =>
      [1, 2, 3, 4].map((text) => swarm.tryPropose(one, dearer, `${i} ${text}`)),
    );
    expect(refusals.slice(0, 4)).toEqual([
      undefined,
      undefined,
      undefined,
      'this account has 3 proposals open, at most 3 are allowed',
    ]);
    expect(swarm.ledger.state.governance.open.size).toBe(governanceLimits.maxOpen);
    expect(refusals.at(-1)).toContain('32 proposals are open');
    swarm.endDays(9);
    expect(swarm.ledger.state.governance.open.size).toBe(0);
    const [first] = crowd;
    if (first) swarm.propose(first, dearer);
    expect(first && swarm.tryPropose(first, dearer)).toContain('the same proposal is open');
  });

  it('leaves no more behind than the newest that are over', () => {
    const swarm = createTestSwarm(new Map([[ana, 600]]), {
      host: ana,
      parameters: { hostUntilPower: 1_000_000 * vc },
    });
    for (let i = 0; i < 70; i++) {
      swarm.propose(
        ana,
        upgrade.map((action) => ({ ...action, build: `${10 + i}`.repeat(32) }) as Action),
        `${i}`,
      );
      swarm.ledger.endEpochs(1);
    }
    const views = proposalsOf(swarm.ledger.state);
    expect(views).toHaveLength(governanceLimits.maxClosed);
    expect(views[0]?.proposal.description).toBe('69');
    expect(swarm.ledger.state.governance.closed.size).toBe(governanceLimits.maxClosed);
  });
});

describe('the host', () => {
  const begin = (power: number) =>
    createTestSwarm(
      new Map([
        [ana, 600],
        [host, 0],
      ]),
      { host, parameters: { hostUntilPower: power * vc } },
    );

  it('governs alone at first, without a deposit and by the next epoch block', () => {
    const swarm = begin(1_000);
    expect(swarm.tryPropose(ana, dearer)).toContain(
      'the host governs until 1000 VC of power are settled, there are 600',
    );
    const id = swarm.propose(host, dearer);
    swarm.ledger.endEpochs(1);
    expect(swarm.view(id)).toMatchObject({ phase: 'executed', reason: 'the host governs', power: undefined });
    expect(swarm.ledger.state.parameters.transferFee).toBe(2_000);
  });

  it('is bound by steps and windows as anybody', () => {
    const swarm = begin(1_000);
    expect(swarm.tryPropose(host, [{ kind: 'parameter', name: 'transferFee', value: 2_001 }])).toContain(
      '500 to 2000',
    );
    swarm.propose(host, dearer);
    swarm.ledger.endEpochs(1);
    const again = swarm.propose(host, [{ kind: 'parameter', name: 'transferFee', value: 4_000 }]);
    swarm.ledger.endEpochs(1);
    expect(swarm.view(again)).toMatchObject({ phase: 'failed', reason: expect.stringContaining('30 days') });
  });

  it('has one voice among others for good once enough power is settled', () => {
    const swarm = begin(600);
    expect(swarm.ledger.state.governance.hostGoverns).toBe(false);
    expect(swarm.happened('the host governs no more')).toHaveLength(1);
    expect(swarm.tryPropose(host, dearer)).toContain('this needs 100 VC');
    swarm.transfer(ana, host, 300);
    swarm.endDays(9);
    // Less than the minimum is settled again, and still it does not govern.
    swarm.transfer(ana, cem, 200);
    swarm.endDays(9);
    const id = swarm.propose(host, dearer);
    swarm.ledger.endEpochs(1);
    expect(swarm.view(id).phase).toBe('draft');
  });

  it('cannot put off its end', () => {
    const swarm = begin(1_000);
    expect(
      swarm.tryPropose(host, [{ kind: 'parameter', name: 'hostUntilPower', value: 2_000 * vc }]),
    ).toContain('can only fall');
    const id = swarm.propose(host, [{ kind: 'parameter', name: 'hostUntilPower', value: 500 * vc }]);
    swarm.endDays(1);
    expect(swarm.view(id).phase).toBe('executed');
    swarm.endDays(1);
    expect(swarm.ledger.state.governance.hostGoverns).toBe(false);
  });
});
