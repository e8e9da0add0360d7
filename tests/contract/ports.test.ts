import 'fake-indexeddb/auto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { milliseconds } from '../../src/core/brand.ts';
import { toHex } from '../../src/core/bytes.ts';
import type { CryptoPort } from '../../src/core/ports/crypto.ts';
import { openIdentity } from '../../src/identity/keeper.ts';
import { createNodeCryptoForTests, createTestIdentityDeps } from '../../src/identity/testDoubles.ts';
import { createBrowserClock } from '../../src/platform/browser/clock.ts';
import { createBrowserCrypto, whyNoEd25519 } from '../../src/platform/browser/crypto.ts';
import { createIdentityStore } from '../../src/platform/browser/identityStore.ts';
import { createBrowserRandom } from '../../src/platform/browser/random.ts';
import { openBrowserStore } from '../../src/platform/browser/storage.ts';
import { createBrowserTimers } from '../../src/platform/browser/timers.ts';
import { createMemoryStore } from '../../src/storage/memory.ts';
import type { KeyValueStore } from '../../src/storage/port.ts';

const fromHex = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));

const cryptoPorts: Record<string, CryptoPort> = {
  browser: createBrowserCrypto(),
  'test double': createNodeCryptoForTests(),
};

describe.each(Object.entries(cryptoPorts))('crypto: %s', (_name, port) => {
  // RFC 8032 §7.1, tests 1 and 3.
  it.each([
    [
      '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
      'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
      '',
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
    ],
    [
      'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
      'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
      'af82',
      '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
    ],
  ])('signs as the RFC with seed %s', async (seed, publicKey, message, signature) => {
    const key = await port.signingKeyFromSeed(fromHex(seed));
    expect(toHex(key.publicKey)).toBe(publicKey);
    expect(toHex(await key.sign(fromHex(message)))).toBe(signature);
    expect(await port.verify(key.publicKey, fromHex(message), fromHex(signature))).toBe(true);
  });

  it('refuses a changed message, a changed signature and another key', async () => {
    const [key, other] = [await port.generateSigningKey(), await port.generateSigningKey()];
    const message = new Uint8Array([1, 2, 3]);
    const signature = await key.sign(message);
    expect(await port.verify(key.publicKey, message, signature)).toBe(true);
    expect(await port.verify(key.publicKey, new Uint8Array([1, 2, 4]), signature)).toBe(false);
    expect(await port.verify(key.publicKey, message, signature.with(3, signature[3]! ^ 1))).toBe(false);
    expect(await port.verify(other.publicKey, message, signature)).toBe(false);
  });

  it('hashes', async () => {
    expect(toHex(await port.digest(new TextEncoder().encode('abc')))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    );
  });
});

describe('browser crypto', () => {
  const port = createBrowserCrypto();

  it('calls a stranger’s impossible key or signature false, not an error', async () => {
    expect(await port.verify(new Uint8Array(31), new Uint8Array(1), new Uint8Array(64))).toBe(false);
    expect(await port.verify(new Uint8Array(32).fill(255), new Uint8Array(1), new Uint8Array(64))).toBe(
      false,
    );
    const key = await port.generateSigningKey();
    expect(await port.verify(key.publicKey, new Uint8Array(1), new Uint8Array(3))).toBe(false);
  });

  it('reads messages that lie within a larger buffer', async () => {
    const key = await port.generateSigningKey();
    const inside = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
    expect(await port.verify(key.publicKey, new Uint8Array([1, 2, 3]), await key.sign(inside))).toBe(true);
  });

  it('names the browsers that can, where this one can not', async () => {
    expect(await whyNoEd25519()).toBeUndefined();
    const generate = vi.spyOn(crypto.subtle, 'generateKey').mockRejectedValue(new Error('unknown algorithm'));
    expect(await whyNoEd25519()).toMatch(/Ed25519.*Chrome.*Firefox.*Safari/);
    generate.mockRestore();
  });
});

let databases = 0;
const identityStores: Record<string, () => Promise<KeyValueStore>> = {
  memory: async () => createMemoryStore(),
  IndexedDB: () => openBrowserStore(`identity-${databases++}`, { onGivenWay: () => {} }),
};

describe.each(Object.entries(identityStores))('identity store: %s', (_name, open) => {
  it('gives back a device key that signs and can not be read', async () => {
    const database = await open();
    const deps = { ...createTestIdentityDeps(createBrowserCrypto()), store: createIdentityStore(database) };
    const first = await openIdentity(deps);
    const reloaded = await openIdentity({ ...deps, store: createIdentityStore(database) });
    expect(reloaded.identity.device).toBe(first.identity.device);
    expect(reloaded.identity.account).toBe(first.identity.account);
    expect(reloaded.durable).toBe(database.durable);
    const record = (await database.get('identity', 'device')) as { deviceKey: { privateKey: CryptoKey } };
    expect(record.deviceKey.privateKey.extractable).toBe(false);
  });

  it('does not overwrite a record that it can not read', async () => {
    const database = await open();
    const future = { v: 2, sealed: new Uint8Array([1]) };
    await database.set('identity', 'device', future);
    const deps = { ...createTestIdentityDeps(createBrowserCrypto()), store: createIdentityStore(database) };
    const keeper = await openIdentity(deps);
    expect(keeper.durable).toBe(false);
    expect(await database.get('identity', 'device')).toEqual(future);
  });
});

describe('browser clock', () => {
  it('never goes back', () => {
    const clock = createBrowserClock();
    const readings = Array.from({ length: 1_000 }, () => clock.monotonic());
    expect(readings).toEqual([...readings].sort((a, b) => a - b));
  });
});

describe('browser random', () => {
  it('gives as many bytes as asked, more than one call of the browser gives too', () => {
    const random = createBrowserRandom();
    expect(random.bytes(0)).toHaveLength(0);
    const many = random.bytes(200_000);
    expect(many).toHaveLength(200_000);
    expect(new Set(many.subarray(-1_000)).size).toBeGreaterThan(100);
  });

  it('stays in [0, 1) and moves', () => {
    const random = createBrowserRandom();
    const drawn = Array.from({ length: 1_000 }, () => random.next());
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(new Set(drawn).size).toBeGreaterThan(990);
  });
});

/** The worker of workers/timers.worker.ts, on the timers of this process. */
class TimerWorkerDouble {
  static alive: TimerWorkerDouble[] = [];
  onmessage: ((event: { data: number }) => void) | undefined;
  onerror: (() => void) | undefined;
  private readonly handles = new Map<number, ReturnType<typeof setTimeout>>();
  constructor() {
    TimerWorkerDouble.alive.push(this);
  }
  postMessage(command: { start: { id: number; delay: number; repeat: boolean } } | { stop: number }) {
    if ('stop' in command) return clearTimeout(this.handles.get(command.stop));
    const { id, delay, repeat } = command.start;
    const fire = () => this.onmessage?.({ data: id });
    this.handles.set(id, repeat ? setInterval(fire, delay) : setTimeout(fire, delay));
  }
  die() {
    for (const handle of this.handles.values()) clearTimeout(handle);
    this.onerror?.();
  }
}

describe.each([
  ['in the page', undefined],
  ['in a worker', TimerWorkerDouble],
])('browser timers %s', (_name, worker) => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal('Worker', worker);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
    TimerWorkerDouble.alive = [];
  });

  it('run once after their delay, or every period, until cancelled', () => {
    const timers = createBrowserTimers();
    const heard: string[] = [];
    timers.after(milliseconds(30), () => heard.push('once'));
    const stop = timers.every(milliseconds(20), () => heard.push('again'));
    vi.advanceTimersByTime(45);
    expect(heard).toEqual(['again', 'once', 'again']);
    stop();
    stop();
    vi.advanceTimersByTime(100);
    expect(heard).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('do not run once cancelled', () => {
    const timers = createBrowserTimers();
    let ran = false;
    timers.after(milliseconds(10), () => {
      ran = true;
    })();
    vi.advanceTimersByTime(100);
    expect(ran).toBe(false);
  });

  it('wait for a delay longer than the browser can count', () => {
    const timers = createBrowserTimers();
    let ran = 0;
    timers.after(milliseconds(2 ** 31 + 5_000), () => ran++);
    timers.after(milliseconds(Number.POSITIVE_INFINITY), () => ran++);
    vi.advanceTimersByTime(60_000);
    expect(ran).toBe(0);
  });
});

describe('browser timers whose worker dies', () => {
  it('go on in the page', () => {
    vi.useFakeTimers();
    vi.stubGlobal('Worker', TimerWorkerDouble);
    try {
      const timers = createBrowserTimers();
      const heard: string[] = [];
      const stopBeats = timers.every(milliseconds(10), () => heard.push('beat'));
      timers.after(milliseconds(25), () => heard.push('once'));
      TimerWorkerDouble.alive.at(-1)?.die();
      vi.advanceTimersByTime(35);
      stopBeats();
      timers.after(milliseconds(5), () => heard.push('later'));
      vi.advanceTimersByTime(50);
      expect(heard).toEqual(['beat', 'beat', 'once', 'beat', 'later']);
    } finally {
      vi.useRealTimers();
      vi.unstubAllGlobals();
    }
  });
});
