import { describe, expect, it } from 'vitest';
import { milliseconds, type PeerId } from '../../core/brand.ts';
import { utf8 } from '../../core/bytes.ts';
import type { Fault } from '../../core/result.ts';
import type { LinkEnd } from '../contracts.ts';
import type { SelfHealth } from '../selfHealth.ts';
import { createChannelPair, createManualTime, settle, type TestChannel } from '../testDoubles.ts';
import { decodeFrame, encodeFrame } from '../wire/frames.ts';
import { createLink } from './link.ts';
import { createNarrowPaths } from './narrowPaths.ts';

const ping = encodeFrame({ kind: 'ping', nonce: 7 });

const watchLink = (
  channel: TestChannel,
  time: ReturnType<typeof createManualTime>,
  { patience = 1, narrowPaths = createNarrowPaths(time) } = {},
) => {
  const beats: SelfHealth['beats'] = (listener) => time.timers.every(milliseconds(1_000), () => listener());
  const link = createLink(channel, {
    peer: 'peer' as PeerId,
    ...time,
    health: { patience: () => patience, beats },
    narrowPaths,
  });
  const messages: string[] = [];
  const ends: Fault<LinkEnd>[] = [];
  link.messages(({ bytes }) => messages.push(new TextDecoder().decode(bytes)));
  link.closed((reason) => ends.push(reason));
  return { link, messages, ends, narrowPaths };
};

const createLinkedPair = () => {
  const time = createManualTime();
  const [here, there] = createChannelPair();
  return { time, here, there, ana: watchLink(here, time), ben: watchLink(there, time) };
};

/** A link whose other end is the test itself. */
const createLinkToNobody = (patience = 1) => {
  const time = createManualTime();
  const [here, there] = createChannelPair();
  const received: string[] = [];
  there.frames((bytes) => {
    const frame = decodeFrame(bytes);
    received.push(frame.ok ? frame.value.kind : 'unreadable');
  });
  return { time, here, there, received, ana: watchLink(here, time, { patience }) };
};

describe('a link', () => {
  it('carries messages both ways and counts their bytes', async () => {
    const { ana, ben } = createLinkedPair();
    expect(await ana.link.send(utf8('ahoy'), 'control', 'rpc')).toEqual({ ok: true, value: undefined });
    await ben.link.send(utf8('hello'), 'bulk', 'rpc');
    await settle();
    expect(ben.messages).toEqual(['ahoy']);
    expect(ana.messages).toEqual(['hello']);
    expect(ana.link.stats().bytesSent).toBe(4);
    expect(ana.link.stats().bytesReceived).toBe(5);
  });

  it('measures its round trip, smoothed', async () => {
    const { time, here, there, ana } = createLinkedPair();
    await settle();
    expect(ana.link.stats().rtt).toBe(0);
    here.manual = true;
    there.manual = true;
    await time.advance(3_000);
    await time.advance(80);
    here.flush();
    there.flush();
    expect(ana.link.stats().rtt).toBe(10);
  });

  it('knows no round trip before a ping came back, and believes no pong that it did not ask for', async () => {
    const { there, ana } = createLinkToNobody();
    for (const nonce of [1, 99]) there.send(encodeFrame({ kind: 'pong', nonce }));
    await settle();
    expect(ana.link.stats().rtt).toBeUndefined();
  });

  it('answers a ping at once, without a timer', async () => {
    const { there, received } = createLinkToNobody();
    await settle();
    received.length = 0;
    there.send(ping);
    expect(received).toEqual(['pong']);
  });

  it('stops answering pings while their sender takes nothing', async () => {
    const { here, there, received } = createLinkToNobody();
    await settle();
    received.length = 0;
    Object.assign(here, { bufferedAmount: () => 2 * 1024 * 1024 });
    there.send(ping);
    expect(received).toEqual([]);
  });

  it('tells the other side why it closes', async () => {
    const { ana, ben } = createLinkedPair();
    await settle();
    ana.link.close('the battery is low');
    ana.link.close('again');
    expect(ana.ends).toEqual([{ code: 'closed-here', message: 'the battery is low' }]);
    expect(ben.ends).toEqual([{ code: 'closed-there', message: 'the battery is low' }]);
  });

  it('closes with a long reason in any script', async () => {
    const { ana, ben } = createLinkedPair();
    await settle();
    ana.link.close('電池'.repeat(500));
    expect(ben.ends).toMatchObject([{ code: 'closed-there', message: expect.stringMatching(/^電池/) }]);
  });

  it.each([
    ['a frame of no known kind', [Uint8Array.of(9, 9)]],
    ['an empty frame', [new Uint8Array(0)]],
    [
      'a part that does not follow',
      [
        encodeFrame({
          kind: 'message',
          priority: 'bulk',
          channel: 'rpc',
          id: 1,
          total: 9,
          offset: 3,
          part: utf8('abc'),
        }),
      ],
    ],
  ])('ends as misbehaved on %s, and hears nothing more', async (_name, frames) => {
    const { there, ana } = createLinkToNobody();
    await settle();
    for (const frame of frames) there.send(frame);
    expect(ana.ends).toMatchObject([{ code: 'misbehaved' }]);
    expect(ana.messages).toEqual([]);
    expect(await ana.link.send(utf8('x'), 'control', 'rpc')).toMatchObject({ error: { code: 'closed' } });
  });

  it('fails when its channel is lost, with what still waited', async () => {
    const { here, ana } = createLinkToNobody();
    await settle();
    here.manual = true;
    const waiting = ana.link.send(new Uint8Array(1_000_000), 'bulk', 'rpc');
    here.breakDown('ICE failed');
    expect(await waiting).toMatchObject({ error: { code: 'closed' } });
    expect(ana.ends).toEqual([{ code: 'failed', message: 'ICE failed' }]);
  });

  it('leaves no timer and closes its channel, however it ends', async () => {
    for (const end of [
      ({ ana }: ReturnType<typeof createLinkedPair>) => ana.link.close('bye'),
      ({ here }: ReturnType<typeof createLinkedPair>) => here.breakDown('gone'),
      ({ there }: ReturnType<typeof createLinkedPair>) => there.send(Uint8Array.of(9)),
    ]) {
      const pair = createLinkedPair();
      await settle();
      end(pair);
      expect(() => pair.here.send(ping)).toThrow('closed');
      expect(() => pair.there.send(ping)).toThrow('closed');
      expect(pair.time.pending()).toBe(0);
    }
  });

  it('over a channel that closed before anybody listened says so to the first who sends', async () => {
    const time = createManualTime();
    const [here] = createChannelPair();
    here.breakDown('gone');
    const { link } = watchLink(here, time);
    expect(await link.send(utf8('x'), 'control', 'rpc')).toMatchObject({ error: { code: 'closed' } });
    expect(time.pending()).toBe(0);
  });

  it('asks a silent peer three times before it gives up on it', async () => {
    const { time, received, ana } = createLinkToNobody();
    await time.advance(5_900);
    expect(received.filter((kind) => kind === 'ping')).toHaveLength(4); // one at the start, to measure
    expect(ana.ends).toEqual([]);
    await time.advance(200);
    expect(ana.ends).toMatchObject([{ code: 'failed', message: 'nothing was heard for 6 s' }]);
    expect(time.pending()).toBe(0);
  });

  it.each(['pong', 'ping'] as const)('takes a %s for a sign of life', async (kind) => {
    const { time, there, ana } = createLinkToNobody();
    for (let beat = 0; beat < 20; beat++) {
      await time.advance(4_000);
      there.send(encodeFrame({ kind, nonce: beat }));
    }
    expect(ana.ends).toEqual([]);
  });

  it('waits longer for others while this tab is late itself', async () => {
    const { time, ana } = createLinkToNobody(3);
    await time.advance(11_900);
    expect(ana.ends).toEqual([]);
    await time.advance(200);
    expect(ana.ends).toHaveLength(1);
  });

  describe('when the browser finds the path dead', () => {
    it('asks once more, and gives up however late this tab itself is', async () => {
      const { time, here, received, ana } = createLinkToNobody(6);
      await time.advance(1_500);
      received.length = 0;
      here.doubt();
      expect(received).toEqual(['ping']);
      await time.advance(1_400);
      expect(ana.ends).toEqual([]);
      await time.advance(200);
      expect(ana.ends).toMatchObject([{ code: 'failed' }]);
    });

    it('gives up at once on one that owes an answer already', async () => {
      const { time, here, ana } = createLinkToNobody(6);
      await time.advance(5_000);
      expect(ana.ends).toEqual([]);
      here.doubt();
      expect(ana.ends).toMatchObject([{ code: 'failed' }]);
      expect(time.pending()).toBe(0);
    });

    it('stays if anything is heard', async () => {
      const { time, here, there, ana } = createLinkToNobody(6);
      await time.advance(1_500);
      here.doubt();
      await time.advance(500);
      there.send(ping);
      await time.advance(10_000);
      expect(ana.ends).toEqual([]);
    });

    it('is not misled by what SCTP lets go into the void', async () => {
      const { time, here, ana } = createLinkToNobody();
      await time.advance(1_500);
      here.manual = true;
      void ana.link.send(new Uint8Array(8_000), 'control', 'rpc');
      void ana.link.send(new Uint8Array(100_000), 'bulk', 'rpc');
      const drip = time.timers.every(milliseconds(500), () => here.flush(1));
      here.doubt();
      await time.advance(2_000);
      drip();
      expect(ana.ends).toHaveLength(1);
    });

    it('listens anew after a sleep', async () => {
      const { time, here, ana } = createLinkToNobody();
      await time.advance(1_500);
      here.doubt();
      time.sleep(60_000);
      await time.advance(900);
      expect(ana.ends).toEqual([]);
      await time.advance(1_000);
      expect(ana.ends).toHaveLength(1);
    });
  });

  it('does not take its own sleep for the silence of others', async () => {
    const { time, there, ana } = createLinkToNobody();
    await time.advance(4_900);
    time.sleep(60_000);
    await time.advance(500);
    expect(ana.ends).toEqual([]);
    there.send(encodeFrame({ kind: 'pong', nonce: 1 }));
    await time.advance(2_000);
    expect(ana.ends).toEqual([]);
  });

  it('does not ping a peer that talks, but to measure now and then', async () => {
    const { time, there, received } = createLinkToNobody();
    there.frames((bytes) => {
      const frame = decodeFrame(bytes);
      if (frame.ok && frame.value.kind === 'ping') there.send(encodeFrame({ ...frame.value, kind: 'pong' }));
    });
    await settle();
    received.length = 0;
    for (let second = 0; second < 60; second++) {
      there.send(ping);
      await time.advance(1_000);
    }
    expect(received.filter((kind) => kind === 'ping').length).toBeLessThan(6);
  });
});

/** The path swallows frames of more than 800 bytes, both ways; Ana may have found that out before. */
const createSwallowedPair = async ({ known = false } = {}) => {
  const time = createManualTime();
  const [here, there] = createChannelPair([], { maxFrameBytes: 256 * 1024 });
  here.swallowsAbove = 800;
  there.swallowsAbove = 800;
  const narrowPaths = createNarrowPaths(time);
  if (known) narrowPaths.add('peer' as PeerId);
  const ana = watchLink(here, time, { narrowPaths });
  const ben = watchLink(there, time);
  await time.advance(1_000);
  return { time, here, there, ana, ben };
};
const isNarrowTo = ({ narrowPaths }: ReturnType<typeof watchLink>) => narrowPaths.has('peer' as PeerId);
const longText = 'x'.repeat(100_000);

describe('a link over a path that swallows long frames', () => {
  it('ends as stalled while the other side is still heard, before that side gives up', async () => {
    const { time, ana, ben } = await createSwallowedPair();
    await ana.link.send(utf8('a short one passes'), 'control', 'rpc');
    void ana.link.send(utf8(longText), 'bulk', 'rpc');
    await time.advance(4_900);
    expect(ben.messages).toEqual(['a short one passes']);
    expect(ana.ends).toMatchObject([{ code: 'stalled' }]);
    expect(isNarrowTo(ana)).toBe(true);
  });

  it('ends as stalled when both sides have sent long messages and hear nothing any more', async () => {
    const { time, ana, ben } = await createSwallowedPair();
    void ana.link.send(utf8(longText), 'bulk', 'rpc');
    void ben.link.send(utf8(longText), 'bulk', 'rpc');
    await time.advance(8_000);
    expect([...ana.ends, ...ben.ends].map(({ code }) => code)).toContain('stalled');
    expect([isNarrowTo(ana), isNarrowTo(ben)]).toEqual([true, true]);
  });

  it('is remembered as narrow although the other side gave up first', async () => {
    const { time, ana } = await createSwallowedPair();
    void ana.link.send(utf8(longText), 'bulk', 'rpc');
    await time.advance(2_900);
    ana.link.close('the other tab connects anew');
    expect(isNarrowTo(ana)).toBe(true);
  });

  it('carries long messages in small frames, and the other side answers in small ones', async () => {
    const { time, here, there, ana, ben } = await createSwallowedPair({ known: true });
    expect((await ana.link.send(utf8(longText), 'bulk', 'rpc')).ok).toBe(true);
    expect((await ben.link.send(utf8(longText), 'bulk', 'rpc')).ok).toBe(true);
    await time.advance(10_000);
    expect([ana.messages, ben.messages]).toEqual([[longText], [longText]]);
    const lengths = [...here.sent, ...there.sent].filter((bytes) => bytes[0] !== 2 && bytes[0] !== 3);
    expect(new Set(lengths.map(({ byteLength }) => byteLength))).toEqual(new Set([768]));
    expect([...ana.ends, ...ben.ends]).toEqual([]);
    expect(isNarrowTo(ben)).toBe(true);
  });

  it('hands over one small frame after the other, so that no two become one packet', async () => {
    const { here, ana } = await createSwallowedPair({ known: true });
    here.manual = true;
    void ana.link.send(utf8(longText), 'bulk', 'rpc');
    const before = here.sent.length;
    expect(here.bufferedAmount()).toBe(768);
    here.flush(1);
    expect(here.sent.length).toBe(before + 1);
  });

  it('has no more frames under way than SCTP sends at once, and goes on with each answer', async () => {
    const { here, there, ana, ben } = await createSwallowedPair({ known: true });
    there.manual = true; // its answers wait
    const before = here.sent.length;
    const isPart = (bytes: Uint8Array) => bytes[0] === 5;
    void ana.link.send(utf8(longText), 'bulk', 'rpc');
    expect(here.sent.slice(before).filter(isPart)).toHaveLength(12);
    there.flush(2); // a ping of its own, for it has learnt that the path is narrow, and the first answer
    expect(here.sent.slice(before).filter(isPart)).toHaveLength(18);
    there.manual = false;
    there.flush();
    await settle();
    expect(ben.messages).toEqual([longText]);
  });

  it('greets in small frames, so that there is a link to find out with', async () => {
    const { here, there, ana, ben } = await createSwallowedPair();
    await ana.link.send(utf8('g'.repeat(4_000)), 'control', 'greeting');
    expect(ben.messages).toEqual(['g'.repeat(4_000)]);
    expect(Math.max(...here.sent.map(({ byteLength }) => byteLength))).toBe(768);
    // That says nothing about the path, so the other side keeps to long frames.
    void ben.link.send(utf8('x'.repeat(2_000)), 'bulk', 'rpc');
    expect(Math.max(...there.sent.map(({ byteLength }) => byteLength))).toBeGreaterThan(2_000);
  });

  it('is not taken for one because the other side has gone', async () => {
    const { time, here, ana } = createLinkToNobody();
    await settle();
    void ana.link.send(new Uint8Array(1_000_000), 'bulk', 'rpc');
    here.manual = true;
    await time.advance(6_000);
    expect(ana.ends).toMatchObject([{ code: 'failed' }]);
    expect(isNarrowTo(ana)).toBe(false);
  });

  it('is not taken for one when long messages take seconds to leave', async () => {
    const { time, here, ana, ben } = createLinkedPair();
    await settle();
    here.manual = true;
    void ana.link.send(utf8('x'.repeat(600_000)), 'bulk', 'rpc');
    for (let step = 0; step < 40; step++) {
      await time.advance(1_000);
      here.flush(1);
    }
    expect([...ana.ends, ...ben.ends]).toEqual([]);
    here.manual = false;
    here.flush();
    await time.advance(20_000);
    expect([...ana.ends, ...ben.ends]).toEqual([]);
    expect(ben.messages).toHaveLength(1);
  });
});
