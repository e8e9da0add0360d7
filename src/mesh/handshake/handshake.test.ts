import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { decodeCbor, encodeCbor } from '../../core/codec.ts';
import { openIdentity } from '../../identity/index.ts';
import { createHashCrypto, createHashSealing, createTestIdentityDeps } from '../../identity/testDoubles.ts';
import { createTestRandom } from '../testDoubles.ts';
import { type EnvelopeBody, openEnvelope, sealEnvelope } from './envelope.ts';
import { fingerprintOfSdp } from './fingerprint.ts';
import { acceptGreeting, encodeGreeting, type OwnGreeting } from './greeting.ts';
import { createRoomSeal, type RoomSeal } from './roomSeal.ts';

const crypto = createHashCrypto();
const openTab = async () => (await openIdentity(createTestIdentityDeps(crypto))).identity;

const fingerprintOf = (hex: string) => Array(32).fill(hex).join(':');
const one = fingerprintOf('A1');
const other = fingerprintOf('B2');
const sdpOf = (...lines: string[]) => ['v=0', 's=-', ...lines, ''].join('\r\n');
const sdpWith = (...fingerprints: string[]) =>
  sdpOf(...fingerprints.map((value) => `a=fingerprint:sha-256 ${value}`));

describe('the fingerprint of a session description', () => {
  it('is the one it names, in capitals', () => {
    expect(fingerprintOfSdp(sdpWith(one.toLowerCase()))).toEqual({ ok: true, value: one });
  });

  it('may be named for each medium, if it is the same', () => {
    expect(fingerprintOfSdp(sdpWith(one, one.toLowerCase()))).toEqual({ ok: true, value: one });
  });

  it.each([
    ['there is none', sdpOf(), /without/],
    ['two differ', sdpWith(one, other), /2 differing/],
    ['another algorithm is used', sdpOf(`a=fingerprint:sha-1 ${one}`), /sha-1/],
    [
      'another algorithm stands beside it',
      sdpOf(`a=fingerprint:sha-256 ${one}`, 'a=fingerprint:md5 AB'),
      /md5/,
    ],
    ['it is too short', sdpWith(one.slice(3)), /not a SHA-256/],
    ['it is followed by something', sdpWith(one, `${other} x`), /malformed/],
    ['it stands over two lines', sdpOf('a=fingerprint:sha-256', one), /malformed/],
    [
      'it is indented',
      sdpOf(`a=fingerprint:sha-256 ${one}`, ` a=fingerprint:sha-256 ${other} `),
      /2 differing/,
    ],
  ])('is refused when %s', (_name, sdp, message) => {
    expect(fingerprintOfSdp(sdp)).toMatchObject({
      ok: false,
      error: { code: 'fingerprint', message: expect.stringMatching(message) },
    });
  });

  it('of anything is a value or a fault, never an exception', () => {
    const line = fc.oneof(
      fc.string(),
      fc.string().map((text) => `a=fingerprint:${text}`),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        expect(typeof fingerprintOfSdp(lines.join('\n')).ok).toBe('boolean');
      }),
    );
  });
});

const room = 'r'.repeat(43) as RoomId;
const session = 's'.repeat(22);
const sealOf = (byte: number, id = room) =>
  createRoomSeal(
    { sealing: createHashSealing(), random: createTestRandom(byte) },
    { room: id, secret: new Uint8Array(16).fill(byte) },
  );
/** To look behind the seal, where only members of the room can be hostile. */
const seal: RoomSeal = {
  seal: async (plaintext) => new Uint8Array(plaintext),
  open: async (sealed) => new Uint8Array(sealed),
};
const opening = { crypto, seal };

const createLetter = async (change: Partial<EnvelopeBody> = {}) => {
  const [ana, ben] = [await openTab(), await openTab()];
  const offer = { kind: 'offer', sdp: sdpWith(one), fingerprint: one } as const;
  const body: EnvelopeBody = { v: 2, room, from: ana.peer, to: ben.peer, session, signal: offer, ...change };
  const expected = { room, from: ana.peer, to: ben.peer };
  return { ana, ben, body, expected, sealed: await sealEnvelope(body, { signer: ana.nodeSigner, seal }) };
};

describe('an envelope', () => {
  it('is opened by the one it is for', async () => {
    const { body, expected, sealed } = await createLetter();
    expect(await openEnvelope(sealed, expected, opening)).toEqual({ ok: true, value: body });
  });

  it.each([
    { kind: 'candidate', candidate: { candidate: 'candidate:1', sdpMid: null, sdpMLineIndex: 0 } } as const,
    { kind: 'carried-offer', key: new Uint8Array(32) } as const,
  ])('carries a $kind', async (signal) => {
    const { expected, sealed } = await createLetter({ signal });
    expect(await openEnvelope(sealed, expected, opening)).toMatchObject({ ok: true, value: { signal } });
  });

  it('is refused in another room, and by another receiver', async () => {
    const { expected, sealed, ana } = await createLetter();
    for (const wrong of [{ room: 'q'.repeat(43) as RoomId }, { to: ana.peer }]) {
      expect(await openEnvelope(sealed, { ...expected, ...wrong }, opening)).toMatchObject({
        error: { message: expect.stringMatching(/another room, sender or receiver/) },
      });
    }
  });

  it('is refused when the server names another sender', async () => {
    const { expected, sealed } = await createLetter();
    const from = 'x'.repeat(43) as PeerId;
    expect(await openEnvelope(sealed, { ...expected, from }, opening)).toMatchObject({
      error: { message: expect.stringMatching(/key is not that of the sender/) },
    });
  });

  it('is refused when its body names another sender than its key', async () => {
    const { expected, sealed } = await createLetter({ from: 'x'.repeat(43) as PeerId });
    expect(await openEnvelope(sealed, expected, opening)).toMatchObject({
      error: { message: expect.stringMatching(/another room, sender or receiver/) },
    });
  });

  it('is refused when its body was exchanged', async () => {
    const { ana, body, expected, sealed } = await createLetter();
    const decoded = decodeCbor(sealed);
    const parts = decoded.ok ? (decoded.value as Record<string, Uint8Array>) : {};
    const forged = encodeCbor({ ...parts, body: encodeCbor({ ...body, session: 't'.repeat(22) }) });
    expect(await openEnvelope(forged, expected, opening)).toMatchObject({
      error: { message: expect.stringMatching(/signature does not hold/) },
    });
    const honest = await sealEnvelope({ ...body, session: 't'.repeat(22) }, { signer: ana.nodeSigner, seal });
    expect((await openEnvelope(honest, expected, opening)).ok).toBe(true);
  });

  it('is refused when the description names another certificate than the signed one', async () => {
    for (const sdp of [sdpWith(other), sdpWith(one, other), sdpOf()]) {
      const { expected, sealed } = await createLetter({ signal: { kind: 'offer', sdp, fingerprint: one } });
      expect((await openEnvelope(sealed, expected, opening)).ok).toBe(false);
    }
  });

  it('of any bytes is a value or a fault, never an exception', async () => {
    const { expected, sealed } = await createLetter();
    const changed = fc
      .tuple(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, by]) => sealed.map((byte, i) => (i === at ? byte ^ by : byte)));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array(), changed), async (bytes) => {
        expect((await openEnvelope(bytes, expected, opening)).ok).toBe(false);
      }),
    );
  });
});

describe('the seal of a room', () => {
  const sealed = async (by: RoomSeal) => {
    const { ana, ben, body } = await createLetter();
    const bytes = await sealEnvelope(body, { signer: ana.nodeSigner, seal: by });
    return { ana, ben, bytes, expected: { room, from: ana.peer, to: ben.peer } };
  };

  it('is opened with the secret of the link', async () => {
    const { bytes, expected } = await sealed(sealOf(1));
    expect((await openEnvelope(bytes, expected, { crypto, seal: sealOf(1) })).ok).toBe(true);
  });

  it('keeps out whoever knows the room and not its secret, and says why', async () => {
    const { bytes, expected } = await sealed(sealOf(2));
    expect(await openEnvelope(bytes, expected, { crypto, seal: sealOf(1) })).toMatchObject({
      error: { code: 'envelope', message: expect.stringMatching(/its sender was not given the link/) },
    });
  });

  it('holds for one sender, one receiver and one room', async () => {
    const { ana, bytes, expected } = await sealed(sealOf(1));
    const open = (wrong: object, by = sealOf(1)) =>
      openEnvelope(bytes, { ...expected, ...wrong }, { crypto, seal: by });
    expect((await open({})).ok).toBe(true);
    expect((await open({ from: 'x'.repeat(43) })).ok).toBe(false);
    expect((await open({ to: ana.peer })).ok).toBe(false);
    expect((await open({}, sealOf(1, 'q'.repeat(43) as RoomId))).ok).toBe(false);
  });

  it('opens nothing that is shorter than a nonce', async () => {
    const { ben, ana } = await createLetter();
    expect(await sealOf(1).open(new Uint8Array(5), { from: ana.peer, to: ben.peer })).toBeUndefined();
  });
});

const greetingOf = (tab: Awaited<ReturnType<typeof openTab>>, protocol = 1): OwnGreeting => ({
  protocol,
  build: `build ${protocol}`,
  credentials: tab.credentials,
});

describe('a greeting', () => {
  it('tells who is behind the link', async () => {
    const [ana, ben] = [await openTab(), await openTab()];
    const expected = { peer: ana.peer, own: greetingOf(ben) };
    expect(await acceptGreeting(encodeGreeting(greetingOf(ana)), expected, crypto)).toMatchObject({
      ok: true,
      value: { peer: ana.peer, account: ana.account, device: ana.device },
    });
  });

  it('of another protocol says which tab must be reloaded', async () => {
    const [ana, ben] = [await openTab(), await openTab()];
    const hear = (theirs: number, ours: number) =>
      acceptGreeting(
        encodeGreeting(greetingOf(ana, theirs)),
        { peer: ana.peer, own: greetingOf(ben, ours) },
        crypto,
      );
    expect(await hear(1, 2)).toMatchObject({
      error: {
        code: 'version',
        message: expect.stringMatching(/protocol 1 \(build 1\), this one 2 .*reload the other tab$/),
      },
    });
    expect(await hear(2, 1)).toMatchObject({
      error: {
        code: 'version',
        message: expect.stringMatching(/protocol 2 \(build 2\), this one 1 .*reload this tab$/),
      },
    });
  });

  it('of another protocol is told so, whatever its credentials look like', async () => {
    const ben = await openTab();
    const bytes = encodeCbor({ t: 'greeting', protocol: 2, build: 'b', credentials: { v: 2 } });
    expect(await acceptGreeting(bytes, { peer: ben.peer, own: greetingOf(ben) }, crypto)).toMatchObject({
      error: { code: 'version' },
    });
  });

  it('with the credentials of another tab is refused', async () => {
    const [ana, ben, eva] = [await openTab(), await openTab(), await openTab()];
    const expected = { peer: eva.peer, own: greetingOf(ben) };
    expect(await acceptGreeting(encodeGreeting(greetingOf(ana)), expected, crypto)).toMatchObject({
      error: { code: 'identity', message: expect.stringMatching(/another tab/) },
    });
  });

  it('with a node key that its device never signed is refused', async () => {
    const [ana, ben] = [await openTab(), await openTab()];
    const stolen = { device: ana.credentials.device, node: ben.credentials.node };
    const bytes = encodeGreeting({ ...greetingOf(ana), credentials: stolen });
    expect(await acceptGreeting(bytes, { peer: ben.peer, own: greetingOf(ben) }, crypto)).toMatchObject({
      error: { code: 'identity' },
    });
  });

  it('of any bytes is a fault, never an exception', async () => {
    const ben = await openTab();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), async (bytes) => {
        expect(await acceptGreeting(bytes, { peer: ben.peer, own: greetingOf(ben) }, crypto)).toMatchObject({
          error: { code: 'misbehaved' },
        });
      }),
    );
  });

  it('over four kilobytes is refused', async () => {
    const ben = await openTab();
    const bytes = encodeCbor({ t: 'greeting', protocol: 1, build: 'b', credentials: 'x'.repeat(5_000) });
    expect(await acceptGreeting(bytes, { peer: ben.peer, own: greetingOf(ben) }, crypto)).toMatchObject({
      error: { code: 'misbehaved' },
    });
  });
});
