import { type Bytes, equalBytes } from '../core/bytes.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort, SigningKey } from '../core/ports/crypto.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Random } from '../core/ports/random.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
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
  /** Whether this identity outlives the tab: false in a private window, and where the store took nothing. */
  readonly durable: boolean;
  recoveryKeyPending(): boolean;
  /** The key as text, until `confirmRecoveryKeySaved`; undefined afterwards. */
  revealRecoveryKey(): string | undefined;
  confirmRecoveryKeySaved(): Promise<void>;
  /** Makes this device part of the account that the key belongs to. Tabs see it after a reload. */
  restoreAccount(recoveryKey: string): Promise<Result<void, Fault<'recovery-key' | 'storage'>>>;
}

export type IdentityDeps = {
  readonly store: IdentityStore;
  readonly crypto: CryptoPort;
  readonly locks: Locks;
  readonly clock: Clock;
  readonly random: Random;
  readonly telemetry: Telemetry;
};

/**
 * Opens this device's identity, or makes one on the first visit, and certifies a fresh session key for this tab: a
 * duplicated tab copies storage and page state, so a key kept anywhere but in memory would make two nodes one.
 * Doesn't know where keys are stored, nor the network.
 */
export const openIdentity = async (deps: IdentityDeps): Promise<IdentityKeeper> => {
  const { store, crypto, clock } = deps;
  const { opened, durable } = await underLock(deps, () => openDevice(deps));
  const nodeSigner = await crypto.generateSigningKey();
  const credentials = {
    device: opened.certificate,
    node: await certifyNode(opened.deviceKey, nodeSigner.publicKey, clock.now()),
  };
  const verified = await verifyCredentials(credentials, crypto);
  if (!verified.ok) throw new Error(`this device's own credentials do not verify: ${verified.error.message}`);

  let recoverySeed = opened.recoverySeed;
  /** Of what is stored now: another tab may have changed it since this one was opened. */
  const change = (next: (kept: StoredIdentity) => StoredIdentity): Promise<void> =>
    underLock(deps, async () => store.write(next((await store.read()) ?? opened)));
  const isOwn = (kept: StoredIdentity) =>
    equalBytes(kept.certificate.recoveryKey, opened.certificate.recoveryKey);

  return {
    identity: { ...verified.value, credentials, deviceSigner: opened.deviceKey, nodeSigner },
    durable,
    recoveryKeyPending: () => recoverySeed !== undefined,
    revealRecoveryKey: () => recoverySeed && formatRecoveryKey(recoverySeed),
    async confirmRecoveryKeySaved() {
      if (durable) await change((kept) => (isOwn(kept) ? { ...kept, recoverySeed: undefined } : kept));
      recoverySeed = undefined;
    },
    async restoreAccount(text) {
      const seed = parseRecoveryKey(text);
      if (!seed.ok) return err(seed.error);
      if (!durable) return err(notKept('nothing outlives this tab'));
      const recovery = await crypto.signingKeyFromSeed(seed.value);
      const certificate = await certifyDevice(recovery, opened.deviceKey.publicKey, clock.now());
      try {
        await change(() => ({ deviceKey: opened.deviceKey, certificate, recoverySeed: undefined }));
      } catch (cause) {
        return err(notKept(messageOf(cause)));
      }
      recoverySeed = undefined;
      return ok(undefined);
    },
  };
};

/** Two tabs of a first visit must not make two accounts, so one of them waits for the other. */
const underLock = async <T>({ locks }: Pick<IdentityDeps, 'locks'>, run: () => Promise<T>): Promise<T> => {
  const release = await locks.acquire('aivillage/identity');
  try {
    return await run();
  } finally {
    release();
  }
};

const openDevice = async (
  deps: IdentityDeps,
): Promise<{ readonly opened: StoredIdentity; readonly durable: boolean }> => {
  const { store, telemetry } = deps;
  try {
    const kept = await store.read();
    if (kept && (await isSound(kept, deps.crypto))) return { opened: kept, durable: store.durable };
    if (kept) telemetry.log('error', 'identity', 'the identity kept here is damaged: a new account is made');
  } catch (cause) {
    // What can't be read must not be replaced either: it may be whole, and readable after a reload.
    telemetry.log('error', 'identity', `the identity kept here can not be read: ${messageOf(cause)}`);
    return { opened: await createDevice(deps), durable: false };
  }
  const opened = await createDevice(deps);
  try {
    await store.write(opened);
    return { opened, durable: store.durable };
  } catch (cause) {
    telemetry.log('error', 'identity', `this account ends with the tab: ${messageOf(cause)}`);
    return { opened, durable: false };
  }
};

const createDevice = async ({ store, crypto, random, clock }: IdentityDeps): Promise<StoredIdentity> => {
  const recoverySeed = random.bytes(32);
  const recovery = await crypto.signingKeyFromSeed(recoverySeed);
  const deviceKey = await store.generateDeviceKey();
  return {
    deviceKey,
    certificate: await certifyDevice(recovery, deviceKey.publicKey, clock.now()),
    recoverySeed,
  };
};

/** Every peer would refuse a tab whose keys and certificate don't belong together. */
const isSound = async ({ deviceKey, certificate }: StoredIdentity, crypto: CryptoPort): Promise<boolean> => {
  const probe = await crypto.generateSigningKey();
  try {
    const node = await certifyNode(deviceKey, probe.publicKey, 0);
    return (await verifyCredentials({ device: certificate, node }, crypto)).ok;
  } catch {
    return false; // the key can't sign
  }
};

const notKept = (why: string) =>
  fault('storage', `The account could not be kept on this device (${why}). Nothing was changed.`);

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
