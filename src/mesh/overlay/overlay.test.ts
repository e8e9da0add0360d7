import { describe, expect, it } from 'vitest';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { type Bytes, utf8 } from '../../core/bytes.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { openIdentity } from '../../identity/index.ts';
import { createHashCrypto, createHashSealing, createTestIdentityDeps } from '../../identity/testDoubles.ts';
import type { Overlay, OverlayChange } from '../contracts.ts';
import {
  createManualTime,
  createRtcHub,
  createSignalingHub,
  createTestRandom,
  settle,
} from '../testDoubles.ts';
import { encodeFrame } from '../wire/frames.ts';
import { createOverlay } from './overlay.ts';

const crypto = createHashCrypto();
const sealing = createHashSealing();
const secret = new Uint8Array(16).fill(7);
const room = 'r'.repeat(43) as RoomId;

const createVillage = () => {
  const time = createManualTime();
  const rtc = createRtcHub();
  const signaling = createSignalingHub();
  let seed = 1;
  const open = async (options: { protocol?: number } = {}) => {
    const { identity } = await openIdentity(createTestIdentityDeps(crypto));
    const client = signaling.clientOf(identity.peer);
    const letter = String.fromCharCode(65 + (seed % 6));
    const overlay = createOverlay(
      {
        identity,
        crypto,
        sealing,
        signaling: client,
        rtc: rtc.connectorOf(letter, identity.peer),
        random: createTestRandom(seed++),
        telemetry: silentTelemetry,
        ...time,
      },
      { room, secret, build: 'test', ...options },
    );
    const transport = overlay.transport('rpc');
    const changes: OverlayChange[] = [];
    const messages: string[] = [];
    overlay.changes((change) => changes.push(change));
    transport.messages(({ bytes }) => messages.push(new TextDecoder().decode(bytes)));
    client.start();
    return { overlay, transport, client, changes, messages, peer: identity.peer };
  };
  return { time, rtc, signaling, open };
};

describe('an overlay in a small room', () => {
  it('links everybody with everybody and delivers messages', async () => {
    const { time, open } = createVillage();
    const tabs = [await open(), await open(), await open()];
    await time.advance(1_000);
    for (const { overlay } of tabs) expect(overlay.peers()).toHaveLength(2);
    const [ana, ben] = tabs;
    await ana!.transport.send(ben!.peer, utf8('hello'), 'control');
    await settle();
    expect(ben!.messages).toEqual(['hello']);
  });

  it('knows who a peer is from its credentials', async () => {
    const { time, open } = createVillage();
    const [ana, ben] = [await open(), await open()];
    await time.advance(1_000);
    expect(ana!.overlay.peers()[0]).toMatchObject({ peer: ben!.peer });
    expect(ana!.overlay.peers()[0]?.account).not.toBe(ben!.overlay.peers()[0]?.account);
  });

  it('builds a broken link anew', async () => {
    const { time, rtc, open } = createVillage();
    const [ana, ben] = [await open(), await open()];
    await time.advance(1_000);
    rtc.channels[0]?.breakDown('the network changed');
    await settle();
    expect(ana!.changes.at(-1)).toMatchObject({ kind: 'down' });
    await time.advance(20_000);
    expect(ana!.overlay.peers()).toHaveLength(1);
    expect(ben!.overlay.peers()).toHaveLength(1);
  });

  it('keeps a working link although the other has left signaling', async () => {
    const { time, signaling, open } = createVillage();
    const [ana, ben] = [await open(), await open()];
    await time.advance(1_000);
    signaling.leave(ben!.peer);
    await time.advance(60_000);
    expect(ana!.overlay.peers()).toHaveLength(1);
  });

  it('refuses another protocol on both sides, naming both and what to do', async () => {
    const { time, open } = createVillage();
    const [older, newer] = [await open({ protocol: 1 }), await open({ protocol: 2 })];
    await time.advance(1_000);
    for (const { overlay, changes } of [older!, newer!]) {
      expect(overlay.peers()).toEqual([]);
      expect(changes).toMatchObject([{ kind: 'refused', reason: { code: 'version' } }]);
    }
    expect(JSON.stringify(older!.changes)).toMatch(/protocol 2.*reload this tab/);
    expect(JSON.stringify(newer!.changes)).toMatch(/protocol 1.*reload the other tab/);
  });

  it('does not link when the certificate in use is not the signed one', async () => {
    const { time, rtc, open } = createVillage();
    rtc.options.impostor = true;
    const [ana] = [await open(), await open()];
    await time.advance(1_000);
    expect(ana!.overlay.peers()).toEqual([]);
    expect(ana!.changes).toMatchObject([{ kind: 'refused', reason: { code: 'identity' } }]);
  });

  it('does not act on an envelope that the server changed', async () => {
    const { time, signaling, open } = createVillage();
    signaling.tamper.relay = (payload) =>
      payload.map((byte, i) => (i === payload.length >> 1 ? byte ^ 1 : byte));
    const [ana] = [await open(), await open()];
    await time.advance(5_000);
    expect(ana!.overlay.peers()).toEqual([]);
  });

  it('expels for good', async () => {
    const { time, open } = createVillage();
    const [ana, ben] = [await open(), await open()];
    await time.advance(1_000);
    ana!.overlay.expel(ben!.peer, 'it lied');
    await time.advance(120_000);
    expect(ana!.overlay.peers()).toEqual([]);
    expect(await ana!.transport.send(ben!.peer, utf8('x'), 'control')).toMatchObject({
      error: { code: 'unknown-peer' },
    });
  });

  it('tries on while nothing comes about, ever more slowly, and connects when it can', async () => {
    const { time, rtc, open } = createVillage();
    rtc.options.dead = true;
    const [ana] = [await open(), await open()];
    await time.advance(120_000);
    expect(ana!.overlay.peers()).toEqual([]);
    rtc.options.dead = false;
    await time.advance(120_000);
    expect(ana!.overlay.peers()).toHaveLength(1);
  });

  it('keeps the link it has got, and makes no other beside it', async () => {
    const { time, rtc, open } = createVillage();
    rtc.options.dead = true;
    const tabs = [await open(), await open()];
    await time.advance(65_000);
    rtc.options.dead = false;
    await time.advance(120_000);
    const { made } = rtc.sessions();
    await time.advance(300_000);
    expect(rtc.sessions()).toEqual({ made, open: 2 });
    for (const { changes } of tabs) expect(changes.map(({ kind }) => kind)).toEqual(['up']);
  });

  it('closes the session of a link that went down, whoever ended it', async () => {
    for (const end of ['break', 'expel', 'close'] as const) {
      const { time, rtc, open } = createVillage();
      const [ana, ben] = [await open(), await open()];
      await time.advance(1_000);
      expect(rtc.sessions().open).toBe(2);
      if (end === 'break') rtc.channels[0]?.breakDown('the network changed');
      else if (end === 'expel') ana!.overlay.expel(ben!.peer, 'it lied');
      else ana!.overlay.close();
      await settle();
      expect(rtc.sessions().open).toBe(0);
      ana!.overlay.close();
      ben!.overlay.close();
      expect(rtc.sessions().open).toBe(0);
      expect(time.pending()).toBe(0);
    }
  });

  it('takes no old envelope for a new one: a server that replays ends no link', async () => {
    const { time, rtc, signaling, open } = createVillage();
    const kept: [PeerId, PeerId, Bytes][] = [];
    signaling.tamper.relay = (payload, from, to) => {
      kept.push([from, to, payload]);
      return payload;
    };
    rtc.options.dead = true;
    const tabs = [await open(), await open()];
    await time.advance(300_000);
    rtc.options.dead = false;
    await time.advance(60_000);
    const { made } = rtc.sessions();
    for (const [from, to, payload] of kept) signaling.replay(from, to, payload);
    await time.advance(60_000);
    expect(rtc.sessions().made).toBe(made);
    for (const { changes } of tabs) expect(changes.map(({ kind }) => kind)).toEqual(['up']);
  });

  it('does not redial at full pace a link that comes and goes', async () => {
    const { time, rtc, open } = createVillage();
    const [ana, ben] = [await open(), await open()];
    for (const { overlay } of [ana!, ben!])
      overlay.changes(({ kind }) => {
        if (kind === 'up') queueMicrotask(() => rtc.channels.at(-1)?.breakDown('flaky'));
      });
    await time.advance(60_000);
    expect(rtc.sessions().made).toBeGreaterThan(4);
    expect(rtc.sessions().made).toBeLessThan(40);
  });

  it('forgets who is not in the room any more', async () => {
    const { time, rtc, signaling, open } = createVillage();
    rtc.options.dead = true;
    const [ana, ben] = [await open(), await open()];
    await time.advance(5_000);
    ben!.overlay.close();
    signaling.leave(ben!.peer);
    await time.advance(60_000);
    const { made } = rtc.sessions();
    await time.advance(300_000);
    expect(rtc.sessions()).toEqual({ made, open: 0 });
    ana!.overlay.close();
    expect(time.pending()).toBe(0);
  });

  it('links with a reloaded tab as with a new one, and lets the old one go', async () => {
    const { time, rtc, signaling, open } = createVillage();
    const [ana, old] = [await open(), await open()];
    await time.advance(1_000);
    old!.overlay.close();
    signaling.leave(old!.peer);
    const reloaded = await open();
    await time.advance(45_000);
    expect(ana!.overlay.peers().map(({ peer }) => peer)).toEqual([reloaded.peer]);
    expect(rtc.sessions().open).toBe(2);
  });

  it('tells that an expelled peer misbehaved, and that its own leaving was its own', async () => {
    const { time, open } = createVillage();
    const [ana, ben, eva] = [await open(), await open(), await open()];
    await time.advance(1_000);
    ana!.overlay.expel(ben!.peer, 'it lied');
    expect(ana!.changes.at(-1)).toMatchObject({
      kind: 'down',
      peer: ben!.peer,
      reason: { code: 'misbehaved' },
    });
    ana!.overlay.close();
    expect(ana!.changes.at(-1)).toMatchObject({
      kind: 'down',
      peer: eva!.peer,
      reason: { code: 'closed-here' },
    });
  });

  it('says goodbye to all when it closes', async () => {
    const { time, open } = createVillage();
    const [ana, ben] = [await open(), await open()];
    await time.advance(1_000);
    ben!.overlay.close();
    await settle();
    expect(ana!.changes.at(-1)).toMatchObject({ kind: 'down', reason: { code: 'closed-there' } });
  });
});

describe('an overlay in a large room', () => {
  const size = 24;
  const openLarge = async () => {
    const village = createVillage();
    const tabs: Awaited<ReturnType<typeof village.open>>[] = [];
    for (let i = 0; i < size; i++) tabs.push(await village.open());
    await village.time.advance(60_000);
    return { ...village, tabs };
  };
  const reachable = (tabs: readonly { readonly peer: PeerId; readonly overlay: Overlay }[]) => {
    const byPeer = new Map(tabs.map((tab) => [tab.peer, tab]));
    const reached = new Set([tabs[0]!.peer]);
    for (const peer of reached)
      for (const next of byPeer.get(peer)?.overlay.neighbors() ?? []) reached.add(next);
    return reached.size;
  };

  it('is connected, with no more than twelve links a tab, and mends when a third is gone without a word', async () => {
    const { time, rtc, signaling, tabs } = await openLarge();
    expect(reachable(tabs)).toBe(size);
    for (const { overlay } of tabs) {
      expect(overlay.neighbors().length).toBeGreaterThanOrEqual(5);
      expect(overlay.peers().length).toBeLessThanOrEqual(12);
      expect(new Set(overlay.peers().map(({ peer }) => peer))).toEqual(new Set(overlay.neighbors()));
    }
    const gone = tabs.splice(0, 8);
    rtc.options.dumb = new Set(gone.map(({ peer }) => peer));
    for (const { peer } of gone) signaling.leave(peer);
    await time.advance(30_000);
    expect(reachable(tabs)).toBe(size - 8);
    for (const { overlay } of tabs)
      for (const { peer } of gone) expect(overlay.neighbors()).not.toContain(peer);
  });

  it('links for work with somebody who is no neighbour, for as long as there is any', async () => {
    const { time, tabs } = await openLarge();
    const [ana] = tabs;
    const ben = tabs.find(({ peer }) => peer !== ana!.peer && !ana!.overlay.neighbors().includes(peer))!;
    const opened = ana!.transport.reach(ben.peer);
    await time.advance(1_000);
    expect(await opened).toEqual({ ok: true, value: undefined });
    for (let turn = 0; turn < 3; turn++) {
      await ana!.transport.send(ben.peer, utf8(`work ${turn}`), 'bulk');
      await time.advance(20_000);
    }
    expect(ben.messages).toHaveLength(3);
    await time.advance(60_000);
    for (const { overlay } of [ana!, ben])
      expect(new Set(overlay.peers().map(({ peer }) => peer))).toEqual(new Set(overlay.neighbors()));
  });
});

describe('a link for work', () => {
  it('fails with the reason when nobody is there', async () => {
    const { time, open } = createVillage();
    const ana = await open();
    const opened = ana.transport.reach('n'.repeat(43) as PeerId);
    await time.advance(1_000);
    expect(await opened).toMatchObject({
      ok: false,
      error: { code: 'unreachable', message: expect.stringMatching(/not in the room/) },
    });
  });
});

describe('an overlay among liars', () => {
  it('breaks with a neighbour whose messages to it are unreadable', async () => {
    const { time, rtc, open } = createVillage();
    const [ana, ben] = [await open(), await open()];
    await time.advance(1_000);
    const frame = { kind: 'message', priority: 'control', channel: 'overlay', id: 9_999 } as const;
    rtc.channels[0]?.send(encodeFrame({ ...frame, total: 3, offset: 0, part: utf8('no!') }));
    await time.advance(30_000);
    expect([...ana!.overlay.peers(), ...ben!.overlay.peers()]).toEqual([]);
  });

  it('lets go for ever of one that serves too badly', async () => {
    const { time, open } = createVillage();
    const [ana, ben] = [await open(), await open()];
    await time.advance(1_000);
    ana!.overlay.observe(ben!.peer, 'invalid');
    expect(ana!.overlay.neighbors()).toEqual([ben!.peer]);
    ana!.overlay.observe(ben!.peer, 'invalid');
    await time.advance(120_000);
    expect(ana!.overlay.neighbors()).toEqual([]);
  });
});
