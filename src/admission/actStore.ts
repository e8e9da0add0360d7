import type { RoomId } from '../core/brand.ts';
import type { Bytes } from '../core/bytes.ts';
import type { ActId } from './protocol.ts';

/**
 * Where a device keeps the acts of its swarms. `put` resolves when the disk has it and rejects when it could not be kept: an
 * own act that were lost and made again would fork this device's chain. What it lists is checked by the reader.
 */
export interface ActStore {
  put(swarm: RoomId, id: ActId, bytes: Bytes): Promise<void>;
  list(swarm: RoomId): Promise<readonly unknown[]>;
}

export const createMemoryActStore = (): ActStore => {
  const bytesByKey = new Map<string, Bytes>();
  return {
    async put(swarm, id, bytes) {
      bytesByKey.set(`${swarm}/${id}`, bytes);
    },
    list: async (swarm) =>
      [...bytesByKey].filter(([key]) => key.startsWith(`${swarm}/`)).map(([, bytes]) => bytes),
  };
};
