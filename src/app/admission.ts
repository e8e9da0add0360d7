import type { AdmissionDeps } from '../admission/index.ts';
import type { AccountId } from '../core/brand.ts';
import { createStore, type Store, type WritableStore } from '../core/events.ts';
import { err, type Fault } from '../core/result.ts';
import type { Room } from '../identity/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import type { Network } from './network.ts';
import type { Commands, PeerView, PrivateSwarmView, RoomView } from './readModels.ts';

/** One administrative act, told to the whole swarm at once. */
export const admissionTopics = { admission: { critical: true, maxBytes: 2 * 1024 } } as const;

export type OrderDeps<About> = Omit<AdmissionDeps, 'store' | 'channel' | 'overlay' | 'rpc' | 'now'> & {
  readonly store: KeyValueStore;
  readonly network: Network<About>;
};

export type SwarmDeps = {
  readonly ownName: Store<{ readonly name: string }>;
  readonly peers: Store<readonly PeerView[]>;
  readonly room: WritableStore<RoomView>;
};

/** Who decides in a private swarm, and whom it has sent away. */
export interface Order {
  /** Why somebody's record is not believed: his account was removed. */
  refuses(account: AccountId): Fault | undefined;
  show(deps: SwarmDeps): Swarm;
}

/** What the page sees of the swarm and can do in it. */
export interface Swarm {
  readonly view: Store<PrivateSwarmView | undefined>;
  readonly administer: Commands['administer'];
  /** Whether this tab has left because its account was removed: a reload asks again. */
  hasLeft(): boolean;
}

/**
 * The order of a private swarm; undefined in an open room, where all are equal and none of the code for it is even loaded. To
 * be opened before the network is: who was removed must not be linked for want of knowing it.
 */
export const openOrder = async <About>(
  deps: OrderDeps<About>,
  { id, founder }: Room,
): Promise<Order | undefined> => {
  if (founder === undefined) return undefined;
  const { openPrivateSwarm } = await import('./privateSwarm.ts');
  return openPrivateSwarm(deps, { id, founder });
};

export const openRoom: Swarm = {
  view: createStore(undefined),
  administer: async () =>
    err('This is an open room: all in it are equal. Found a private swarm to decide who takes part.'),
  hasLeft: () => false,
};
