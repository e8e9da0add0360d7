import type { Bytes } from '../core/bytes.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort, SigningKey } from '../core/ports/crypto.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Random } from '../core/ports/random.ts';
import { err, type Fault, ok, type Result } from '../core/result.ts';
import { certifyDevice, certifyNode, verifyCredentials } from './certificates.ts';
import { formatRecoveryKey, parseRecoveryKey } from './recoveryKey.ts';
import type { DeviceCertificate, LocalIdentity } from './types.ts';

/** What a browser profile keeps of its identity. The device key is a handle: its private half can't be read. */
export type StoredIdentity = {
  readonly deviceKey: SigningKey;
  readonly certificate: DeviceCertificate;
  /** Present until the person has saved it. */
  readonly recoverySeed: Bytes | undefined;
};

export interface IdentityStore {
  read(): Promise<StoredIdentity | undefined>;
  /** A key that this store can keep: in a browser a handle that can't be exported. */
  generateDeviceKey(): Promise<SigningKey>;
  write(identity: StoredIdentity): Promise<void>;
  /** Whether what is written outlives the tab; false in a private window. */
  readonly durable: boolean;
}

export interface IdentityKeeper {
  readonly identity: LocalIdentity;
  readonly durable: boolean;
  recoveryKeyPending(): boolean;
  /** The key as text, until `confirmRecoveryKeySaved`; undefined afterwards. */
  revealRecoveryKey(): string | undefined;
  confirmRecoveryKeySaved(): Promise<void>;
  /** Makes this device part of the account that the key belongs to. Tabs see it after a reload. */
  restoreAccount(recoveryKey: string): Promise<Result<void, Fault<'recovery-key'>>>;
}

/**
 * Opens this device's identity, or makes one on the first visit, and certifies a fresh session key for this tab: a
 * duplicated tab copies storage and page state, so a key kept anywhere but in memory would make two nodes one.
 * Doesn't know where keys are stored, nor the network.
 */
export const openIdentity = async (deps: {
  readonly store: IdentityStore;
  readonly crypto: CryptoPort;
  readonly locks: Locks;
  readonly clock: Clock;
  readonly random: Random;
}): Promise<IdentityKeeper> => {
  const { store, crypto, clock } = deps;
  let stored = await openDevice(deps);
  const nodeSigner = await crypto.generateSigningKey();
  const credentials = {
    device: stored.certificate,
    node: await certifyNode(stored.deviceKey, nodeSigner.publicKey, clock.now()),
  };
  const verified = await verifyCredentials(credentials, crypto);
  if (!verified.ok) throw new Error(`this device's own credentials do not verify: ${verified.error.message}`);

  const write = async (next: StoredIdentity) => {
    await store.write(next);
    stored = next;
  };
  return {
    identity: { ...verified.value, credentials, deviceSigner: stored.deviceKey, nodeSigner },
    durable: store.durable,
    recoveryKeyPending: () => stored.recoverySeed !== undefined,
    revealRecoveryKey: () => stored.recoverySeed && formatRecoveryKey(stored.recoverySeed),
    confirmRecoveryKeySaved: () => write({ ...stored, recoverySeed: undefined }),
    async restoreAccount(text) {
      const seed = parseRecoveryKey(text);
      if (!seed.ok) return err(seed.error);
      const recovery = await crypto.signingKeyFromSeed(seed.value);
      const certificate = await certifyDevice(recovery, stored.deviceKey.publicKey, clock.now());
      await write({ ...stored, certificate, recoverySeed: undefined });
      return ok(undefined);
    },
  };
};

/** Two tabs of a first visit must not make two accounts, so one of them waits for the other. */
const openDevice = async (deps: Parameters<typeof openIdentity>[0]): Promise<StoredIdentity> => {
  const release = await deps.locks.acquire('aivillage/identity');
  try {
    const known = await deps.store.read();
    if (known && (await isSound(known, deps.crypto))) return known;
    const created = await createDevice(deps);
    await deps.store.write(created);
    return created;
  } finally {
    release();
  }
};

const createDevice = async ({
  store,
  crypto,
  random,
  clock,
}: Parameters<typeof openIdentity>[0]): Promise<StoredIdentity> => {
  const recoverySeed = random.bytes(32);
  const recovery = await crypto.signingKeyFromSeed(recoverySeed);
  const deviceKey = await store.generateDeviceKey();
  return {
    deviceKey,
    certificate: await certifyDevice(recovery, deviceKey.publicKey, clock.now()),
    recoverySeed,
  };
};

/** A half-written or foreign record would make every peer refuse this tab; better a new account, said in the log. */
const isSound = async ({ deviceKey, certificate }: StoredIdentity, crypto: CryptoPort): Promise<boolean> => {
  const probe = await crypto.generateSigningKey();
  const node = await certifyNode(deviceKey, probe.publicKey, 0);
  return (await verifyCredentials({ device: certificate, node }, crypto)).ok;
};
