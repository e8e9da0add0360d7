import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { silentTelemetry } from '../core/ports/telemetry.ts';
import { certifyDevice, certifyNode, verifyCredentials } from './certificates.ts';
import { accountIdOf, deviceIdOf, peerIdOf, roomIdOf } from './ids.ts';
import { openIdentity, type StoredIdentity } from './keeper.ts';
import { formatRecoveryKey, parseRecoveryKey } from './recoveryKey.ts';
import { createRoom, formatRoomLink, foundSwarm, parseRoomLink } from './roomLink.ts';
import { createNodeCryptoForTests, createTestIdentityDeps } from './testDoubles.ts';

const crypto = createNodeCryptoForTests();

const makeCredentials = async () => {
  const recovery = await crypto.generateSigningKey();
  const device = await crypto.generateSigningKey();
  const node = await crypto.generateSigningKey();
  return {
    device: await certifyDevice(recovery, device.publicKey, 1),
    node: await certifyNode(device, node.publicKey, 2),
  };
};

describe('credentials', () => {
  it('lead from the account to the tab', async () => {
    expect(await verifyCredentials(await makeCredentials(), crypto)).toMatchObject({ ok: true });
  });

  it('of two devices do not mix', async () => {
    const [mine, other] = [await makeCredentials(), await makeCredentials()];
    const mixed = await verifyCredentials({ device: mine.device, node: other.node }, crypto);
    expect(mixed).toMatchObject({ ok: false, error: { code: 'credentials' } });
  });

  it.each(['device', 'node'] as const)(
    'with one changed bit in the %s signature are refused',
    async (part) => {
      const credentials = await makeCredentials();
      credentials[part].signature[5]! ^= 1;
      expect((await verifyCredentials(credentials, crypto)).ok).toBe(false);
    },
  );

  it.each([[null], [{}], [{ device: 1, node: 2 }], ['text']])(
    'that are garbage (%j) are refused',
    async (garbage) => {
      expect((await verifyCredentials(garbage, crypto)).ok).toBe(false);
    },
  );
});

describe('identity keeper', () => {
  it('keeps account and device over a reload, and gives every tab its own node', async () => {
    const deps = createTestIdentityDeps(crypto);
    const first = await openIdentity(deps);
    const second = await openIdentity(deps);
    expect(second.identity.account).toBe(first.identity.account);
    expect(second.identity.device).toBe(first.identity.device);
    expect(second.identity.peer).not.toBe(first.identity.peer);
  });

  it('makes one account although two tabs open at once', async () => {
    const deps = createTestIdentityDeps(crypto);
    const [a, b] = await Promise.all([openIdentity(deps), openIdentity(deps)]);
    expect(a.identity.account).toBe(b.identity.account);
  });

  it('shows the recovery key until it is saved, then forgets it', async () => {
    const deps = createTestIdentityDeps(crypto);
    const keeper = await openIdentity(deps);
    expect(keeper.revealRecoveryKey()).toMatch(/^av1-/);
    await keeper.confirmRecoveryKeySaved();
    expect(keeper.revealRecoveryKey()).toBeUndefined();
    expect((await openIdentity(deps)).recoveryKeyPending()).toBe(false);
  });

  it('restores the account on another device', async () => {
    const first = await openIdentity(createTestIdentityDeps(crypto));
    const otherDeps = createTestIdentityDeps(crypto);
    const other = await openIdentity(otherDeps);
    const restored = await other.restoreAccount(first.revealRecoveryKey() ?? '');
    expect(restored.ok).toBe(true);
    const reloaded = await openIdentity(otherDeps);
    expect(reloaded.identity.account).toBe(first.identity.account);
    expect(reloaded.identity.device).not.toBe(first.identity.device);
  });

  it('keeps an account that another tab has restored, whatever this tab confirms', async () => {
    const elsewhere = await openIdentity(createTestIdentityDeps(crypto));
    const deps = createTestIdentityDeps(crypto);
    const [stale, restoring] = [await openIdentity(deps), await openIdentity(deps)];
    await restoring.restoreAccount(elsewhere.revealRecoveryKey() ?? '');
    await stale.confirmRecoveryKeySaved();
    expect((await openIdentity(deps)).identity.account).toBe(elsewhere.identity.account);
  });

  it('works for as long as the tab lives when nothing can be written, and says so', async () => {
    const logged: string[] = [];
    const keeper = await openIdentity({
      ...createTestIdentityDeps(crypto, { full: true }),
      telemetry: { ...silentTelemetry, log: (_level, _component, message) => void logged.push(message) },
    });
    expect(keeper.durable).toBe(false);
    expect(logged).toEqual([expect.stringContaining('no room left')]);
    expect(await verifyCredentials(keeper.identity.credentials, crypto)).toMatchObject({ ok: true });
  });

  it('does not restore an account where a reload would lose it', async () => {
    const first = await openIdentity(createTestIdentityDeps(crypto));
    const key = first.revealRecoveryKey() ?? '';
    for (const device of [{ durable: false }, { full: true }]) {
      const keeper = await openIdentity(createTestIdentityDeps(crypto, device));
      expect(await keeper.restoreAccount(key)).toMatchObject({ ok: false, error: { code: 'storage' } });
    }
  });

  it('makes a new account where the kept one is damaged, and says so', async () => {
    const deps = createTestIdentityDeps(crypto);
    await openIdentity(deps);
    const whole = (await deps.store.read()) as StoredIdentity;
    const foreign = await makeCredentials();
    const brokenKey = { ...whole.deviceKey, sign: () => Promise.reject(new Error('not a key')) };
    for (const kept of [
      { ...whole, certificate: foreign.device },
      { ...whole, deviceKey: brokenKey },
    ]) {
      const logged: string[] = [];
      const keeper = await openIdentity({
        ...createTestIdentityDeps(crypto, { kept }),
        telemetry: { ...silentTelemetry, log: (level) => void logged.push(level) },
      });
      expect(logged).toEqual(['error']);
      expect(keeper.recoveryKeyPending()).toBe(true);
    }
  });
});

describe('recovery key', () => {
  const seed = new Uint8Array(32).map((_, i) => i * 7);

  it('survives being written down in lower case without hyphens', () => {
    const text = formatRecoveryKey(seed).toLowerCase().replaceAll('-', ' ');
    expect(parseRecoveryKey(text)).toEqual({ ok: true, value: seed });
  });

  it('survives a word processor’s dashes and the letters people confuse', () => {
    const text = formatRecoveryKey(seed).replaceAll('-', '–').replaceAll('0', 'O').replaceAll('1', 'l');
    expect(parseRecoveryKey(text.replace('avl', 'av1'))).toEqual({ ok: true, value: seed });
  });

  it('survives, whatever the seed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (any) => {
        expect(parseRecoveryKey(formatRecoveryKey(any))).toEqual({ ok: true, value: new Uint8Array(any) });
      }),
    );
  });

  it.each([
    ['', 'begins with av1'],
    ['av1-ABC', 'characters'],
    [formatRecoveryKey(seed).replace(/.$/, (last) => (last === 'Z' ? 'Y' : 'Z')), 'typing error'],
  ])('says what is wrong with %j', (text, message) => {
    const parsed = parseRecoveryKey(text);
    expect(parsed.ok ? '' : parsed.error.message).toContain(message);
  });
});

describe('ids', () => {
  const key = new Uint8Array(32);

  it('are what every version so far has made of a key', () => {
    // SHA-256 of "aivillage/node/1" and 32 zero bytes, by `openssl dgst`.
    expect(peerIdOf(key)).toBe('GyzRUi3rHPzGHW-hcEWM7Rl-R2bfgSizny4VRJre1No');
  });

  it('of one key in different roles differ', () => {
    const ids = [peerIdOf(key), deviceIdOf(key), accountIdOf(key), roomIdOf(key)];
    expect(new Set<string>(ids).size).toBe(4);
  });
});

describe('a private swarm’s link', () => {
  const random = { bytes: (n: number) => new Uint8Array(n).fill(3), next: () => 0.5 };
  const founder = accountIdOf(new Uint8Array(32));
  const founded = foundSwarm(random, founder);
  const swarm = founded.ok ? founded.value : createRoom(random);

  it('names its founder, and leads back to the swarm', () => {
    const link = formatRoomLink('https://host.example/?x=1', swarm);
    expect(link).toContain(`&founder=${founder}`);
    expect(parseRoomLink(link)).toEqual({ ok: true, value: swarm });
  });

  it('is another room with another founder, and with none', () => {
    const ids = [swarm, foundSwarm(random, accountIdOf(new Uint8Array(32).fill(1))), createRoom(random)].map(
      (room) => ('ok' in room ? room.ok && room.value.id : room.id),
    );
    expect(new Set(ids).size).toBe(3);
  });

  it('is refused with a damaged founder: without one it would lead to another room', () => {
    for (const damaged of ['', 'short', `${founder}A`, `${founder.slice(0, 42)}!`]) {
      const parsed = parseRoomLink(`#room=${swarm.secret}&founder=${damaged}`);
      expect(parsed.ok ? '' : parsed.error.message).toContain('founder');
    }
  });
});

describe('room link', () => {
  const room = createRoom({ bytes: (n) => new Uint8Array(n).fill(3), next: () => 0.5 });

  it('is found again in its link, its fragment and its secret', () => {
    const link = formatRoomLink('https://host.example/?x=1', room);
    for (const text of [link, `#room=${room.secret}`, room.secret]) {
      expect(parseRoomLink(text)).toEqual({ ok: true, value: room });
    }
    expect(link).not.toContain('?x');
  });

  it('does not carry the id that the server sees', () => {
    expect(formatRoomLink('https://host.example/', room)).not.toContain(room.id);
  });

  it.each([['https://host.example/'], ['#room='], ['#room=abc'], ['two words']])('refuses %j', (text) => {
    expect(parseRoomLink(text).ok).toBe(false);
  });
});
