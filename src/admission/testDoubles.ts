import type { AccountId, RoomId } from '../core/brand.ts';
import { fromBase64url } from '../core/bytes.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import { unwrap } from '../core/result.ts';
import { type LocalIdentity, openIdentity, swarmIdOf } from '../identity/index.ts';
import { createTestIdentityDeps } from '../identity/testDoubles.ts';
import { type Act, openAct, signAct } from './acts.ts';
import { issueCapability } from './capability.ts';
import { inOrder } from './chains.ts';
import { type ActBody, type ActId, type Deed, noAct } from './protocol.ts';
import { type Standing, standingOf } from './standing.ts';

export const openPerson = async (crypto: CryptoPort): Promise<LocalIdentity> =>
  (await openIdentity(createTestIdentityDeps(crypto))).identity;

/** Four strangers to each other. */
export const openPeople = async (crypto: CryptoPort) =>
  Promise.all([openPerson(crypto), openPerson(crypto), openPerson(crypto), openPerson(crypto)]);

export const emptyStanding = (founder: AccountId): Standing => standingOf([], founder);

export const swarmOf = (founder: LocalIdentity) => ({
  id: swarmIdOf(new Uint8Array(16), fromBase64url(founder.account) ?? new Uint8Array(32)) as RoomId,
  founder: founder.account,
});

/** A swarm's history as a test tells it: each act knows all that were told before, unless the test says otherwise. */
export const createHistory = (founder: LocalIdentity, crypto: CryptoPort) => {
  const swarm = swarmOf(founder);
  const told: Act[] = [];
  const lastBy = (person: LocalIdentity) =>
    told.filter(({ author }) => author.device === person.device).sort((a, b) => b.seq - a.seq)[0];
  const random = { bytes: (length: number) => new Uint8Array(length).fill(7) };

  const tokenFor = (holder: LocalIdentity, now: number, by = founder): Promise<string> =>
    issueCapability(
      { signer: by.deviceSigner, account: by.account, certificate: by.credentials.device },
      { holder, swarm: swarm.id, role: 'operator' },
      { now, random },
    );

  const act = async (
    author: LocalIdentity,
    deed: Deed,
    options: Partial<ActBody> & { readonly empoweredBy?: LocalIdentity } = {},
  ): Promise<Act> => {
    const { empoweredBy = founder, ...changes } = options;
    const at = changes.at ?? 1_000_000 + told.length * 1_000;
    const last = lastBy(author);
    const token = await tokenFor(author, at, empoweredBy);
    const body: ActBody = {
      v: 1,
      swarm: swarm.id,
      certificate: author.credentials.device,
      seq: last ? last.seq + 1 : 0,
      previous: last?.id ?? (noAct as ActId),
      lamport: Math.max(0, ...told.map(({ lamport }) => lamport)) + 1,
      at,
      deed,
      ...(author.account === founder.account ? {} : { token }),
      ...changes,
    };
    const bytes = await signAct(body, author.deviceSigner);
    return unwrap(await openAct(bytes, swarm, crypto));
  };

  return {
    swarm,
    told,
    act,
    tokenFor,
    /** Makes an act and lets all later ones know of it. */
    async tell(...args: Parameters<typeof act>): Promise<Act> {
      const made = await act(...args);
      told.push(made);
      told.sort(inOrder);
      return made;
    },
  };
};
