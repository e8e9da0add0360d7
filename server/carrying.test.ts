import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RoomId } from '../src/core/brand.ts';
import { encodeSignaling } from '../src/mesh/signaling/protocol.ts';
import { carryLimits, looksCarried } from './carrying.ts';
import { longestHoldMs } from './holds.ts';
import { messageRates } from './rates.ts';
import { signalingServerLimits } from './signaling.ts';
import { createHubForTests } from './testDoubles.ts';

const room = 'r'.repeat(43) as RoomId;
const frame = (bytes: number, number = 0) => new Uint8Array(bytes).fill(number);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Two in a room, and one who carries frames of so many bytes to the other. */
const openPair = async (options: Parameters<typeof createHubForTests>[0] = {}) => {
  const { hub, join, metrics } = createHubForTests(options);
  const [ana, ben] = [await join(room), await join(room)];
  const carry = (bytes: number, number = 0) =>
    ana.say({ t: 'carry', to: ben.peer, payload: frame(bytes, number) });
  const arrived = () => ben.wire.messages.filter((message) => message.t === 'carry');
  return { hub, join, metrics, ana, ben, carry, arrived };
};

describe('carried frames', () => {
  it('arrive whole, in order and from whom they are', async () => {
    const { ana, carry, arrived, metrics } = await openPair();
    for (let n = 0; n < 20; n++) carry(16_000, n);
    expect(arrived().map(({ from }) => from)).toEqual(Array(20).fill(ana.peer));
    const wrong = arrived().filter(({ payload }, n) => !Buffer.alloc(16_000, n).equals(payload));
    expect(wrong).toEqual([]);
    expect(metrics.render()).toContain('aivillage_signaling_carried_total 20');
    expect(metrics.render()).toContain('aivillage_signaling_carried_bytes_total 320000');
  });

  it('are announced in the welcome with their rate', async () => {
    const { ana } = await openPair();
    expect(ana.wire.messages[1]).toMatchObject({ t: 'welcome', carries: 1_048_576 });
  });

  it('use up nothing of the budget for messages', async () => {
    const { ana, carry } = await openPair();
    for (let n = 0; n < 3 * messageRates.peer.capacity; n++) carry(1);
    ana.say({ t: 'ping', n: 7 });
    expect(ana.last()).toEqual({ t: 'pong', n: 7 });
  });

  it('are told to be for nobody if their receiver is not in the room', async () => {
    const { ana, ben, carry } = await openPair();
    ben.session.closed();
    carry(100);
    expect(ana.last()).toEqual({ t: 'gone', peer: ben.peer });
  });

  it('are refused in words by a server that carries nothing', async () => {
    const { ana, carry, arrived } = await openPair({ carry: { bytesPerSecond: 0, totalBytesPerSecond: 1 } });
    expect(ana.wire.messages[1]).toMatchObject({ t: 'welcome', carries: 0 });
    carry(100);
    expect(ana.last()).toMatchObject({ code: 'malformed', message: 'this server carries nothing' });
    expect(arrived()).toEqual([]);
  });

  it('are refused, and close, when they are larger than a frame', async () => {
    const { ana, carry } = await openPair();
    carry(17 * 1024 + 1);
    expect(ana.last()).toMatchObject({ t: 'refused', code: 'malformed' });
    expect(ana.wire.ends).toEqual(['close malformed']);
  });

  it('are not for those who have not proven a key', () => {
    const client = createHubForTests().connect();
    client.say({ t: 'carry', to: 'p'.repeat(43) as never, payload: frame(1) });
    expect(client.last()).toMatchObject({ code: 'malformed', message: 'say hello first' });
  });

  it('are known by their first bytes, as no other message is', () => {
    const to = 'p'.repeat(43) as never;
    expect(looksCarried(encodeSignaling({ t: 'carry', to, payload: frame(9) }))).toBe(true);
    expect(looksCarried(encodeSignaling({ t: 'relay', to, payload: frame(9) }))).toBe(false);
    expect(looksCarried(new Uint8Array(0))).toBe(false);
  });
});

describe('who sends more than is carried', () => {
  const rate = 100_000;
  const slow = { carry: { bytesPerSecond: rate, totalBytesPerSecond: 10 * rate } };

  it('is not read until its budget has recovered; nothing is lost, and nobody is told to slow down', async () => {
    const { hub, ana, carry, arrived } = await openPair(slow);
    let sent = 0;
    for (; !ana.wire.paused; sent++) carry(10_000, sent);
    expect(sent * 10_000).toBeGreaterThan(1.9 * rate);
    carry(10_000, sent++); // had been read before the pause
    expect(hub.held()).toBe(1);
    expect(arrived()).toHaveLength(sent);
    vi.advanceTimersByTime(60);
    expect(ana.wire.paused).toBe(true);
    vi.advanceTimersByTime(200);
    expect(ana.wire.paused).toBe(false);
    expect(hub.held()).toBe(0);
    expect(ana.wire.messages.map(({ t }) => t)).toEqual(['challenge', 'welcome']);
  });

  it('gets its rate over ten seconds, and the burst once', async () => {
    const { ana, carry, arrived } = await openPair(slow);
    for (let ms = 0; ms < 10_000; ms += 20) {
      while (!ana.wire.paused) carry(10_000);
      vi.advanceTimersByTime(20);
    }
    const expected = rate * (10 + carryLimits.burstSeconds);
    const carried = arrived().length * 10_000;
    expect(carried).toBeGreaterThan(0.9 * expected);
    expect(carried).toBeLessThan(1.1 * expected);
  });

  it('pays for small frames, too', async () => {
    const { ana, carry } = await openPair(slow);
    let sent = 0;
    for (; !ana.wire.paused; sent++) carry(1);
    expect(sent).toBeLessThan((carryLimits.burstSeconds * rate) / 1_000);
  });

  it('shares with all others what the process carries', async () => {
    const { join, ana, ben, carry } = await openPair({
      carry: { bytesPerSecond: rate, totalBytesPerSecond: rate },
    });
    while (!ana.wire.paused) carry(10_000);
    const cleo = await join(room);
    cleo.say({ t: 'carry', to: ben.peer, payload: frame(10_000) });
    expect(cleo.wire.paused).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect([ana.wire.paused, cleo.wire.paused]).toEqual([false, false]);
  });

  it('is read again when it is refused, so that its goodbye is seen; and leaves no timer', async () => {
    const { hub, ana, ben, carry } = await openPair(slow);
    while (!ana.wire.paused) carry(10_000);
    ana.session.receive('text');
    expect([ana.wire.paused, hub.held()]).toEqual([false, 0]);
    for (const one of [ana, ben]) one.session.closed();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a receiver that does not read', () => {
  it('makes its senders wait, not lose; they go on when it reads', async () => {
    const { ana, ben, carry, arrived } = await openPair();
    ben.wire.buffered = carryLimits.fullAtBytes + 1;
    carry(1_000);
    expect([ana.wire.paused, arrived().length]).toEqual([true, 1]);
    vi.advanceTimersByTime(1_000);
    expect(ana.wire.paused).toBe(true);
    ben.wire.buffered = 0;
    vi.advanceTimersByTime(20);
    expect(ana.wire.paused).toBe(false);
  });

  it('holds nobody so long that a tab gives up its server, and is dropped by what it costs alone', async () => {
    const { ana, ben, carry } = await openPair();
    ben.wire.buffered = carryLimits.fullAtBytes + 1;
    carry(1_000);
    vi.advanceTimersByTime(longestHoldMs + 20);
    expect([ana.wire.paused, ben.wire.ends]).toEqual([false, []]);
    expect(ana.last()).toEqual({ t: 'pong', n: 0 }); // unasked: its own pings could not be read
    ben.wire.buffered = signalingServerLimits.maxBufferedBytes + 1;
    carry(1_000);
    expect(ben.wire.ends).toEqual(['terminate']);
    expect(ana.wire.paused).toBe(false);
  });

  it('does not keep its senders when it leaves', async () => {
    const { ana, ben, carry } = await openPair();
    ben.wire.buffered = carryLimits.fullAtBytes + 1;
    carry(1_000);
    ben.session.closed();
    vi.advanceTimersByTime(20);
    expect(ana.wire.paused).toBe(false);
  });
});
