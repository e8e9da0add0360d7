import type { IdentityStore, StoredIdentity } from '../../identity/keeper.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import { type DeviceKeyHandle, generateDeviceKeyHandle, signingKeyFromHandle } from './crypto.ts';

type Record = Omit<StoredIdentity, 'deviceKey'> & { readonly deviceKey: DeviceKeyHandle };

/**
 * The identity in the device's key-value store. The device key is kept as a handle whose private half can't be read, not
 * even by this page; that is why keys are made here and not by the generic crypto port.
 */
export const createIdentityStore = (store: KeyValueStore): IdentityStore => {
  const handles = new WeakMap<StoredIdentity['deviceKey'], DeviceKeyHandle>();
  const open = (handle: DeviceKeyHandle) => {
    const key = signingKeyFromHandle(handle.privateKey, handle.publicKey);
    handles.set(key, handle);
    return key;
  };
  return {
    durable: store.durable,
    generateDeviceKey: async () => open(await generateDeviceKeyHandle()),
    async read() {
      const record = (await store.get('identity', 'device')) as Record | undefined;
      return record && { ...record, deviceKey: open(record.deviceKey) };
    },
    async write(identity) {
      const deviceKey = handles.get(identity.deviceKey);
      if (!deviceKey) throw new Error('this device key was not made by this store');
      await store.set('identity', 'device', { ...identity, deviceKey } satisfies Record, 'strict');
    },
  };
};
