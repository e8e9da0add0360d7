import type { IdentityStore, StoredIdentity } from '../../identity/keeper.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import { type DeviceKeyHandle, generateDeviceKeyHandle, signingKeyFromHandle } from './crypto.ts';

type StoredRecord = Omit<StoredIdentity, 'deviceKey'> & { readonly deviceKey: DeviceKeyHandle };

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
      const record = await store.get('identity', 'device');
      if (record === undefined) return undefined;
      // Whether keys and certificate belong together is checked by the reader; without handles there is nothing to check.
      if (!isRecord(record)) throw new Error('it was written by another version of this page');
      return { ...record, deviceKey: open(record.deviceKey) };
    },
    async write(identity) {
      const deviceKey = handles.get(identity.deviceKey);
      if (!deviceKey) throw new Error('this device key was not made by this store');
      await store.set('identity', 'device', { ...identity, deviceKey } satisfies StoredRecord, 'strict');
    },
  };
};

const isRecord = (value: unknown): value is StoredRecord => {
  const { deviceKey, certificate, recoverySeed } = value as Partial<StoredRecord>;
  return (
    deviceKey?.privateKey instanceof CryptoKey &&
    deviceKey.publicKey instanceof Uint8Array &&
    typeof certificate === 'object' &&
    certificate !== null &&
    (recoverySeed === undefined || recoverySeed instanceof Uint8Array)
  );
};
