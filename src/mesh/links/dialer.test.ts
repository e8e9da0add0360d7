import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { utf8 } from '../../core/bytes.ts';
import { createEmitter, type Subscribe } from '../../core/events.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { fault } from '../../core/result.ts';
import { openIdentity } from '../../identity/index.ts';
import { createHashCrypto, createHashSealing, createTestIdentityDeps } from '../../identity/testDoubles.ts';
import {
  createManualTime,
  createRtcHub,
  createSignalingHub,
  createTestRandom,
  settle,
} from '../testDoubles.ts';
import { createDialer, type DialerEvent } from './dialer.ts';

const crypto = createHashCrypto();
const sealing = createHashSealing();
const secret = new Uint8Array(16).fill(7);
const room = 'r'.repeat(43) as RoomId;

const createTown = (options: { carries?: number; beats?: Subscribe<void> } = {}) => {
  const time = createManualTime();
  const rtc = createRtcHub();
  const signaling = createSignalingHub(options);
  let seed = 1;
  const open = async (own: { webrtc?: boolean; secret?: Uint8Array } = {}) => {
    const { identity } = await openIdentity(createTestIdentityDeps(crypto));
    const client = signaling.clientOf(identity.peer);
    const letter = String.fromCharCode(65 + (seed % 6));
    const dialer = createDialer(
      {
        identity,
        crypto,
        sealing,
        signaling: client,
        rtc: {
          ...rtc.connectorOf(letter),
          available: own.webrtc ?? true,
        },
        random: createTestRandom(seed++),
        telemetry: silentTelemetry,
        health: { patience: () => 1, beats: options.beats ?? (() => () => {}) },
        ...time,
      },
      { room, secret: own.secret ?? secret, build: 'test' },
    );
    const events: DialerEvent[] = [];
    dialer.events((event) => events.push(event));
    client.start();
    return { dialer, client, events, letter, peer: identity.peer };
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

type Town = ReturnType<typeof createTown>;
type Tab = Awaited<ReturnType<Town['open']>>;
/** Six attempts have come to nothing, and the seventh waits for its time. */
const waitsToRedial = async (rtc: Town['rtc'], time: Town['time'], ana: Tab, ben: Tab) => {
  rtc.options.dead = true;
  for (let attempt = 0; attempt < 6; attempt++) {
    ana.dialer.connect(ben.peer);
    while (kinds(ana.events).length === attempt) await time.advance(1_000);
  }
  ana.dialer.connect(ben.peer);
};

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
    await waitsToRedial(rtc, time, ana, ben);
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
    const guests = await Promise.all(Array.from({ length: 52 }, () => open()));
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

describe('the last resort', () => {
  const talk = async (ana: Tab, ben: Tab) => {
    await ana.dialer.linked(ben.peer)?.link.send(utf8('hello'), 'control', 'rpc');
    await settle();
    expect(ben.events.at(-1)).toMatchObject({ kind: 'message', message: { channel: 'rpc' } });
  };

  it.each([0, 1])(
    'is the server, when the other is there and nothing direct connects (%i)',
    async (index) => {
      const { time, rtc, openPair } = createTown({ carries: 1_000 });
      rtc.options.dead = true;
      rtc.options.answers = true;
      const pair = await openPair();
      const [ana, ben] = [pair[index]!, pair[1 - index]!];
      ana.dialer.connect(ben.peer);
      await time.advance(14_000);
      expect(kinds(ana.events)).toEqual([]);
      await time.advance(3_000);
      for (const { events } of pair) expect(kinds(events)).toEqual(['up']);
      expect(ana.dialer.linked(ben.peer)?.way).toBe('carried');
      await talk(ana, ben);
      await talk(ben, ana);
    },
  );

  it('is one link when both come to it at once', async () => {
    const { time, rtc, openPair } = createTown({ carries: 1_000 });
    rtc.options.dead = true;
    rtc.options.answers = true;
    const [low, high] = await openPair();
    low.dialer.connect(high.peer);
    high.dialer.connect(low.peer);
    await time.advance(60_000);
    for (const { events } of [low, high]) expect(kinds(events)).toEqual(['up']);
    await talk(low, high);
  });

  it.each([0, 1])('is the first where a browser has no WebRTC (%i dials)', async (index) => {
    const { time, open } = createTown({ carries: 1_000 });
    const pair = [await open({ webrtc: false }), await open()];
    pair[index]!.dialer.connect(pair[1 - index]!.peer);
    await time.advance(1_000);
    for (const { events } of pair) expect(kinds(events)).toEqual(['up']);
    await talk(pair[0]!, pair[1]!);
  });

  it.each([0, 1])('is taken at once by a tab whose network lets nothing out (%i)', async (index) => {
    const { time, rtc, openPair } = createTown({ carries: 1_000 });
    const pair = await openPair();
    const [ana, ben] = [pair[index]!, pair[1 - index]!];
    rtc.options.walled.add(ana.letter);
    ben.dialer.connect(ana.peer);
    await time.advance(1_000);
    for (const { events } of pair) expect(kinds(events)).toEqual(['up']);
    await talk(ana, ben);
    ben.dialer.hangUp(ana.peer, bye);
    await time.advance(1_000);
    ana.dialer.connect(ben.peer);
    await time.advance(1_000);
    expect(ben.dialer.linked(ana.peer)?.way).toBe('carried');
  });

  it('is none where the server carries nothing', async () => {
    const { time, rtc, openPair } = createTown();
    rtc.options.dead = true;
    rtc.options.answers = true;
    const [ana, ben] = await openPair();
    ana.dialer.connect(ben.peer);
    await time.advance(40_000);
    expect(kinds(ana.events)).toEqual(['failed']);
  });

  it('is not for a tab that is gone', async () => {
    const { time, openPair } = createTown({ carries: 1_000 });
    const [ana, ben] = await openPair();
    ben.dialer.close();
    ana.dialer.connect(ben.peer);
    await time.advance(40_000);
    expect(kinds(ana.events)).toEqual(['failed']);
  });

  it('says goodbye too, and another link can be made', async () => {
    const { time, open } = createTown({ carries: 1_000 });
    const [ana, ben] = [await open({ webrtc: false }), await open()];
    ana.dialer.connect(ben.peer);
    await time.advance(20_000);
    ana.dialer.hangUp(ben.peer, bye);
    await settle();
    expect(ben.events.at(-1)).toMatchObject({ kind: 'down', reason: { message: bye.message } });
    ben.dialer.connect(ana.peer);
    await time.advance(1_000);
    expect(ana.dialer.linked(ben.peer)).toBeDefined();
  });
});

describe('on another network', () => {
  it('a dialer asks every link at once, and makes those that are dead anew', async () => {
    const beats = createEmitter<void>();
    const { time, rtc, openPair } = createTown({ beats: beats.subscribe });
    const [ana, ben] = await openPair();
    ana.dialer.connect(ben.peer);
    await time.advance(20_000);
    for (const channel of rtc.channels) channel.muted = () => true;
    ana.dialer.networkChanged();
    for (let second = 0; second < 4; second++) {
      await time.advance(1_000);
      beats.emit();
    }
    expect(ana.events.at(-1)).toMatchObject({ kind: 'down', reason: { code: 'failed' } });
    ana.dialer.connect(ben.peer);
    await time.advance(100);
    expect(kinds(ana.events)).toEqual(['up', 'down', 'up']);
  });

  it('a dialer does not wait for those who could not be reached on the old one', async () => {
    const { time, rtc, openPair } = createTown();
    const [ana, ben] = await openPair();
    await waitsToRedial(rtc, time, ana, ben);
    rtc.options.dead = false;
    ana.dialer.networkChanged();
    await time.advance(100);
    expect(kinds(ana.events).at(-1)).toBe('up');
  });
});

describe('a room', () => {
  it('links nobody who knows its id and not its secret', async () => {
    const { time, open } = createTown({ carries: 1_000 });
    const [ana, eva] = [await open(), await open({ secret: new Uint8Array(16).fill(8) })];
    eva.dialer.connect(ana.peer);
    ana.dialer.connect(eva.peer);
    await time.advance(40_000);
    expect(kinds(ana.events)).toEqual(['failed']);
    expect(kinds(eva.events)).toEqual(['failed']);
  });
});
