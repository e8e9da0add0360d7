import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roundWindow } from './bounds.ts';
import {
  type AgreementEvent,
  type AgreementRecord,
  type AgreementState,
  type Certificate,
  type Effect,
  leaderOf,
  messagesFor,
  type Proposal,
  quorumOf,
  restore,
  startHeight,
  step,
  toleratedLiars,
  type Vote,
  type VoteType,
} from './index.ts';

const height = 7;
const good = { valid: true, timely: true };

/** Four keepers; round r is led by keeper r mod 4. The one under test is 1 unless the test says otherwise. */
const begin = (self = 1, n = 4) => open({ height, n, self, previousCreator: 0 });
const open = (options: Parameters<typeof startHeight>[0]) => follow(...startHeight(options));

const follow = (started: AgreementState, begun: readonly Effect[]) => {
  let state = started;
  const effects: Effect[] = [...begun];
  const give = (...events: AgreementEvent[]): readonly Effect[] => {
    const from = effects.length;
    for (const event of events) {
      const [next, caused] = step(state, event);
      state = next;
      effects.push(...caused);
    }
    return effects.slice(from);
  };
  const records = () => effects.flatMap((effect) => (effect.kind === 'persist' ? effect.record : []));
  return { give, effects, records, state: () => state };
};

const proposal = (round: number, value: string, validRound = -1): Proposal => ({
  type: 'proposal',
  height,
  round,
  validRound,
  value,
  proposer: round % 4,
});
const propose = (round: number, value: string, validRound = -1, verdict = good): AgreementEvent => ({
  kind: 'proposal',
  proposal: proposal(round, value, validRound),
  verdict,
});
const ballot = (type: VoteType, round: number, value: string | null, voter: number): Vote => ({
  type,
  height,
  round,
  value,
  voter,
});
const votes = (type: VoteType, round: number, value: string | null, ...voters: number[]): AgreementEvent[] =>
  voters.map((voter) => ({ kind: 'vote', vote: ballot(type, round, value, voter) }));
const whole = (of: VoteType, round: number, value: string, ...voters: number[]): Certificate => ({
  type: 'certificate',
  of,
  height,
  round,
  value,
  votes: voters.map((voter) => ballot(of, round, value, voter)),
});
const timeout = (round: number, at: 'propose' | VoteType): AgreementEvent => ({
  kind: 'timeout',
  round,
  step: at,
});
/** Into the next round by way of nil votes of all the others. */
const failRound = (round: number): AgreementEvent[] => [
  timeout(round, 'propose'),
  ...votes('prevote', round, null, 0, 2, 3),
  ...votes('precommit', round, null, 0, 2, 3),
  timeout(round, 'precommit'),
];

const said = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => {
    if (effect.kind !== 'broadcast') return [];
    const { type, round, value } = effect.message;
    return `${type} ${round} ${value}`;
  });
const kinds = (effects: readonly Effect[]) => effects.map(({ kind }) => kind);
const scheduled = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.kind === 'schedule' ? `${effect.step} ${effect.round}` : []));

describe('a committee', () => {
  it('has quorums that share an honest keeper, whatever its size', () => {
    for (let n = 1; n <= 100; n++) {
      const [f, q] = [toleratedLiars(n), quorumOf(n)];
      expect(2 * q - n).toBeGreaterThan(f);
      expect(n - f).toBeGreaterThanOrEqual(q);
    }
    expect([1, 4, 7, 10].map(quorumOf)).toEqual([1, 3, 5, 7]);
  });

  it('is led by who made the last block, then by the next, and by another every 64 heights', () => {
    const lead = (height: number, round: number) => leaderOf({ height, round, previousCreator: 2, n: 4 });
    expect([lead(1, 0), lead(1, 1), lead(1, 2), lead(1, 7)]).toEqual([2, 3, 0, 1]);
    expect([lead(63, 0), lead(64, 0), lead(65, 0), lead(128, 1)]).toEqual([2, 3, 2, 0]);
  });

  it.each([
    { n: 0, self: 0 },
    { n: 4, self: 4 },
    { n: 2.5, self: 0 },
    { n: 4, self: -1 },
  ])('of $n keepers without a place for $self is a bug', ({ n, self }) => {
    expect(() => startHeight({ height, n, self, previousCreator: 0 })).toThrow(RangeError);
  });
});

describe('a height', () => {
  it('is silent until there is something to decide', () => {
    const { give, effects, state } = begin();
    expect(effects).toEqual([]);
    expect(give(timeout(0, 'propose'))).toEqual([]);
    expect(messagesFor(state())).toEqual([]);
    expect(give({ kind: 'work' })).toEqual([{ kind: 'schedule', round: 0, step: 'propose' }]);
  });

  it('asks its leader for a value when there is work, and again when there is more', () => {
    const { give } = begin(0);
    expect(kinds(give({ kind: 'work' }))).toEqual(['build', 'schedule']);
    expect(kinds(give({ kind: 'work' }))).toEqual(['build']);
    expect(said(give({ kind: 'built', round: 0, value: 'a' }))).toEqual(['proposal 0 a', 'prevote 0 a']);
    expect(give({ kind: 'built', round: 0, value: 'b' }, { kind: 'work' })).toEqual([]);
  });

  it('is woken by whoever else has begun', () => {
    const { give } = begin();
    expect(scheduled(give(...votes('prevote', 0, null, 3)))).toEqual(['propose 0']);
  });

  it('is decided by a lone keeper in one go', () => {
    const { give, state } = begin(0, 1);
    give({ kind: 'work' });
    const effects = give({ kind: 'built', round: 0, value: 'a' });
    expect(said(effects)).toEqual(['proposal 0 a', 'prevote 0 a', 'precommit 0 a']);
    expect(effects.at(-1)).toMatchObject({ kind: 'decide', round: 0, value: 'a' });
    expect(state().phase).toBe('decided');
  });

  it('puts everything on record before it is said', () => {
    const { give } = begin();
    expect(kinds(give(propose(0, 'a')))).toEqual(['schedule', 'persist', 'broadcast']);
    expect(kinds(give(...votes('prevote', 0, 'a', 0, 2)))).toEqual(['persist', 'persist', 'broadcast']);
  });

  it('ends with the very precommits that came in', () => {
    const { give } = begin();
    const precommits = [0, 2, 3].map((voter) => ballot('precommit', 0, 'a', voter));
    give(propose(0, 'a'));
    const effects = give(...precommits.map((vote) => ({ kind: 'vote', vote }) as const));
    const decision = effects.find(({ kind }) => kind === 'decide');
    expect(decision).toMatchObject({ round: 0, value: 'a' });
    expect(
      decision?.kind === 'decide' && decision.precommits.every((vote) => precommits.includes(vote)),
    ).toBe(true);
    expect(give(...votes('prevote', 0, 'b', 0, 2, 3), timeout(0, 'precommit'))).toEqual([]);
  });

  it('takes a decision of any round', () => {
    const { give } = begin();
    give(propose(0, 'a'), ...failRound(0));
    const effects = give({ kind: 'certificate', certificate: whole('precommit', 0, 'a', 0, 2, 3) });
    expect(effects.at(-1)).toMatchObject({ kind: 'decide', round: 0, value: 'a' });
  });

  it('asks for a decided value that it has not seen, and decides when it has come', () => {
    const { give } = begin();
    const effects = give(...votes('precommit', 0, 'a', 0, 2, 3));
    expect(effects).toContainEqual({ kind: 'fetch', round: 0, value: 'a' });
    expect(give({ kind: 'known', value: 'never asked for', valid: true })).toEqual([]);
    expect(kinds(give({ kind: 'known', value: 'a', valid: true }))).toEqual(['decide']);
  });

  it('stops, and says so, when a quorum decided what it finds invalid', () => {
    const { give, state } = begin();
    give(...votes('precommit', 0, 'a', 0, 2, 3));
    expect(kinds(give({ kind: 'known', value: 'a', valid: false }))).toEqual(['dispute']);
    expect(give(propose(0, 'b'))).toEqual([]);
    expect(state().phase).toBe('disputed');
  });
});

describe('a proposal', () => {
  it('gets a prevote if it is valid and in time', () => {
    expect(said(begin().give(propose(0, 'a')))).toEqual(['prevote 0 a']);
    expect(said(begin().give(propose(0, 'a', -1, { valid: false, timely: true })))).toEqual([
      'prevote 0 null',
    ]);
    expect(said(begin().give(propose(0, 'a', -1, { valid: true, timely: false })))).toEqual([
      'prevote 0 null',
    ]);
  });

  it('is judged by validity alone when it is made again', () => {
    const { give } = begin();
    give({ kind: 'work' }, ...failRound(0));
    give({ kind: 'certificate', certificate: whole('prevote', 0, 'a', 0, 2, 3) }, ...failRound(1));
    expect(said(give(propose(2, 'a', 0, { valid: true, timely: false })))).toEqual(['prevote 2 a']);
  });

  it('that is made again waits for the quorum it speaks of', () => {
    const { give } = begin();
    give({ kind: 'work' }, ...failRound(0), ...failRound(1));
    expect(said(give(propose(2, 'a', 1)))).toEqual([]);
    expect(said(give({ kind: 'certificate', certificate: whole('prevote', 1, 'b', 0, 2, 3) }))).toEqual([]);
    expect(said(give(timeout(2, 'propose')))).toEqual(['prevote 2 null']);
  });

  it('out of turn, of a round to come as its valid round, or of another height counts for nothing', () => {
    const { give } = begin();
    const wrong = [
      { ...proposal(0, 'a'), proposer: 2 },
      proposal(0, 'a', 0),
      proposal(0, 'a', -2),
      { ...proposal(0, 'a'), height: 8 },
      { ...proposal(0, 'a'), round: 0.5 },
    ];
    for (const one of wrong) expect(give({ kind: 'proposal', proposal: one, verdict: good })).toEqual([]);
  });
});

describe('a lock', () => {
  const locked = () => {
    const keeper = begin();
    keeper.give(propose(0, 'a'), ...votes('prevote', 0, 'a', 0, 2));
    keeper.give(...votes('precommit', 0, null, 0, 2), timeout(0, 'precommit'));
    return keeper;
  };

  it('is proposed again with the quorum that made it', () => {
    const { effects, state } = locked();
    expect(state().locked).toEqual({ round: 0, value: 'a' });
    expect(said(effects).slice(-3)).toEqual(['proposal 1 a', 'certificate 0 a', 'prevote 1 a']);
  });

  it('holds against a fresh value, and gives way to a newer quorum', () => {
    const { give, state } = locked();
    give(
      ...votes('prevote', 1, null, 0, 2, 3),
      ...votes('precommit', 1, null, 0, 2),
      timeout(1, 'precommit'),
    );
    expect(said(give(propose(2, 'b')))).toEqual(['prevote 2 null']);
    give(...votes('prevote', 2, 'b', 0, 2, 3), ...votes('precommit', 2, null, 0, 2), timeout(2, 'precommit'));
    expect(state().valid).toMatchObject({ round: 2, value: 'b' });
    expect(said(give(propose(3, 'b', 2)))).toEqual(['prevote 3 b']);
  });

  it('is not given up for an older quorum', () => {
    const { give } = begin();
    give({ kind: 'work' }, ...failRound(0));
    give({ kind: 'built', round: 1, value: 'a' }, ...votes('prevote', 1, 'a', 0, 2));
    give(...votes('precommit', 1, null, 0, 2), timeout(1, 'precommit'));
    give({ kind: 'certificate', certificate: whole('prevote', 0, 'b', 0, 2, 3) });
    expect(said(give(propose(2, 'b', 0)))).toEqual(['prevote 2 null']);
  });
});

describe('rounds', () => {
  it('end by time once a quorum has voted, whatever for', () => {
    const { give } = begin();
    expect(scheduled(give(propose(0, 'a'), ...votes('prevote', 0, null, 2)))).toEqual(['propose 0']);
    expect(scheduled(give(...votes('prevote', 0, 'b', 3)))).toEqual(['prevote 0']);
    expect(said(give(timeout(0, 'prevote')))).toEqual(['precommit 0 null']);
    expect(scheduled(give(...votes('precommit', 0, null, 2), ...votes('precommit', 0, 'b', 3)))).toEqual([
      'precommit 0',
    ]);
    expect(give(timeout(0, 'precommit'))[0]).toMatchObject({ kind: 'persist', record: { kind: 'round' } });
  });

  it('are not ended by timers that never ran', () => {
    const { give } = begin();
    give(propose(0, 'a'));
    expect(give(timeout(0, 'prevote'), timeout(0, 'precommit'), timeout(3, 'propose'))).toEqual([]);
  });

  it('end at once when a quorum prevotes nil', () => {
    const { give } = begin();
    give({ kind: 'work' });
    expect(said(give(timeout(0, 'propose'), ...votes('prevote', 0, null, 0, 2)))).toEqual([
      'prevote 0 null',
      'precommit 0 null',
    ]);
  });

  it('are skipped when f+1 keepers are further, to where an honest one is', () => {
    const { give, state } = begin();
    give(...votes('prevote', 10 ** 12, 'a', 3));
    expect(state().round).toBe(0);
    give(...votes('precommit', 6, null, 2));
    expect(state().round).toBe(6);
  });
});

describe('a liar', () => {
  it('is counted once, and told on once', () => {
    const { give, state } = begin();
    const [first, second] = [ballot('prevote', 0, 'a', 3), ballot('prevote', 0, 'b', 3)];
    give({ kind: 'vote', vote: first });
    expect(give({ kind: 'vote', vote: second })).toEqual([{ kind: 'evidence', first, second }]);
    expect(give({ kind: 'vote', vote: first }, ...votes('prevote', 0, null, 3))).toEqual([]);
    expect(state().rounds.get(0)?.prevote).toMatchObject({ size: 1, nils: 0 });
  });

  it('is told on for two proposals; the first one counts', () => {
    const { give } = begin();
    expect(said(give(propose(0, 'a')))).toEqual(['prevote 0 a']);
    expect(give(propose(0, 'b'))).toMatchObject([
      { kind: 'evidence', first: { value: 'a' }, second: { value: 'b' } },
    ]);
  });

  it('cannot hide a quorum by telling this keeper something else first', () => {
    const { give, state } = begin();
    give(propose(0, 'a'), ...votes('prevote', 0, 'b', 3), ...votes('prevote', 0, 'a', 2));
    expect(state().locked).toBeUndefined();
    const effects = give({ kind: 'certificate', certificate: whole('prevote', 0, 'a', 1, 2, 3) });
    expect(kinds(effects)).toContain('evidence');
    expect(said(effects)).toEqual(['precommit 0 a']);
    expect(state().locked).toEqual({ round: 0, value: 'a' });
  });

  it.each([
    ['too few', whole('precommit', 0, 'a', 0, 2)],
    ['one twice', whole('precommit', 0, 'a', 0, 2, 2)],
    ['somebody else', whole('precommit', 0, 'a', 0, 2, 4)],
    ['too many', whole('precommit', 0, 'a', 0, 1, 2, 3, 3)],
    ['prevotes', { ...whole('prevote', 0, 'a', 0, 2, 3), of: 'precommit' } as const],
    ['another value', { ...whole('precommit', 0, 'a', 0, 2, 3), value: 'b' }],
    ['another round', { ...whole('precommit', 0, 'a', 0, 2, 3), round: 1 }],
  ])('makes no quorum of %s', (_, certificate) => {
    const { give } = begin();
    give(propose(0, 'a'));
    expect(give({ kind: 'certificate', certificate })).toEqual([]);
  });

  it('cannot fill the memory', () => {
    const { give, state } = begin();
    for (let round = 3; round < 4_000; round += 4) {
      give(propose(round, `block ${round}`, round - 1), propose(round, `other ${round}`, round - 2));
      give(...votes('prevote', round, `${round}`, 3), ...votes('precommit', round + 1, `${round}`, 3));
    }
    expect(state().round).toBe(0);
    expect(state().rounds.size).toBeLessThanOrEqual(2 * (roundWindow.past + 1 + roundWindow.ahead));
    expect(state().validity.size).toBeLessThanOrEqual(2);
  });

  it('cannot make it throw, nor speak for the others, whatever the numbers', () => {
    const number = fc.oneof(fc.integer({ min: -2, max: 6 }), fc.double(), fc.maxSafeInteger());
    const event = fc.record({
      type: fc.constantFrom<VoteType>('prevote', 'precommit'),
      height: fc.oneof(fc.constant(height), number),
      round: number,
      value: fc.constantFrom(null, 'a', 'b'),
      voter: fc.oneof(
        fc.constant(3),
        number.filter((voter) => ![0, 1, 2].includes(voter)),
      ),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 30 }), (ballots) => {
        const { give, effects, state } = begin();
        give(...ballots.map((vote) => ({ kind: 'vote', vote }) as const));
        expect(state().round).toBe(0);
        expect(said(effects)).toEqual([]);
        expect(state().newest.slice(0, 3)).toEqual([-1, -1, -1]);
      }),
      { numRuns: 200, seed: 20261121 },
    );
  });
});

describe('after a crash', () => {
  const again = (records: readonly AgreementRecord[]) =>
    follow(...restore({ height, n: 4, self: 1, previousCreator: 0 }, records));

  it('a keeper that had said nothing begins anew', () => {
    const { effects, state } = again([]);
    expect(effects).toEqual([]);
    expect(state().awake).toBe(false);
  });

  it('says the very same again, and nothing against it', () => {
    const before = begin();
    before.give(propose(0, 'a'), ...votes('prevote', 0, 'a', 0, 2));
    const after = again(before.records());
    const objects = (effects: readonly Effect[]) =>
      effects.flatMap((effect) => (effect.kind === 'broadcast' ? [effect.message] : []));
    expect(objects(after.effects)).toHaveLength(2);
    for (const message of objects(after.effects)) expect(objects(before.effects)).toContain(message);
    expect(after.state()).toMatchObject({ round: 0, step: 'precommit', locked: { round: 0, value: 'a' } });
    expect(said(after.give(propose(0, 'b'), timeout(0, 'propose'), timeout(0, 'prevote')))).toEqual([]);
  });

  it('shows the quorum of its lock, which nobody else may have', () => {
    const before = begin();
    before.give(propose(0, 'a'), ...votes('prevote', 0, 'a', 0, 2));
    expect(messagesFor(again(before.records()).state())).toContainEqual(
      expect.objectContaining({ type: 'certificate', of: 'prevote', round: 0, value: 'a' }),
    );
  });

  it('a precommit follows the lock that was on record without it', () => {
    const before = begin();
    before.give(propose(0, 'a'), ...votes('prevote', 0, 'a', 0, 2));
    const records = before.records().filter(({ kind }, index) => kind !== 'vote' || index === 0);
    expect(said(again(records).effects)).toEqual(['prevote 0 a', 'precommit 0 a']);
  });

  it('leads others into the round it is in', () => {
    const before = begin();
    before.give({ kind: 'work' }, ...failRound(0));
    const { effects, state } = again(before.records());
    expect(state().round).toBe(1);
    expect(kinds(effects)).toContain('build');
    const precommits = messagesFor(state()).filter(({ type, round }) => type === 'precommit' && round === 0);
    expect(precommits).toHaveLength(4);
  });

  it('does not vote against a vote of its own that only the others still know', () => {
    const { give, state } = begin();
    give(...votes('prevote', 0, 'a', 1));
    expect(said(give(propose(0, 'b')))).toEqual([]);
    expect(state().step).toBe('prevote');
  });
});
