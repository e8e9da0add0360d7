import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPerson } from '../../testDoubles.ts';
import { countPower, holdingAt } from './power.ts';
import { createTestSwarm } from './testDoubles.ts';
import type { Action } from './types.ts';

const vc = 1_000_000;
const ana = createPerson('ana');
const ben = createPerson('ben');
const cem = createPerson('cem');
const mallory = createPerson('mallory');
const change: readonly Action[] = [{ kind: 'parameter', name: 'mintFormula', value: 1 }];
const free = { parameters: { transferFee: 0, proposalDeposit: 0 } };

describe('a flash vote', () => {
  it('gains nothing by money that came within the seven days before voting began', () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 900],
        [ben, 100],
        [mallory, 0],
      ]),
      free,
    );
    swarm.transfer(ana, mallory, 900);
    swarm.endDays(6);
    const id = swarm.propose(ben, change);
    swarm.endDays(2);
    expect(swarm.view(id).phase).toBe('voting');
    expect(swarm.vote(mallory, id, 'for')).toContain('no settled power');
    // Nor does it count for whoever gave it away.
    expect(swarm.vote(ana, id, 'for')).toContain('no settled power');
    expect(swarm.view(id).power).toMatchObject({ eligible: 100 * vc });
  });

  it('counts the money that stayed for seven whole days', () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 900],
        [ben, 100],
        [mallory, 0],
      ]),
      free,
    );
    swarm.transfer(ana, mallory, 900);
    swarm.endDays(8);
    const id = swarm.propose(ben, change);
    swarm.endDays(2);
    swarm.vote(mallory, id, 'for');
    expect(swarm.view(id).tally.for).toBe(900 * vc);
  });

  it('gains nothing by money that comes after voting began, and passing it round votes with it once', () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 900],
        [mallory, 0],
      ]),
      free,
    );
    const id = swarm.propose(ana, change);
    swarm.endDays(2);
    swarm.vote(ana, id, 'for');
    swarm.transfer(ana, mallory, 900);
    expect(swarm.vote(mallory, id, 'for')).toContain('no settled power');
    expect(swarm.view(id).tally).toEqual({ for: 900 * vc, against: 0, abstain: 0 });
  });
});

describe('power at a snapshot', () => {
  it('is what it was, whatever happens afterwards', () => {
    const people = [ana, ben, cem, mallory];
    const moves = fc.array(
      fc.oneof(
        fc.record({ from: fc.nat(3), to: fc.nat(3), amount: fc.integer({ min: 1, max: 300 }) }),
        fc.record({ from: fc.nat(3), delegate: fc.nat(3) }),
        fc.record({ days: fc.integer({ min: 1, max: 2 }) }),
        fc.record({ proposer: fc.nat(3) }),
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(moves, (list) => {
        const swarm = createTestSwarm(
          new Map([
            [ana, 500],
            [ben, 300],
            [cem, 200],
            [mallory, 100],
          ]),
          {
            parameters: { ...free.parameters, votingDays: 30 },
          },
        );
        swarm.delegate(ana, ben);
        const id = swarm.propose(ana, change);
        swarm.endDays(2);
        const { epoch } = swarm.view(id).power ?? { epoch: -1 };
        const weights = () => people.map((who) => holdingAt(swarm.ledger.state.governance, epoch, who.id));
        const atFirst = weights();
        list.forEach((move, index) => {
          const who = (number: number) => people[number] ?? ana;
          if ('amount' in move) swarm.transfer(who(move.from), who(move.to), move.amount);
          else if ('delegate' in move) swarm.delegate(who(move.from), who(move.delegate));
          else if ('days' in move) swarm.endDays(move.days);
          else swarm.tryPropose(who(move.proposer), change, `another, ${index}`);
        });
        expect(weights()).toMatchObject(
          atFirst.map(({ power, received, delegate }) => ({ power, received, delegate })),
        );
      }),
      { seed: 5, numRuns: 25 },
    );
  });

  it('takes room only where it changed, and none when nothing rests on it', () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 500],
        [ben, 300],
      ]),
      free,
    );
    swarm.propose(ana, change, 'first');
    swarm.endDays(3);
    swarm.propose(ana, change, 'second');
    swarm.endDays(2);
    const { holdings } = swarm.ledger.state.governance;
    expect([...holdings.entries()].map(([, list]) => list.length)).toEqual([1, 1]);
    swarm.endDays(20);
    expect(swarm.ledger.state.governance.holdings.size).toBe(0);
    expect(swarm.ledger.state.governance.ballots).toEqual({});
  });
});

describe('a Sybil split', () => {
  it('weighs no more than the whole: power is linear', () => {
    const crowd = Array.from({ length: 20 }, (_, i) => createPerson(`sock ${i}`));
    const swarm = createTestSwarm(
      new Map([[ana, 1_000], [mallory, 1_000], ...crowd.map((sock) => [sock, 0] as const)]),
      { parameters: { ...free.parameters, quorumPermille: 400 } },
    );
    for (const sock of crowd) swarm.transfer(mallory, sock, 50);
    swarm.endDays(8);
    const id = swarm.propose(ana, change);
    swarm.endDays(2);
    swarm.vote(ana, id, 'against');
    for (const sock of crowd) swarm.vote(sock, id, 'for');
    expect(swarm.view(id).tally).toEqual({ for: 1_000 * vc, against: 1_000 * vc, abstain: 0 });
    swarm.endDays(7);
    expect(swarm.view(id)).toMatchObject({
      phase: 'rejected',
      reason: expect.stringContaining('no more power'),
    });
  });
});

describe('delegation', () => {
  const begin = () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 500],
        [ben, 300],
        [cem, 200],
      ]),
      free,
    );
    return {
      ...swarm,
      open: () => {
        const id = swarm.propose(cem, change);
        swarm.endDays(2);
        return id;
      },
    };
  };

  it('brings the delegate’s vote what was given to it, by one hop and no more', () => {
    const { delegate, open, vote, view } = begin();
    delegate(ana, ben);
    delegate(ben, cem);
    const id = open();
    vote(cem, id, 'for');
    expect(view(id).tally.for).toBe(500 * vc);
    vote(ben, id, 'against');
    expect(view(id).tally).toEqual({ for: 200 * vc, against: 800 * vc, abstain: 0 });
  });

  it('ends for a proposal with a vote of one’s own, before or after the delegate’s', () => {
    for (const order of [
      [ana, ben],
      [ben, ana],
    ] as const) {
      const { delegate, open, vote, view } = begin();
      delegate(ana, ben);
      const id = open();
      for (const who of order) vote(who, id, who === ana ? 'against' : 'for');
      expect(view(id).tally).toEqual({ for: 300 * vc, against: 500 * vc, abstain: 0 });
    }
  });

  it('does not multiply power in a circle', () => {
    const { delegate, open, vote, view } = begin();
    delegate(ana, ben);
    delegate(ben, cem);
    delegate(cem, ana);
    const id = open();
    for (const who of [ana, ben, cem]) {
      vote(who, id, 'for');
      expect(vote(who, id, 'for')).toContain('first vote is final');
    }
    expect(view(id).tally.for).toBe(1_000 * vc);
  });

  it('is that of the moment when voting began', () => {
    const { delegate, open, vote, view } = begin();
    delegate(ana, ben);
    const id = open();
    delegate(ana, null);
    vote(ben, id, 'for');
    expect(view(id, ana)).toMatchObject({
      tally: { for: 800 * vc },
      own: { power: 500 * vc, delegate: ben.id },
    });
  });

  it('is refused to oneself, to strangers, and twice', () => {
    const { delegate } = begin();
    expect(delegate(ana, ana)).toContain('votes for oneself');
    expect(delegate(ana, mallory)).toContain('never opened');
    expect(delegate(ana, null)).toContain('so already');
  });

  it('carries vetoes too, but not of whoever has spoken', () => {
    const { delegate, open, vote, veto, view, endDays } = begin();
    delegate(ana, cem);
    delegate(ben, cem);
    const id = open();
    vote(ana, id, 'for');
    vote(ben, id, 'abstain');
    endDays(7);
    veto(cem, id);
    expect(view(id).veto?.power).toBe(200 * vc);
    veto(ben, id);
    expect(view(id).veto?.power).toBe(500 * vc);
  });
});

describe('who is eligible', () => {
  it('are opened accounts alone, and active are those who acted in the last 30 days', () => {
    const swarm = createTestSwarm(
      new Map([
        [ana, 500],
        [ben, 300],
      ]),
      free,
    );
    swarm.transfer(ana, cem, 100);
    swarm.endDays(24);
    swarm.delegate(ben, ana);
    const { state } = swarm.ledger;
    expect(countPower(state, state.epoch)).toMatchObject({ eligible: 700 * vc, active: 700 * vc });
    swarm.endDays(10);
    expect(countPower(swarm.ledger.state, swarm.ledger.state.epoch)).toMatchObject({
      eligible: 700 * vc,
      active: 300 * vc,
    });
  });
});
