import { describe, expect, it } from 'vitest';
import { certifyDevice, certifyNode, verifyCredentials } from './certificates.ts';
import { openIdentity } from './keeper.ts';
import { formatRecoveryKey, parseRecoveryKey } from './recoveryKey.ts';
import { createRoom, formatRoomLink, parseRoomLink } from './roomLink.ts';
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
});

describe('recovery key', () => {
  const seed = new Uint8Array(32).map((_, i) => i * 7);

  it('survives being written down in lower case without hyphens', () => {
    const text = formatRecoveryKey(seed).toLowerCase().replaceAll('-', ' ');
    expect(parseRecoveryKey(text)).toEqual({ ok: true, value: seed });
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
