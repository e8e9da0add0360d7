import { expect, it } from 'vitest';
import { type Act, type Admission, standingOf, whyNot } from '../admission/index.ts';
import { createHistory, openPerson } from '../admission/testDoubles.ts';
import type { AccountId } from '../core/brand.ts';
import { createStore } from '../core/events.ts';
import type { LocalIdentity } from '../identity/index.ts';
import { createNodeCryptoForTests } from '../identity/testDoubles.ts';
import { createAdmissionView } from './admissionView.ts';
import type { PeerView } from './readModels.ts';

const crypto = createNodeCryptoForTests();

/** The page of one of them, over a log that a test has told. */
const viewOf = (who: LocalIdentity, acts: readonly Act[], founder: AccountId) => {
  const standing = standingOf(acts, founder);
  const log = { acts: new Map(acts.map((act) => [act.id, act])) };
  const admission = {
    state: createStore({ standing, log }),
    tokens: { own: createStore(new Map()) },
    whyNot: (wish: Parameters<Admission['whyNot']>[0]) => whyNot(standing, who.account, wish)?.message,
  } as unknown as Admission;
  const peers = createStore<readonly PeerView[]>([]);
  const view = createAdmissionView({
    admission,
    account: who.account,
    ownName: createStore({ name: 'Me' }),
    peers,
  });
  return {
    view: () => view.get()!,
    meet: (...present: readonly (readonly [LocalIdentity, string])[]) =>
      peers.set(
        present.map(
          ([{ account, peer }, name]) => ({ status: { account, peer, name } }) as unknown as PeerView,
        ),
      ),
  };
};

it('shows to each what is true and what he may do', async () => {
  const [ana, ben, cem] = (await Promise.all([1, 2, 3].map(() => openPerson(crypto)))) as [
    LocalIdentity,
    LocalIdentity,
    LocalIdentity,
  ];
  const { tell, told, act } = createHistory(ana, crypto);
  await tell(ana, { t: 'grant', account: ben.account, role: 'operator', called: 'Ben' });
  const removal = await tell(ben, { t: 'remove', account: cem.account, reason: 'spam', called: 'Cem' });
  const { seq, previous, lamport } = removal;
  const fork = await act(
    ben,
    { t: 'remove', account: cem.account, reason: 'noise' },
    { seq, previous, lamport },
  );
  const page = (who: LocalIdentity, acts = told) => viewOf(who, acts, ana.account);

  const founders = page(ana);
  founders.meet([ben, 'Benjamin']);
  expect(founders.view()).toMatchObject({
    founder: { own: true, name: 'Me' },
    ownRoles: ['founder'],
    mayRename: true,
    removed: [{ who: { name: 'Cem' }, by: { name: 'Benjamin' }, reason: 'spam', mayReturn: true }],
    acts: [{ deed: { t: 'remove' } }, { deed: { t: 'grant' } }],
    forks: [],
  });
  expect(founders.view().members.find(({ who }) => who.account === ben.account)).toMatchObject({
    roles: ['operator'],
    here: true,
    powers: { remove: true, grant: ['keeper'], withdraw: ['operator'] },
  });
  // Who has gone keeps his name.
  founders.meet();
  expect(founders.view().removed[0]?.by.name).toBe('Benjamin');

  const removed = page(cem).view();
  expect(removed.ownRemoval).toMatchObject({ by: { name: 'Ben' }, reason: 'spam' });
  expect(removed.members.some(({ powers }) => powers.remove || powers.grant.length > 0)).toBe(false);
  expect(removed.removed[0]?.mayReturn).toBe(false);

  const forked = page(ana, [...told, fork]).view();
  expect(forked.forks).toMatchObject([{ who: { account: ben.account }, device: ben.device, seq: 0 }]);
  expect(forked.acts.filter(({ whyVoid }) => whyVoid !== undefined)).toHaveLength(1);
});
