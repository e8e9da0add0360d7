import type { Admission, AdmissionDeps } from '../admission/index.ts';
import type { AccountId } from '../core/brand.ts';
import { milliseconds } from '../core/brand.ts';
import { createStore, follow, type Store, type WritableStore } from '../core/events.ts';
import { err, type Fault, fault } from '../core/result.ts';
import type { Room } from '../identity/index.ts';
import { createActStore } from '../platform/browser/actStore.ts';
import type { KeyValueStore } from '../storage/index.ts';
import { createAdmissionView } from './admissionView.ts';
import type { Network } from './network.ts';
import type { Commands, PeerView, PrivateSwarmView, RoomView } from './readModels.ts';

/** One administrative act, told to the whole swarm at once. */
export const admissionTopics = { admission: { critical: true, maxBytes: 2 * 1024 } } as const;

/** Somebody who was removed and comes back asks this long whether he was let in again. */
const askFor = milliseconds(60_000);

type SwarmDeps<About> = Omit<AdmissionDeps, 'store' | 'channel' | 'overlay' | 'rpc' | 'now'> & {
  readonly store: KeyValueStore;
  readonly network: Network<About>;
};

/**
 * A private swarm's order in this tab; undefined in an open room, where all are equal and none of this is even loaded. To be
 * opened before the network is: who was removed must not be linked for want of knowing it.
 */
export const openSwarm = async <About>(
  deps: SwarmDeps<About>,
  room: Room,
): Promise<Admission | undefined> => {
  const { founder, id } = room;
  if (founder === undefined) return undefined;
  const { openAdmission } = await import('../admission/index.ts');
  const { overlay, rpc, broadcast, signaling } = deps.network;
  return openAdmission(
    {
      ...deps,
      store: createActStore(deps.store),
      overlay,
      rpc,
      now: () => signaling.serverNow(),
      channel: {
        publish: (act) => broadcast.publish('admission', act),
        subscribe: (listener) => broadcast.subscribe('admission', ({ payload }) => listener(payload)),
      },
    },
    { id, founder },
  );
};

export interface Swarm {
  readonly view: Store<PrivateSwarmView | undefined>;
  readonly administer: Commands['administer'];
  /** Whether this tab has left because its account was removed: a reload asks again. */
  hasLeft(): boolean;
}

/** What the page sees of the swarm and can do in it. In an open room there is nothing to see. */
export const createSwarm = <About>(
  deps: Pick<AdmissionDeps, 'timers' | 'identity'> & {
    readonly admission: Admission | undefined;
    readonly network: Network<About>;
    readonly ownName: Store<{ readonly name: string }>;
    readonly peers: Store<readonly PeerView[]>;
    readonly room: WritableStore<RoomView>;
  },
): Swarm => {
  const { admission, identity, room } = deps;
  if (!admission) {
    const openRoom =
      'This is an open room: all in it are equal. Found a private swarm to decide who takes part.';
    return { view: createStore(undefined), administer: async () => err(openRoom), hasLeft: () => false };
  }
  const view = createAdmissionView({ ...deps, admission, account: identity.account });
  const named = room.get().name;
  follow(admission.state, ({ standing }) =>
    room.update((current) => ({ ...current, name: standing.name ?? named })),
  );
  const hasLeft = watchRemovals({
    ...deps,
    admission,
    onLeft: () =>
      room.update((current) => ({
        ...current,
        connection: { phase: 'refused', reason: 'you were removed from this swarm' },
      })),
  });
  return {
    view,
    hasLeft,
    async administer(act) {
      const called =
        act.t === 'rename'
          ? undefined
          : view.get()?.members.find(({ who }) => who.account === act.account)?.who.name;
      const done = await admission.perform(
        act.t === 'rename' || called === undefined ? act : { ...act, called },
      );
      return done.ok ? done : err(done.error.message);
    },
  };
};

/**
 * Carries removals out where the log alone can't: who was removed is no longer listed, and a tab whose own account was
 * removed leaves. One that is opened again stays for a minute, to hear whether it was let back in.
 */
const watchRemovals = <About>(
  deps: Pick<AdmissionDeps, 'timers' | 'identity'> & {
    readonly admission: Admission;
    readonly network: Network<About>;
    readonly onLeft: () => void;
  },
): (() => boolean) => {
  const { admission, network, identity } = deps;
  const { overlay, directory } = network;
  const isRemoved = (account: AccountId) => admission.state.get().standing.removed.has(account);
  let asking = isRemoved(identity.account);
  let left = false;

  const forget = (who: (account: AccountId) => boolean) => {
    for (const record of directory.records.get().values())
      if (who(record.identity.account)) directory.forget(record.identity.peer);
  };
  const leave = () => {
    if (left) return;
    left = true;
    forget(() => true); // or they would be listed until their records expire
    admission.close();
    network.close();
    deps.onLeft();
  };
  const check = () => {
    if (left) return;
    if (!isRemoved(identity.account)) asking = false;
    else if (!asking) return leave();
    forget(isRemoved);
  };
  const stopAsking = () => {
    if (asking && isRemoved(identity.account)) leave();
  };
  admission.state.subscribe(check);
  overlay.changes(({ kind }) => kind === 'down' && stopAsking());
  deps.timers.after(askFor, stopAsking);
  return () => left;
};

/** What a record of somebody who was removed is refused with. */
export const refuseRemoved = (admission: Admission | undefined, account: AccountId): Fault | undefined =>
  admission?.state.get().standing.removed.has(account)
    ? fault('removed', 'its account was removed from this swarm')
    : undefined;
