import type { Act, Admission } from '../admission/index.ts';
import { createBoundedMap } from '../core/boundedMap.ts';
import type { AccountId } from '../core/brand.ts';
import { createStore, follow, type Store } from '../core/events.ts';
import type {
  PeerView,
  PrivateSwarmView,
  SwarmAct,
  SwarmMember,
  SwarmPerson,
  SwarmPowers,
  SwarmRole,
} from './readModels.ts';

type Names = { get(account: AccountId): string | undefined };

const rememberedNames = 500;
const grantable = ['operator', 'keeper'] as const;

/** The private swarm as the page shows it: people with names where they are known, and what this person may do to whom. */
export const createAdmissionView = (deps: {
  readonly admission: Admission;
  readonly account: AccountId;
  readonly ownName: Store<{ readonly name: string }>;
  readonly peers: Store<readonly PeerView[]>;
}): Store<PrivateSwarmView | undefined> => {
  const { admission, peers } = deps;
  const view = createStore<PrivateSwarmView | undefined>(undefined);
  /** Who has gone is still called what he was called: above all whoever removed this person. */
  const seen = createBoundedMap<AccountId, string>(rememberedNames);
  const update = () => {
    for (const { status } of peers.get()) seen.set(status.account, status.name);
    view.set(viewOf(admission, deps.account, deps.ownName.get().name, { peers: peers.get(), seen }));
  };
  follow(admission.state, update);
  admission.tokens.own.subscribe(update);
  deps.ownName.subscribe(update);
  // Round trips change all the time; who is here seldom.
  let present = '';
  peers.subscribe((views) => {
    const now = views.map(({ status }) => `${status.peer}${status.name}`).join();
    if (now === present) return;
    present = now;
    update();
  });
  return view;
};

const viewOf = (
  admission: Admission,
  account: AccountId,
  ownName: string,
  { peers, seen }: { readonly peers: readonly PeerView[]; readonly seen: Names },
): PrivateSwarmView => {
  const { standing, log } = admission.state.get();
  const acts = [...log.acts.values()].sort((a, b) => b.lamport - a.lamport || (a.id < b.id ? 1 : -1));
  const calledInActs = namesInActs(acts);
  const person = (who: AccountId): SwarmPerson => ({
    account: who,
    name: who === account ? ownName : (seen.get(who) ?? calledInActs.get(who)),
    own: who === account,
    founder: who === standing.founder,
  });
  const rolesOf = (who: AccountId): readonly SwarmRole[] => [
    ...(who === standing.founder ? (['founder'] as const) : []),
    ...(standing.roles.get(who) ?? []),
  ];
  const present = new Set([account, ...peers.map(({ status }) => status.account)]);
  const known = new Set([standing.founder, ...standing.roles.keys(), ...present]);
  const own = standing.removed.get(account);
  return {
    founder: person(standing.founder),
    ownRoles: rolesOf(account),
    provenUntil: Math.max(
      0,
      ...[...admission.tokens.own.get().values()].map(({ capability }) => capability.expiresAt),
    ),
    mayRename: admission.whyNot({ t: 'rename', name: 'x' }) === undefined,
    members: [...known]
      .filter((who) => !standing.removed.has(who))
      .map(
        (who): SwarmMember => ({
          who: person(who),
          roles: rolesOf(who),
          here: present.has(who),
          powers: powersOver(admission, who, rolesOf(who)),
        }),
      ),
    removed: [...standing.removed].map(([who, { by, reason, at }]) => ({
      who: person(who),
      by: person(by),
      reason,
      at,
      mayReturn: admission.whyNot({ t: 'readmit', account: who }) === undefined,
    })),
    ownRemoval: own && { by: person(own.by), reason: own.reason, at: own.at },
    acts: acts.map(
      (act): SwarmAct => ({
        id: act.id,
        at: act.at,
        by: person(act.author.account),
        deed: act.deed,
        about: act.deed.t === 'rename' ? undefined : person(act.deed.account),
        whyVoid: standing.voided.get(act.id)?.message,
      }),
    ),
    chains: new Set(acts.map(({ author }) => author.device)).size,
    forks: standing.forks.map(({ account: who, device, seq }) => ({ who: person(who), device, seq })),
  };
};

/** What whoever acted on them has called them: acts come newest first. */
const namesInActs = (acts: readonly Act[]): Names => {
  const names = new Map<AccountId, string>();
  for (const { deed } of acts)
    if (deed.t !== 'rename' && deed.called !== undefined && !names.has(deed.account))
      names.set(deed.account, deed.called);
  return names;
};

const powersOver = (admission: Admission, account: AccountId, roles: readonly SwarmRole[]): SwarmPowers => ({
  remove: admission.whyNot({ t: 'remove', account, reason: 'x' }) === undefined,
  grant: grantable.filter(
    (role) => !roles.includes(role) && admission.whyNot({ t: 'grant', account, role }) === undefined,
  ),
  withdraw: grantable.filter(
    (role) => roles.includes(role) && admission.whyNot({ t: 'withdraw', account, role }) === undefined,
  ),
});
