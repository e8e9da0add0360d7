import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LocalIdentity } from '../identity/index.ts';
import { createNodeCryptoForTests } from '../identity/testDoubles.ts';
import type { Act } from './acts.ts';
import type { Deed } from './protocol.ts';
import { endsOf, type Standing, standingOf, whyNot } from './standing.ts';
import { createHistory, openPeople } from './testDoubles.ts';

const crypto = createNodeCryptoForTests();
const [ana, ben, cem, dora] = await openPeople(crypto);

/** Ana founds; the rest is what the test tells. */
const begin = () => createHistory(ana, crypto);
const grant = (person: LocalIdentity, role: 'operator' | 'keeper' = 'operator'): Deed => ({
  t: 'grant',
  account: person.account,
  role,
});
const remove = (person: LocalIdentity, reason = 'loud'): Deed => ({
  t: 'remove',
  account: person.account,
  reason,
});
const readmit = (person: LocalIdentity): Deed => ({ t: 'readmit', account: person.account });
const foldOf = (acts: readonly Act[]): Standing => standingOf(acts, ana.account);
const rolesOf = (standing: Standing, person: LocalIdentity) => [
  ...(standing.roles.get(person.account) ?? []),
];
const isRemoved = (standing: Standing, person: LocalIdentity) => standing.removed.has(person.account);
const reasons = (standing: Standing) => [...standing.voided.values()].map(({ code }) => code);

describe('a swarm’s standing', () => {
  it('begins with a founder and nobody else of note', () => {
    expect(foldOf([])).toMatchObject({
      founder: ana.account,
      name: undefined,
      roles: new Map(),
      removed: new Map(),
    });
  });

  it('follows what the founder does', async () => {
    const { tell, told } = begin();
    await tell(ana, grant(ben));
    await tell(ana, grant(ben, 'keeper'));
    await tell(ana, { t: 'rename', name: 'Lamplighters' });
    await tell(ana, remove(cem, 'it sent spam'), { at: 5_000 });
    const standing = foldOf(told);
    expect(rolesOf(standing, ben)).toEqual(['keeper', 'operator']);
    expect(standing.name).toBe('Lamplighters');
    expect(standing.removed.get(cem.account)).toEqual({ by: ana.account, reason: 'it sent spam', at: 5_000 });
    await tell(ana, { t: 'withdraw', account: ben.account, role: 'keeper' });
    await tell(ana, readmit(cem));
    expect(rolesOf(foldOf(told), ben)).toEqual(['operator']);
    expect(isRemoved(foldOf(told), cem)).toBe(false);
  });

  it('lets an operator remove members and keepers and let them back in, and nothing else', async () => {
    const { tell, told, act } = begin();
    await tell(ana, grant(ben));
    await tell(ana, grant(cem, 'keeper'));
    await tell(ben, remove(cem));
    expect(isRemoved(foldOf(told), cem)).toBe(true);
    expect(rolesOf(foldOf(told), cem)).toEqual([]);
    await tell(ben, readmit(cem));
    expect(isRemoved(foldOf(told), cem)).toBe(false);
    await tell(ana, grant(dora));
    for (const deed of [grant(cem), { t: 'rename', name: 'Mine' }, remove(dora), remove(ana)] as Deed[]) {
      const standing = foldOf([...told, await act(ben, deed)]);
      expect(standing.voided.size).toBe(1);
      expect(rolesOf(standing, dora)).toEqual(['operator']);
    }
  });

  it('lets only the founder let back in whom the founder removed', async () => {
    const { tell, told } = begin();
    await tell(ana, grant(ben));
    await tell(ben, remove(cem));
    await tell(ana, remove(cem, 'for good'));
    await tell(ben, readmit(cem));
    expect(foldOf(told).removed.get(cem.account)?.reason).toBe('for good');
  });

  it('gives no say to a member, nor to an operator who was removed', async () => {
    const { tell, told } = begin();
    await tell(cem, remove(dora));
    expect(isRemoved(foldOf(told), dora)).toBe(false);
    await tell(ana, grant(ben));
    await tell(ana, { ...remove(ben), ends: [] } as Deed);
    await tell(ben, remove(dora));
    expect(isRemoved(foldOf(told), dora)).toBe(false);
  });

  it('does not let somebody empower himself, nor be empowered by a member', async () => {
    const { tell, told } = begin();
    await tell(ana, grant(ben));
    await tell(ben, remove(dora), { empoweredBy: ben });
    await tell(ben, remove(dora), { empoweredBy: cem });
    expect(isRemoved(foldOf(told), dora)).toBe(false);
    expect(reasons(foldOf(told))).toEqual(['not-entitled', 'not-entitled']);
    await tell(ana, grant(cem));
    await tell(ben, remove(dora), { empoweredBy: cem });
    expect(isRemoved(foldOf(told), dora)).toBe(true);
  });
});

describe('an operator who is withdrawn', () => {
  const withdrawn = async () => {
    const history = begin();
    await history.tell(ana, grant(ben));
    await history.tell(ben, remove(cem));
    const ends = [...endsOf(history.told, foldOf(history.told), ben.account)];
    const atThatTime = Math.max(...history.told.map(({ lamport }) => lamport));
    await history.tell(ana, { t: 'withdraw', account: ben.account, role: 'operator', ends });
    return { ...history, atThatTime };
  };

  it('keeps what was done before', async () => {
    const { told } = await withdrawn();
    expect(isRemoved(foldOf(told), cem)).toBe(true);
    expect(rolesOf(foldOf(told), ben)).toEqual([]);
  });

  it('can’t date an act back before the withdrawal', async () => {
    const { told, act, atThatTime } = await withdrawn();
    const withdrawal = told.at(-1)!;
    for (let attempt = 0; ; attempt++) {
      const sly = await act(ben, remove(dora, `try ${attempt}`), { lamport: atThatTime + 1, at: 1_000 });
      // Both knew of the same acts; the lower id comes first.
      if (sly.id > withdrawal.id) continue;
      const standing = foldOf([...told, sly]);
      expect(isRemoved(standing, dora)).toBe(false);
      expect(standing.voided.get(sly.id)?.code).toBe('back-dated');
      break;
    }
  });

  it('can’t put another act in the place of one that was let stand', async () => {
    const { told, act } = await withdrawn();
    const first = told.find(({ author }) => author.device === ben.device)!;
    for (let attempt = 0; attempt < 8; attempt++) {
      const rewritten = await act(ben, remove(dora, `try ${attempt}`), { ...place(first), at: first.at });
      const standing = foldOf([...told, rewritten]);
      expect(isRemoved(standing, dora)).toBe(false);
      expect(isRemoved(standing, cem)).toBe(true);
      expect(standing.forks).toMatchObject([{ account: ben.account, device: ben.device, seq: 0 }]);
    }
  });

  it('may act again once the founder has granted it again', async () => {
    const { tell, told } = await withdrawn();
    await tell(ana, grant(ben));
    await tell(ben, remove(dora));
    expect(isRemoved(foldOf(told), dora)).toBe(true);
  });
});

const place = ({ seq, previous, lamport }: Act) => ({ seq, previous, lamport });

describe('a device that forks its chain', () => {
  it('is shown, and one of the two acts counts: the same on every peer', async () => {
    const { tell, told, act } = begin();
    await tell(ana, grant(ben));
    const one = await tell(ben, remove(cem));
    const other = await act(ben, remove(dora), place(one));
    const later = await tell(ben, readmit(cem));
    const standing = foldOf([...told, other]);
    const winner = one.id < other.id ? one : other;
    expect(standing.forks).toEqual([
      { account: ben.account, device: ben.device, seq: 0, ids: [one.id, other.id].sort() },
    ]);
    // What follows the act that doesn't count, doesn't count either.
    expect(standing.voided.get(later.id)?.code).toBe(winner === one ? undefined : 'fork');
    expect(isRemoved(standing, dora)).toBe(winner === other);
    expect(foldOf([other, ...told])).toEqual(standing);
  });
});

describe('a chain', () => {
  it('does not go back in the order of acts', async () => {
    const { tell, told, act } = begin();
    await tell(ana, grant(ben));
    await tell(ana, { t: 'rename', name: 'First' });
    const back = await act(ana, { t: 'rename', name: 'Second' }, { lamport: 1 });
    expect(foldOf([...told, back]).voided.get(back.id)?.code).toBe('fork');
  });
});

describe('any order of arrival', () => {
  it('comes to the same, duplicates, forks and acts that count for nothing included', async () => {
    const { tell, told, act } = begin();
    await tell(ana, grant(ben));
    await tell(ana, grant(cem, 'keeper'));
    const forked = await tell(ben, remove(cem));
    const extra = [
      await act(ben, remove(dora), place(forked)),
      await act(dora, remove(ben)),
      await act(ben, readmit(dora), { seq: 9, previous: forked.id }),
    ];
    await tell(ana, { t: 'withdraw', account: ben.account, role: 'operator', ends: [] });
    await tell(ana, readmit(cem));
    const all = [...told, ...extra];
    const expected = foldOf(all);
    expect(expected.voided.size).toBeGreaterThan(2);
    fc.assert(
      fc.property(fc.array(fc.nat(all.length - 1), { maxLength: 12 }), (swaps) => {
        const shuffled = [...all];
        swaps.forEach((to, from) => {
          const at = from % all.length;
          [shuffled[at], shuffled[to]] = [shuffled[to]!, shuffled[at]!];
        });
        expect(foldOf(shuffled)).toEqual(expected);
      }),
    );
  });
});

describe('whether something may be done', () => {
  it('is the question the fold asks, asked before', async () => {
    const { tell, told } = begin();
    await tell(ana, grant(ben));
    const standing = foldOf(told);
    expect(whyNot(standing, ana.account, remove(ben))).toBeUndefined();
    expect(whyNot(standing, ben.account, remove(cem))).toBeUndefined();
    expect(whyNot(standing, ben.account, remove(ana))?.code).toBe('pointless');
    expect(whyNot(standing, ana.account, readmit(cem))?.message).toBe('this person is not removed');
    expect(whyNot(standing, cem.account, remove(dora))?.message).toContain('only the founder and operators');
  });
});
