import { describe, expect, it } from 'vitest';
import { encodeCbor } from '../core/codec.ts';
import type { LocalIdentity } from '../identity/index.ts';
import { createNodeCryptoForTests } from '../identity/testDoubles.ts';
import { type Act, openAct } from './acts.ts';
import { addAct, chainEnd, emptyLog, type Log, missingFrom, summaryOf, whyFull } from './log.ts';
import { type ActId, admissionLimits, type Deed, noAct } from './protocol.ts';
import { standingOf } from './standing.ts';
import { createHistory, openPeople, swarmOf } from './testDoubles.ts';

const crypto = createNodeCryptoForTests();
const [ana, ben] = await openPeople(crypto);
const grantBen = (): Deed => ({ t: 'grant', account: ben.account, role: 'operator' });
const rename = (name: string): Deed => ({ t: 'rename', name });
const logOf = (acts: readonly Act[], from: Log = emptyLog(ana.account)): Log =>
  acts.reduce((log, act) => {
    const added = addAct(log, act);
    if (!added.ok) throw new Error(added.error.message);
    return added.value;
  }, from);
const refusal = (log: Log, act: Act) => {
  const added = addAct(log, act);
  return added.ok ? undefined : added.error.code;
};

/** What stands in for acts where only their number counts: unsigned. */
const dummyId = (seq: number, { device }: LocalIdentity) =>
  `${String(seq).padStart(6, '0')}${device.slice(0, 36)}A` as ActId;
const dummies = (count: number, by: LocalIdentity): Act[] =>
  Array.from({ length: count }, (_, seq) => ({
    id: dummyId(seq, by),
    author: by,
    seq,
    previous: seq === 0 ? noAct : dummyId(seq - 1, by),
    lamport: seq + 1,
    at: 0,
    deed: by === ana && seq === 0 ? grantBen() : rename('x'),
    empoweredBy: by === ana ? undefined : ana.account,
    bytes: new Uint8Array(10),
  }));

describe('an act', () => {
  it('comes back from its bytes as it was', async () => {
    const act = await createHistory(ana, crypto).act(ana, rename('Lamplighters'));
    expect(await openAct(act.bytes, swarmOf(ana), crypto)).toEqual({ ok: true, value: act });
  });

  it('with any changed byte is refused', async () => {
    const { bytes } = await createHistory(ana, crypto).act(ana, rename('Lamplighters'));
    for (let at = 0; at < bytes.byteLength; at += 7) {
      const changed = new Uint8Array(bytes);
      changed[at]! ^= 1;
      expect((await openAct(changed, swarmOf(ana), crypto)).ok).toBe(false);
    }
  });

  it('of another swarm, or of another founder’s, is refused', async () => {
    const { bytes } = await createHistory(ana, crypto).act(ana, rename('Lamplighters'));
    expect(await openAct(bytes, swarmOf(ben), crypto)).toMatchObject({ error: { code: 'another-swarm' } });
  });

  it('of anybody but the founder needs a token that is good at its time', async () => {
    const { act, swarm, tokenFor } = createHistory(ana, crypto);
    expect((await act(ben, rename('x'))).empoweredBy).toBe(ana.account);
    await expect(act(ben, rename('x'), { token: 'none' })).rejects.toThrow('this is no token');
    const token = await tokenFor(ben, 1_000_000);
    await expect(act(ben, rename('x'), { token, at: 1_500_000 })).resolves.toBeDefined();
    await expect(act(ben, rename('x'), { token, at: 9_000_000 })).rejects.toThrow('expired');
    await expect(openAct(encodeCbor({ body: new Uint8Array(3) }), swarm, crypto)).resolves.toMatchObject({
      error: { code: 'malformed' },
    });
  });

  it('says one line: nothing in a reason can break out of it', async () => {
    const { act } = createHistory(ana, crypto);
    for (const reason of ['', 'two\nlines', 'bell\u0007', 'turned \u202e around', 'x'.repeat(141)])
      await expect(act(ana, { t: 'remove', account: ben.account, reason })).rejects.toThrow('reason');
    await expect(
      act(ana, { t: 'remove', account: ben.account, reason: 'spam, 🏮 again' }),
    ).resolves.toBeDefined();
  });

  it('with the longest of everything still fits', async () => {
    const { act } = createHistory(ana, crypto);
    const ends = Array.from({ length: admissionLimits.maxEnds }, () => ({
      device: ben.device,
      seq: 2_000,
      id: 'z'.repeat(43) as ActId,
    }));
    const called = '灯'.repeat(40);
    const founders = await act(ana, {
      t: 'remove',
      account: ben.account,
      reason: '字'.repeat(140),
      called,
      ends,
    });
    const operators = await act(ben, { t: 'remove', account: ana.account, reason: '字'.repeat(140), called });
    for (const { bytes } of [founders, operators])
      expect(bytes.byteLength).toBeLessThanOrEqual(admissionLimits.maxActBytes);
  });
});

describe('the log', () => {
  it('takes an act once, and none whose predecessors it lacks', async () => {
    const { tell } = createHistory(ana, crypto);
    const [one, two] = [await tell(ana, grantBen()), await tell(ana, rename('Lamplighters'))];
    const empty = emptyLog(ana.account);
    expect(refusal(empty, two)).toBe('gap');
    const log = logOf([one, two]);
    expect(logOf([one], log)).toBe(log);
  });

  it('takes no act that skips a number: nobody can use them up', async () => {
    const { act } = createHistory(ana, crypto);
    expect(refusal(emptyLog(ana.account), await act(ana, rename('x'), { lamport: 3 }))).toBe('gap');
    expect(refusal(emptyLog(ana.account), await act(ana, rename('x'), { seq: 1 }))).toBe('gap');
  });

  it('keeps nothing of somebody who was never operator', async () => {
    const { tell, act } = createHistory(ana, crypto);
    const log = logOf([await tell(ana, rename('x'))]);
    expect(refusal(log, await act(ben, rename('mine')))).toBe('author');
    const granted = logOf([await tell(ana, grantBen())], log);
    expect(refusal(granted, await act(ben, rename('mine')))).toBeUndefined();
  });

  it('is full at two thousand acts, and keeps room for the founder’s', () => {
    const full = logOf(dummies(admissionLimits.maxActs, ana));
    expect(whyFull(full, ana.account)?.message).toContain('2000 acts and takes no more: found a new swarm');
    const operators = logOf(dummies(admissionLimits.maxActsOfOperators, ben), logOf(dummies(1, ana)));
    expect(whyFull(operators, ben.account)?.code).toBe('full');
    expect(whyFull(operators, ana.account)).toBeUndefined();
  });

  it('tells another what it lacks, page by page, so that each can be added', () => {
    const here = logOf(dummies(150, ana));
    let there = logOf(dummies(5, ana));
    for (const expected of [64, 64, 17]) {
      const { acts, more } = missingFrom(here, summaryOf(there));
      expect(acts).toHaveLength(expected);
      expect(more).toBe(expected === 64);
      there = logOf(dummies(there.acts.size + expected, ana), there);
    }
    expect(missingFrom(here, summaryOf(there))).toEqual({ acts: [], more: false });
  });

  it('tells both branches of a fork, whoever holds which', async () => {
    const { act } = createHistory(ana, crypto);
    const [one, two] = [await act(ana, rename('one')), await act(ana, rename('two'))];
    const [here, there] = [logOf([one]), logOf([two])];
    expect(missingFrom(here, summaryOf(there)).acts).toEqual([one.bytes]);
    const both = logOf([two], here);
    const winner = one.id < two.id ? one : two;
    expect(chainEnd(both, standingOf([...both.acts.values()], ana.account), ana.device)?.id).toBe(winner.id);
  });
});
