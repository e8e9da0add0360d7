import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RoomId } from '../src/core/brand.ts';
import { messageRates } from './rates.ts';
import { signalingServerLimits } from './signaling.ts';
import { createHubForTests } from './testDoubles.ts';

const room = 'r'.repeat(43) as RoomId;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('signaling hub', () => {
  it('waits for a hello so long and no longer, and closes by force who does not close', () => {
    const { connect } = createHubForTests();
    const { wire, last } = connect();
    vi.advanceTimersByTime(9_999);
    expect(wire.ends).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(last()).toMatchObject({ t: 'refused', code: 'malformed', message: 'no hello within 10 s' });
    expect(wire.ends).toEqual(['close malformed']);
    vi.advanceTimersByTime(2_000);
    expect(wire.ends).toEqual(['close malformed', 'terminate']);
  });

  it('leaves alone who has joined, and leaves no timer behind who has gone', async () => {
    const { join } = createHubForTests();
    const ana = await join(room);
    vi.advanceTimersByTime(3_600_000);
    expect(ana.wire.ends).toEqual([]);
    ana.session.closed();
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not take a hello that was signed for another connection', async () => {
    const { connect, join } = createHubForTests();
    const ana = await join(room);
    const thief = connect();
    thief.say(ana.hello);
    await vi.advanceTimersByTimeAsync(0);
    expect(thief.last()).toMatchObject({ code: 'signature' });
    expect(ana.wire.ends).toEqual([]);
  });

  it('does not take a hello that was signed for another room', async () => {
    const { crypto, connect, join } = createHubForTests();
    const { hello } = await join(room, await crypto.generateSigningKey());
    const client = connect();
    client.say({ ...hello, room: 's'.repeat(43) as RoomId });
    await vi.advanceTimersByTimeAsync(0);
    expect(client.last()).toMatchObject({ code: 'signature' });
  });

  it('does not let in who closed while the signature was checked', async () => {
    const { hub, crypto, connect, signHello } = createHubForTests();
    const late = connect();
    late.say(await signHello(late.wire, room, await crypto.generateSigningKey()));
    late.session.closed();
    await vi.advanceTimersByTimeAsync(0);
    expect(hub.load()).toEqual({ connections: 0, peers: 0, rooms: 0, elsewhere: 0 });
  });

  it('takes a refused client out of its room at once, though its socket still speaks', async () => {
    const { join } = createHubForTests();
    const [ana, ben] = [await join(room), await join(room)];
    ben.session.receive('text');
    ana.say({ t: 'relay', to: ben.peer, payload: new Uint8Array(1) });
    expect(ana.last()).toEqual({ t: 'gone', peer: ben.peer });
    const heard = ana.wire.messages.length;
    ben.say({ t: 'relay', to: ana.peer, payload: new Uint8Array(1) });
    expect(ana.wire.messages).toHaveLength(heard);
  });

  it('lets a key’s holder replace the connection that the network left behind', async () => {
    const { join } = createHubForTests();
    const [ana, ben] = [await join(room), await join(room)];
    const again = await join(room, ben.signer);
    expect(ben.last()).toMatchObject({ t: 'refused', code: 'duplicate' });
    expect(again.last()).toMatchObject({ t: 'welcome', peers: [ana.peer] });
    ben.session.closed();
    ana.say({ t: 'relay', to: ben.peer, payload: new Uint8Array([7]) });
    expect(again.last()).toMatchObject({ t: 'relay', from: ana.peer, payload: new Uint8Array([7]) });
  });

  it('drops who does not read, and is not there for the others any more', async () => {
    const { join, metrics } = createHubForTests();
    const [ana, ben] = [await join(room), await join(room)];
    ben.wire.buffered = signalingServerLimits.maxBufferedBytes + 1;
    ana.say({ t: 'relay', to: ben.peer, payload: new Uint8Array(1) });
    expect(ben.wire.ends).toEqual(['terminate']);
    ana.say({ t: 'find' });
    expect(ana.last()).toEqual({ t: 'found', peers: [], others: 0 });
    expect(metrics.render()).toContain('aivillage_signaling_dropped_total 1');
  });

  it('answers a flood once a second, and goes on when the client slows down', async () => {
    const { join } = createHubForTests();
    const ana = await join(room);
    for (let n = 0; n < 1_000; n++) ana.say({ t: 'ping', n });
    const refusals = ana.wire.messages.filter((message) => message.t === 'refused');
    expect(refusals).toMatchObject([{ code: 'rate', retryAfterMs: expect.any(Number) }]);
    expect(ana.wire.ends).toEqual([]);
    vi.advanceTimersByTime(1_000);
    ana.say({ t: 'ping', n: 7 });
    expect(ana.last()).toEqual({ t: 'pong', n: 7 });
  });

  it('drops a client that goes on flooding', async () => {
    const { join } = createHubForTests();
    const ana = await join(room);
    for (let n = 0; n < 2_000; n++) ana.say({ t: 'ping', n });
    expect(ana.wire.ends).toEqual(['terminate']);
  });

  it('counts large messages for what they weigh', async () => {
    const { join } = createHubForTests();
    const [ana, ben] = [await join(room), await join(room)];
    for (let n = 0; n < 40; n++) ana.say({ t: 'relay', to: ben.peer, payload: new Uint8Array(60_000) });
    const arrived = ben.wire.messages.filter(({ t }) => t === 'relay');
    expect(arrived.length).toBeGreaterThan(20);
    expect(arrived.length).toBeLessThan(30);
  });

  it('shares an address’s budget among all who come from it', async () => {
    const { join } = createHubForTests({ maxPeersPerRoom: 100 });
    const crowd = await Promise.all(Array.from({ length: 55 }, () => join(room)));
    for (const peer of crowd) for (let n = 0; n < 380; n++) peer.say({ t: 'ping', n });
    const elsewhere = await join(room, undefined, '192.0.2.9');
    expect(crowd.at(-1)?.wire.messages.some((message) => message.t === 'refused')).toBe(true);
    elsewhere.say({ t: 'ping', n: 1 });
    expect(elsewhere.last()).toEqual({ t: 'pong', n: 1 });
  });

  it('hands out the STUN and TURN servers it was given', async () => {
    const ice = [{ urls: ['turn:turn.example:3478'], username: 'u', credential: 'c' }];
    const ana = await createHubForTests({ iceFor: () => ice }).join(room);
    expect(ana.last()).toMatchObject({ t: 'welcome', ice });
  });

  it('asks all to come back later when it drains, each once', async () => {
    const { hub, connect, join } = createHubForTests();
    const [ana, unknown] = [await join(room), connect()];
    hub.drain(2_000);
    for (const { wire, last } of [ana, unknown]) {
      expect(last()).toMatchObject({ t: 'refused', code: 'draining', retryAfterMs: 2_000 });
      expect(wire.ends).toEqual(['close draining']);
    }
    expect(hub.load().rooms).toBe(0);
  });

  it('names to each of a thousand eight others, and how many there are', async () => {
    const { join } = createHubForTests({ maxPeersPerRoom: 1_000 });
    const crowd: Awaited<ReturnType<typeof join>>[] = [];
    for (let i = 0; i < 1_000; i++) crowd.push(await join(room, undefined, `192.0.2.${i % 250}`));
    const peers = new Set(crowd.map(({ peer }) => peer));
    expect(peers.size).toBe(1_000);
    expect(crowd.at(-1)?.last()).toMatchObject({ t: 'welcome', others: 999 });
    const namesEightOthers = (tab: (typeof crowd)[number]) => {
      tab.say({ t: 'find' });
      const found = tab.last();
      if (found?.t !== 'found' || found.others !== 999) return false;
      const others = found.peers.filter((peer) => peers.has(peer) && peer !== tab.peer);
      return found.peers.length === 8 && new Set(others).size === 8;
    };
    expect(crowd.filter((tab) => !namesEightOthers(tab)).map(({ peer }) => peer)).toEqual([]);
  }, 30_000); // a busy machine needs its time for a thousand

  it('tells nobody of those who come and go, but who writes to one that left', async () => {
    const { join, metrics } = createHubForTests();
    const [ana, ben] = [await join(room), await join(room)];
    ben.session.closed();
    expect(ana.wire.messages.map(({ t }) => t)).toEqual(['challenge', 'welcome']);
    ana.say({ t: 'relay', to: ben.peer, payload: new Uint8Array(1) });
    expect(ana.last()).toEqual({ t: 'gone', peer: ben.peer });
    expect(ana.wire.ends).toEqual([]);
    expect(metrics.render()).toContain('aivillage_signaling_gone_total 1');
  });

  it('looks for others no faster than it does anything else', async () => {
    const { join } = createHubForTests();
    const ana = await join(room);
    for (let n = 0; n < 1_000; n++) ana.say({ t: 'find' });
    const found = ana.wire.messages.filter(({ t }) => t === 'found');
    expect(found).toHaveLength(messageRates.peer.capacity);
    expect(ana.last()).toMatchObject({ t: 'refused', code: 'rate' });
    expect(ana.wire.ends).toEqual([]);
  });

  it('refuses a full room in words, and lets in who was in it', async () => {
    const { join } = createHubForTests({ maxPeersPerRoom: 2 });
    const [ana] = [await join(room), await join(room)];
    expect((await join(room)).last()).toMatchObject({
      t: 'refused',
      code: 'room-full',
      message: 'this room has its 2 tabs: close one or open another room',
    });
    expect((await join(room, ana.signer)).last()).toMatchObject({ t: 'welcome', others: 1 });
  });

  it('keeps no more of ten thousand joins from one address than the room takes, and tells the others why', async () => {
    const { hub, join } = createHubForTests({ maxPeersPerRoom: 200, maxClients: 10_000 });
    const refusals = new Set<string>();
    for (let i = 0; i < 10_000; i++) {
      const { session, last } = await join(room);
      const answer = last();
      if (answer?.t !== 'refused') continue;
      refusals.add(answer.message);
      session.closed();
    }
    expect(hub.load()).toEqual({ connections: 200, peers: 200, rooms: 1, elsewhere: 0 });
    expect([...refusals]).toEqual(['this room has its 200 tabs: close one or open another room']);
  }, 60_000);

  it('tells its clock, and to whom it relays of which network the sender is', async () => {
    vi.setSystemTime(1_700_000_000_000);
    const { join } = createHubForTests();
    const ana = await join(room, undefined, '203.0.113.7');
    expect(ana.last()).toMatchObject({ t: 'welcome', now: 1_700_000_000_000 });
    const [near, far, home] = [
      await join(room, undefined, '203.0.200.1'),
      await join(room, undefined, '198.51.100.1'),
      await join(room, undefined, '192.168.1.4'),
    ];
    const networkOf = (sender: typeof ana) => {
      sender.say({ t: 'relay', to: ana.peer, payload: new Uint8Array(1) });
      const relayed = ana.last();
      return relayed?.t === 'relay' ? relayed.network : 'no relay';
    };
    expect(networkOf(near)).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(networkOf(far)).not.toBe(networkOf(near));
    expect(networkOf(home)).toBeUndefined();
  });

  it('does not look for somebody who has not joined', () => {
    const client = createHubForTests().connect();
    client.say({ t: 'find' });
    expect(client.last()).toMatchObject({ t: 'refused', code: 'malformed', message: 'say hello first' });
  });
});
