import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { type Bytes, concatBytes, toBase64url } from '../../core/bytes.ts';
import { createHashSealing } from '../../identity/testDoubles.ts';
import type { RawChannel, RtcSession } from '../ports.ts';
import { createManualTime, createSignalingHub, settle } from '../testDoubles.ts';
import { createCarriedConnector } from './carried.ts';
import { carriedLimits } from './carriedChannel.ts';

const room = 'r'.repeat(43) as RoomId;
const [ana, ben] = ['a'.repeat(43) as PeerId, 'b'.repeat(43) as PeerId];
const session = toBase64url(new Uint8Array(16).fill(5));
const patterned = (length: number, seed: number): Bytes =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 256);

/** Two tabs, the server between them in the test's hands, and envelopes that arrive at once. */
const createPair = async (options: { tamper?: (payload: Bytes, from: PeerId) => Bytes[] } = {}) => {
  const time = createManualTime();
  const hub = createSignalingHub({ carries: 1 });
  const carried: { from: PeerId; payload: Bytes }[] = [];
  const state = { unsent: 0, away: false };
  const open = (self: PeerId, other: PeerId, initiator: boolean) => {
    const client = hub.clientOf(self);
    client.start();
    const connector = createCarriedConnector(
      {
        sealing: createHashSealing(),
        timers: time.timers,
        signaling: {
          events: client.events,
          unsentBytes: () => state.unsent,
          carry(to, payload) {
            if (state.away) return false;
            carried.push({ from: self, payload });
            for (const one of options.tamper?.(payload, self) ?? [payload]) client.carry(to, one);
            return true;
          },
        },
      },
      { room, self },
    );
    const rtc = connector.connect({ initiator, peer: other, session });
    const channels: RawChannel[] = [];
    const failures: string[] = [];
    rtc.opened((channel) => channels.push(channel));
    rtc.failed(({ message }) => failures.push(message));
    return { connector, rtc, client, channels, failures };
  };
  const [one, other] = [open(ana, ben, true), open(ben, ana, false)];
  const pass = (from: RtcSession, to: RtcSession) => from.signals((signal) => to.accept(signal));
  pass(one.rtc, other.rtc);
  pass(other.rtc, one.rtc);
  await settle();
  return { time, hub, carried, state, one, other };
};
const heardBy = (channel: RawChannel | undefined) => {
  const frames: Bytes[] = [];
  channel?.frames((frame) => frames.push(frame));
  return frames;
};

describe('a link through the server', () => {
  it('opens on both sides and carries frames in order, both ways', async () => {
    const { one, other } = await createPair();
    const heard = [heardBy(other.channels[0]), heardBy(one.channels[0])];
    const sent = Array.from({ length: 20 }, (_, i) => patterned(i * 100, i));
    for (const frame of sent) {
      one.channels[0]?.send(frame);
      other.channels[0]?.send(frame);
    }
    await settle();
    expect(heard).toEqual([sent, sent]);
  });

  it('tells the server nothing of what it carries', async () => {
    const { one, carried } = await createPair();
    const secret = patterned(64, 3);
    one.channels[0]?.send(secret);
    await settle();
    const { payload } = carried.at(-1)!;
    // The double seals without hiding; that real AES hides is the contract suite's to show. Here: nothing beside it.
    expect(payload.byteLength).toBe(16 + 4 + 1 + secret.byteLength + 16);
  });

  it('has at most a window under way, and goes on as the other side reads', async () => {
    const { one, other, carried } = await createPair();
    const channel = one.channels[0]!;
    const frames = heardBy(other.channels[0]);
    let low = 0;
    channel.low(() => low++);
    const big = patterned(16 * 1024, 1);
    for (let i = 0; i < 64; i++) channel.send(big);
    const before = carried.filter(({ from }) => from === ana).length;
    expect(before).toBeLessThanOrEqual(carriedLimits.windowBytes / big.byteLength);
    expect(channel.bufferedAmount()).toBe(64 * big.byteLength - carriedLimits.windowBytes);
    for (let i = 0; i < 20; i++) await settle();
    expect(frames).toHaveLength(64);
    expect(low).toBeGreaterThan(0);
    expect(channel.bufferedAmount()).toBe(0);
  });

  it('waits while the connection to the server is full', async () => {
    const { one, other, state, time } = await createPair();
    const frames = heardBy(other.channels[0]);
    state.unsent = carriedLimits.maxUnsentBytes + 1;
    one.channels[0]?.send(patterned(10, 1));
    await time.advance(100);
    expect(frames).toEqual([]);
    state.unsent = 0;
    await time.advance(100);
    expect(frames).toHaveLength(1);
  });

  it('says its last words before it closes', async () => {
    const { one, other } = await createPair();
    const frames = heardBy(other.channels[0]);
    const closed: string[] = [];
    other.channels[0]?.closed((reason) => closed.push(reason));
    one.channels[0]?.send(patterned(10, 1));
    one.channels[0]?.close();
    await settle();
    expect(frames).toHaveLength(1);
    expect(closed).toEqual(['the other side closed']);
    expect(() => one.channels[0]?.send(patterned(1, 1))).toThrow('closed');
  });

  it.each([
    ['changed', (payload: Bytes) => [payload.with(-1, payload.at(-1)! ^ 1)], /changed on its way/],
    ['repeated', (payload: Bytes) => [payload, payload], /frame 0 came instead of 1/],
    [
      'lost',
      (() => {
        let count = 0;
        return (payload: Bytes) => (count++ === 0 ? [] : [payload]);
      })(),
      /frame 1 came instead of 0/,
    ],
    ['cut short', (payload: Bytes) => [payload.slice(0, 18)], /came instead of/],
  ])('ends when a frame is %s', async (_name, tamper, reason) => {
    const { one, other } = await createPair({
      tamper: (payload, from) => (from === ana ? (tamper(payload) as Bytes[]) : [payload]),
    });
    heardBy(other.channels[0]);
    const closed: string[] = [];
    other.channels[0]?.closed((why) => closed.push(why));
    one.channels[0]?.send(patterned(10, 1));
    one.channels[0]?.send(patterned(10, 2));
    await settle();
    expect(closed).toEqual([expect.stringMatching(reason)]);
  });

  it('takes no frame of another session', async () => {
    const { other, hub } = await createPair();
    const frames = heardBy(other.channels[0]);
    hub.clientOf(ana).carry(ben, concatBytes(new Uint8Array(16), new Uint8Array(60)));
    await settle();
    expect(frames).toEqual([]);
    expect(other.failures).toEqual([]);
  });

  it('ends with the connection to the server', async () => {
    const { one, client } = await createPair().then((pair) => ({ ...pair, client: pair.one.client }));
    client.start(); // welcomed anew
    expect(one.failures).toEqual(['the way through the server was lost']);
  });

  it('ends when there is no server, and when the other has left the room', async () => {
    const away = await createPair();
    away.state.away = true;
    away.one.channels[0]?.send(patterned(1, 1));
    await settle();
    expect(away.one.failures).toEqual(['there is no server to go through now']);
    const gone = await createPair();
    gone.hub.leave(ben);
    gone.one.channels[0]?.send(patterned(1, 1));
    await settle();
    expect(gone.one.failures).toEqual(['it is not in the room any more']);
  });

  it('refuses a key that is none', async () => {
    const { other } = await createPair();
    const rtc = other.connector.connect({ initiator: true, peer: ana, session: 'A'.repeat(22) });
    const failures: string[] = [];
    rtc.failed(({ message }) => failures.push(message));
    rtc.accept({ kind: 'carried-answer', key: new Uint8Array(5) });
    await settle();
    expect(failures).toEqual(['the other tab sent a key that is none']);
  });
});
