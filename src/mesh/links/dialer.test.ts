import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { utf8 } from '../../core/bytes.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { fault } from '../../core/result.ts';
import { openIdentity } from '../../identity/index.ts';
import { createHashCrypto, createTestIdentityDeps } from '../../identity/testDoubles.ts';
import {
  createManualTime,
  createRtcHub,
  createSignalingHub,
  createTestRandom,
  settle,
} from '../testDoubles.ts';
import { createDialer, type DialerEvent } from './dialer.ts';

const crypto = createHashCrypto();
const room = 'r'.repeat(43) as RoomId;

const createTown = () => {
  const time = createManualTime();
  const rtc = createRtcHub();
  const signaling = createSignalingHub();
  let seed = 1;
  const open = async () => {
    const { identity } = await openIdentity(createTestIdentityDeps(crypto));
    const client = signaling.clientOf(identity.peer);
    const dialer = createDialer(
      {
        identity,
        crypto,
        signaling: client,
        rtc: rtc.connectorOf(String.fromCharCode(65 + (seed % 6))),
        random: createTestRandom(seed++),
        telemetry: silentTelemetry,
        health: { patience: () => 1, beats: () => () => {} },
        ...time,
      },
      { room, build: 'test' },
    );
    const events: DialerEvent[] = [];
    dialer.events((event) => events.push(event));
    client.start();
    return { dialer, client, events, peer: identity.peer };
  };
  /** In the order of their ids. */
  const openPair = async () => {
    const [one, other] = [await open(), await open()];
    return one.peer < other.peer ? ([one, other] as const) : ([other, one] as const);
  };
  return { time, rtc, signaling, open, openPair };
};
const kinds = (events: readonly DialerEvent[]) => events.map(({ kind }) => kind);
const bye = fault('closed-here', 'that was all');

describe('a dialer', () => {
  it.each([0, 1])('links whichever side dials (%i)', async (index) => {
    const { time, openPair } = createTown();
    const pair = await openPair();
    pair[index]!.dialer.connect(pair[1 - index]!.peer);
    await time.advance(1_000);
    for (const { events } of pair) expect(kinds(events)).toEqual(['up']);
    await pair[0].dialer.linked(pair[1].peer)?.link.send(utf8('hello'), 'control', 'rpc');
    await settle();
    expect(pair[1].events.at(-1)).toMatchObject({ kind: 'message', message: { channel: 'rpc' } });
  });

  it('makes one link when both dial at once', async () => {
    const { time, rtc, openPair } = createTown();
    const [low, high] = await openPair();
    low.dialer.connect(high.peer);
    high.dialer.connect(low.peer);
    await time.advance(60_000);
    for (const { events } of [low, high]) expect(kinds(events)).toEqual(['up']);
    expect(rtc.sessions().open).toBe(2);
  });

  it('says at once that somebody is not in the room', async () => {
    const { time, signaling, open } = createTown();
    const ana = await open();
    ana.dialer.connect('n'.repeat(43) as PeerId);
    await time.advance(1);
    expect(ana.events).toMatchObject([
      { kind: 'failed', reason: { message: 'it is not in the room any more' } },
    ]);
    expect(signaling).toBeDefined();
  });

  it('dials again ever later, but at once when it is back at the server', async () => {
    const { time, rtc, openPair } = createTown();
    const [ana, ben] = await openPair();
    rtc.options.dead = true;
    for (let attempt = 0; attempt < 6; attempt++) {
      ana.dialer.connect(ben.peer);
      while (kinds(ana.events).length === attempt) await time.advance(1_000);
    }
    ana.dialer.connect(ben.peer);
    const { made } = rtc.sessions();
    await time.advance(5_000);
    expect(rtc.sessions().made).toBe(made);
    rtc.options.dead = false;
    ana.client.start();
    await time.advance(100);
    expect(kinds(ana.events).at(-1)).toBe('up');
  });

  it('says goodbye when it hangs up, and can be dialed again', async () => {
    const { time, openPair } = createTown();
    const [ana, ben] = await openPair();
    ana.dialer.connect(ben.peer);
    await time.advance(20_000);
    ana.dialer.hangUp(ben.peer, bye);
    await settle();
    expect(ben.events.at(-1)).toMatchObject({
      kind: 'down',
      reason: { code: 'closed-there', message: bye.message },
    });
    expect(ana.events.at(-1)).toMatchObject({ kind: 'down', reason: bye });
    ben.dialer.connect(ana.peer);
    await time.advance(1_000);
    expect(ana.dialer.linked(ben.peer)).toBeDefined();
  });

  it('answers no banned peer, and tells at once that it dials none', async () => {
    const { time, openPair } = createTown();
    const [ana, ben] = await openPair();
    ana.dialer.ban(ben.peer, fault('misbehaved', 'it lied'));
    ben.dialer.connect(ana.peer);
    ana.dialer.connect(ben.peer);
    await time.advance(20_000);
    expect(kinds(ana.events)).toEqual(['failed']);
    expect(kinds(ben.events)).toEqual(['failed']);
  });

  it('takes no more links than it can bear, and keeps those it has', async () => {
    const { time, open } = createTown();
    const host = await open();
    const guests = await Promise.all(Array.from({ length: 52 }, open));
    for (const { dialer } of guests) dialer.connect(host.peer);
    await time.advance(1_000);
    expect(host.dialer.all()).toHaveLength(48);
    host.dialer.connect('n'.repeat(43) as PeerId);
    await settle();
    expect(host.events.at(-1)).toMatchObject({
      kind: 'failed',
      reason: { message: 'this tab has links enough' },
    });
  });
});
