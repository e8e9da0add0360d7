import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { concatBytes, utf8 } from '../../core/bytes.ts';
import { type CborValue, decodeCbor, encodeCbor } from '../../core/codec.ts';
import { unwrap } from '../../core/result.ts';
import { peerIdOf } from '../../identity/ids.ts';
import { createHashCrypto, createNodeCryptoForTests } from '../../identity/testDoubles.ts';
import { type BroadcastBody, broadcastLimits, openBroadcast, sealBroadcast, type Topics } from './message.ts';

const crypto = createHashCrypto();
const room = 'r'.repeat(43) as RoomId;
const now = 1_790_000_000_000;
const topics: Topics = {
  news: { critical: false, maxBytes: 100 },
  alarm: { critical: true, maxBytes: broadcastLimits.maxPayloadBytes },
};
const expected = { room, now, topics };
const minute = 60_000;

const createMessage = async (change: Partial<BroadcastBody> = {}, seed = 1) => {
  const signer = await crypto.signingKeyFromSeed(new Uint8Array(32).fill(seed));
  const body: BroadcastBody = {
    v: 1,
    room,
    from: peerIdOf(signer.publicKey),
    topic: 'news',
    at: now - 1_000,
    nonce: new Uint8Array(16),
    payload: utf8('hello'),
    ...change,
  };
  return { body, signer, ...(await sealBroadcast(body, signer)) };
};
/** The same message with one of its outer members changed. */
const altered = (bytes: Uint8Array, change: Record<string, CborValue>) =>
  encodeCbor({ ...(unwrap(decodeCbor(bytes)) as Record<string, CborValue>), ...change });
const withoutVerification = {
  ...crypto,
  verify: () => {
    throw new Error('verified what could be refused for less');
  },
};

describe('a broadcast', () => {
  it('is opened by everybody in the room, as the bytes that came', async () => {
    const { id, bytes, body } = await createMessage();
    expect(await openBroadcast(bytes, { ...expected, id }, crypto)).toEqual({
      ok: true,
      value: {
        id,
        from: body.from,
        topic: 'news',
        at: body.at,
        critical: false,
        payload: body.payload,
        bytes,
      },
    });
  });

  it('is critical if its topic is', async () => {
    const { bytes } = await createMessage({ topic: 'alarm' });
    expect(unwrap(await openBroadcast(bytes, expected, crypto)).critical).toBe(true);
  });

  it('holds with real signatures', async () => {
    const real = createNodeCryptoForTests();
    const signer = await real.generateSigningKey();
    const { body } = await createMessage({ from: peerIdOf(signer.publicKey) });
    const { bytes } = await sealBroadcast(body, signer);
    expect(await openBroadcast(bytes, expected, real)).toMatchObject({ ok: true });
    const forged = altered(bytes, { signature: new Uint8Array(64) });
    expect(await openBroadcast(forged, expected, real)).toMatchObject({ ok: false });
  });

  it('has the id that version 1 gave it', async () => {
    expect((await createMessage()).id).toBe('B-yNPDizCHg1J1gnQC6y8g');
  });

  it('has an id of its own although the words are the same, and one id however it is signed', async () => {
    const first = await createMessage();
    const again = await createMessage({ nonce: new Uint8Array(16).fill(1) });
    expect(again.id).not.toBe(first.id);
    expect((await sealBroadcast(first.body, (await createMessage({}, 2)).signer)).id).toBe(first.id);
  });

  it.each<[string, Partial<BroadcastBody>, string, RegExp]>([
    ['was sent in another room', { room: 's'.repeat(43) as RoomId }, 'broadcast', /another room/],
    ['names another sender', { from: 'p'.repeat(43) as PeerId }, 'broadcast', /not that of the sender/],
    ['has a version of its own', { v: 2 as never }, 'broadcast', /^v:/],
    ['has a topic that is none', { topic: 'No topic' }, 'broadcast', /^topic:/],
    ['has a topic without a name', { topic: '' }, 'broadcast', /^topic:/],
    ['has a short nonce', { nonce: new Uint8Array(15) }, 'broadcast', /^nonce:/],
    ['is dated with a fraction', { at: now + 0.5 }, 'broadcast', /^at:/],
    [
      'says more than any message may',
      { topic: 'alarm', payload: new Uint8Array(32 * 1024 + 1) },
      'broadcast',
      /longer than 32768 bytes/,
    ],
    ['is of an unknown topic', { topic: 'gossip' }, 'topic', /no topic gossip/],
    ['is of a topic that every object has', { topic: 'constructor' }, 'topic', /no topic constructor/],
    ['says more than its topic allows', { payload: new Uint8Array(101) }, 'topic', /101 bytes.*at most 100/],
    ['is old', { at: now - 16 * minute }, 'stale', /16\.0 minutes old, at most 15\.0.*clock/],
    ['is dated ahead', { at: now + 6 * minute }, 'stale', /6\.0 minutes ahead, at most 5\.0.*clock/],
  ])('that %s is refused before its signature is checked', async (_name, change, code, message) => {
    const { bytes } = await createMessage(change);
    expect(await openBroadcast(bytes, expected, withoutVerification)).toMatchObject({
      ok: false,
      error: { code, message: expect.stringMatching(message) },
    });
  });

  it.each([
    ['as old as it may be', -15 * minute],
    ['as far ahead as it may be', 5 * minute],
  ])('that is %s is accepted', async (_name, shift) => {
    const { bytes } = await createMessage({ at: now + shift });
    expect(await openBroadcast(bytes, expected, crypto)).toMatchObject({ ok: true });
  });

  it('of the greatest length is accepted, and fits into a frame', async () => {
    const { bytes } = await createMessage({
      topic: 'alarm',
      payload: new Uint8Array(broadcastLimits.maxPayloadBytes),
    });
    expect(bytes.byteLength).toBeLessThan(broadcastLimits.maxBytes);
    expect(await openBroadcast(bytes, expected, crypto)).toMatchObject({ ok: true });
  });

  it('that came under the name of another is refused, even if this page could not use it', async () => {
    const [{ id }, other] = [await createMessage(), await createMessage({ topic: 'gossip' })];
    expect(await openBroadcast(other.bytes, { ...expected, id }, withoutVerification)).toMatchObject({
      error: { code: 'broadcast', message: `it came as ${id} and is ${other.id}` },
    });
  });

  it('that somebody changed on its way is refused', async () => {
    const { bytes, body, signer } = await createMessage();
    const words = encodeCbor({ ...body, payload: utf8('other') } as unknown as CborValue);
    const underOtherDomain = await signer.sign(
      concatBytes(utf8('aivillage/envelope/1'), encodeCbor(body as unknown as CborValue)),
    );
    for (const forged of [
      altered(bytes, { body: words }),
      altered(bytes, { signature: new Uint8Array(64) }),
      altered(bytes, { signature: underOtherDomain }),
      altered(bytes, { nodeKey: new Uint8Array(32) }),
    ])
      expect(await openBroadcast(forged, expected, crypto)).toMatchObject({ error: { code: 'broadcast' } });
  });

  it('of any bytes is a fault, never an exception', async () => {
    const { bytes } = await createMessage();
    const cut = fc.nat({ max: bytes.length - 1 }).map((length) => bytes.slice(0, length));
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array(), cut), async (garbage) => {
        expect(await openBroadcast(garbage, expected, crypto)).toMatchObject({
          ok: false,
          error: { code: 'broadcast' },
        });
      }),
    );
  });
});
