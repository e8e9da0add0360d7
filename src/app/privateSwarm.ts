import { type Admission, type AdmissionDeps, openAdmission } from '../admission/index.ts';
import { type AccountId, milliseconds, type RoomId } from '../core/brand.ts';
import { follow } from '../core/events.ts';
import { err, fault } from '../core/result.ts';
import { createActStore } from '../platform/browser/actStore.ts';
import type { Order, OrderDeps, Swarm, SwarmDeps } from './admission.ts';
import { createAdmissionView } from './admissionView.ts';
import type { Network } from './network.ts';

/** Somebody who was removed and comes back asks this long whether he was let in again. */
const askFor = milliseconds(60_000);

/** A private swarm's order in this tab. All of it is loaded only where there is one. */
export const openPrivateSwarm = async <About>(
  deps: OrderDeps<About>,
  swarm: { readonly id: RoomId; readonly founder: AccountId },
): Promise<Order> => {
  const { overlay, rpc, broadcast, signaling } = deps.network;
  const admission = await openAdmission(
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
    swarm,
  );
  return {
    refuses: (account) =>
      admission.state.get().standing.removed.has(account)
        ? fault('removed', 'its account was removed from this swarm')
        : undefined,
    show: (more) => showSwarm(admission, { ...deps, ...more }),
  };
};

const showSwarm = <About>(
  admission: Admission,
  deps: Pick<AdmissionDeps, 'timers' | 'identity'> & SwarmDeps & { readonly network: Network<About> },
): Swarm => {
  const { room } = deps;
  const view = createAdmissionView({ ...deps, admission, account: deps.identity.account });
  const wordsOfItsId = room.get().name;
  follow(admission.state, ({ standing }) =>
    room.update((current) => ({ ...current, name: standing.name ?? wordsOfItsId })),
  );
  const onLeft = () =>
    room.update((current) => ({
      ...current,
      connection: { phase: 'refused', reason: 'you were removed from this swarm' },
    }));
  return {
    view,
    hasLeft: watchRemovals({ ...deps, admission, onLeft }),
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
