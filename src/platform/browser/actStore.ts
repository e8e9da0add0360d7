import type { ActStore } from '../../admission/actStore.ts';
import type { KeyValueStore } from '../../storage/port.ts';

/** Administrative acts in the device's key-value store, by swarm. Strict: an own act that were lost would fork the chain. */
export const createActStore = (store: KeyValueStore): ActStore => ({
  put: (swarm, id, bytes) => store.set('acts', `${swarm}/${id}`, bytes, 'strict'),
  list: async (swarm) => (await store.entries('acts', `${swarm}/`)).map(([, bytes]) => bytes),
});
