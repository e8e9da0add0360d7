import { describe, expect, it } from 'vitest';
import { milliseconds, type PeerId, type RoomId } from '../../core/brand.ts';
import { type Bytes, utf8 } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok } from '../../core/result.ts';
import { peerIdOf } from '../../identity/ids.ts';
import { createHashCrypto } from '../../identity/testDoubles.ts';
import type { Observation } from '../overlay/scores.ts';
import { createManualTime, createTestRandom, settle } from '../testDoubles.ts';
import { createPost } from './post.ts';
import { decodeLetterMessage, encodeLetterMessage, letterLimits, signAck, signLetter } from './protocol.ts';
import { nextHop } from './route.ts';

const crypto = createHashCrypto();
const room = 'r'.repeat(43) as RoomId;

type Message = { readonly from: PeerId; readonly bytes: Bytes };

/** Tabs linked as `links` says ("ab bc": a with b, b with c), where everybody knows who is linked with whom. */
const createTown = async (links: string) => {
  const time = createManualTime();
  const pairs = links.split(' ').map((pair) => [pair[0]!, pair[1]!] as const);
  const names = [...new Set(pairs.flat())];
  const signers = new Map(
    await Promise.all(names.map(async (name) => [name, await crypto.generateSigningKey()] as const)),
  );
  const peerOf = (name: string) => peerIdOf(signers.get(name)!.publicKey);
  const nameOf = (peer: PeerId) => names.find((name) => peerOf(name) === peer)!;
  const linked = new Set(pairs.flatMap(([a, b]) => [`${a}${b}`, `${b}${a}`]));
  const told = new Set(linked);
  const linkedWith = (name: string, links: ReadonlySet<string>) =>
    names.filter((other) => links.has(`${name}${other}`)).map((other) => peerOf(other));
  const inboxes = new Map(names.map((name) => [name, createEmitter<Message>()]));
  /** Decides of each message on a link whether it arrives. */
  const network = { passes: (_from: string, _to: string, _kind: string) => true, sent: [] as string[] };
  const expelled: string[] = [];
  const observed: string[] = [];
  let seed = 1;
  const tabs = names.map((name) => {
    const self = peerOf(name);
    const post = createPost(
      {
        transport: {
          self,
          reach: async (to) => {
            if (!network.passes(name, nameOf(to), 'open')) return err(fault('unreachable', 'no'));
            linked.add(`${name}${nameOf(to)}`).add(`${nameOf(to)}${name}`);
            return ok(undefined);
          },
          messages: inboxes.get(name)!.subscribe,
          changes: () => () => {},
          expel: (peer) => void expelled.push(nameOf(peer)),
          async send(to, bytes) {
            const other = nameOf(to);
            if (!linked.has(`${name}${other}`)) return err(fault('unknown-peer', 'no link'));
            const message = decodeLetterMessage(bytes);
            const kind = message.ok ? message.value.t : 'unreadable';
            network.sent.push(`${kind} ${name}${other}`);
            if (network.passes(name, other, kind))
              queueMicrotask(() => inboxes.get(other)!.emit({ from: self, bytes: new Uint8Array(bytes) }));
            return ok(undefined);
          },
        },
        overlay: {
          neighbors: () => linkedWith(name, linked),
          observe: (peer, observation: Observation) => void observed.push(`${nameOf(peer)} ${observation}`),
        },
        linksOf: (peer) => linkedWith(nameOf(peer), told),
        signer: signers.get(name)!,
        crypto,
        ...time,
        random: createTestRandom(seed++),
        telemetry: silentTelemetry,
        now: time.clock.now,
      },
      { room },
    );
    const received: string[] = [];
    post.received(({ from, payload }) =>
      received.push(`${nameOf(from)}: ${new TextDecoder().decode(payload)}`),
    );
    return { name, post, received, peer: self, signer: signers.get(name)! };
  });
  return { time, network, tabs, expelled, observed, inboxes, linked };
};

describe('a letter', () => {
  it('goes from hand to hand by a shortest way, and its sender hears that it arrived', async () => {
    const { tabs, network } = await createTown('ab bc cd be ef fg gd');
    const [ana, , , dan] = tabs;
    expect(await ana!.post.send(dan!.peer, utf8('hello'))).toEqual({ ok: true, value: undefined });
    expect(dan!.received).toEqual(['a: hello']);
    expect(network.sent).toEqual(['letter ab', 'letter bc', 'letter cd', 'ack dc', 'ack cb', 'ack ba']);
    expect(tabs[1]!.post.stats()).toMatchObject({ forwarded: 1, received: 0 });
  });

  it('takes another way when the first is silent, and is told once', async () => {
    const { tabs, network, time } = await createTown('ab bd ac cd');
    const [ana, ben, dan] = tabs;
    network.passes = (from, to, kind) => !(from === 'd' && to === 'b' && kind === 'ack');
    const sent = ana!.post.send(dan!.peer, utf8('hello'));
    await time.advance(10_000);
    expect(await sent).toEqual({ ok: true, value: undefined });
    expect(dan!.received).toEqual(['a: hello']);
    expect(network.sent.filter((one) => one.startsWith('letter a'))).toEqual(['letter ab', 'letter ac']);
    expect(ben!.post.stats().forwarded).toBe(1);
  });

  it('turns round at once where somebody on the way knows no further', async () => {
    const { tabs, network, time, linked } = await createTown('ab bd ac cd');
    const [ana, , dan] = tabs;
    linked.delete('bd'); // b has lost its link, and a does not know it yet
    const sent = ana!.post.send(dan!.peer, utf8('hello'));
    await time.advance(500);
    expect(await sent).toEqual({ ok: true, value: undefined });
    expect(network.sent).toContain('lost ba');
  });

  it('goes over a link of its own when no way over others works', async () => {
    const { tabs, network, time } = await createTown('ab bc');
    const [ana, , cem] = tabs;
    network.passes = (from, to) => from !== 'b' && to !== 'b';
    const sent = ana!.post.send(cem!.peer, utf8('hello'));
    await time.advance(20_000);
    expect(await sent).toEqual({ ok: true, value: undefined });
    expect(cem!.received).toEqual(['a: hello']);
  });

  it('is given up after five attempts, ever further apart, and leaves no timer', async () => {
    const { tabs, network, time } = await createTown('ab bc');
    const [ana, , cem] = tabs;
    network.passes = (_from, _to, kind) => kind === 'never';
    const sent = ana!.post.send(cem!.peer, utf8('hello'), { deadline: milliseconds(600_000) });
    await time.advance(60_000);
    expect(await sent).toMatchObject({
      ok: false,
      error: { code: 'undelivered', message: expect.stringMatching(/5 attempts/) },
    });
    expect(time.pending()).toBe(0);
  });

  it('ends at its deadline, and when its sender cancels', async () => {
    const { tabs, network, time } = await createTown('ab bc');
    const [ana, , cem] = tabs;
    network.passes = () => false;
    const late = ana!.post.send(cem!.peer, utf8('hello'), { deadline: milliseconds(3_000) });
    const controller = new AbortController();
    const cancelled = ana!.post.send(cem!.peer, utf8('hello'), { signal: controller.signal });
    await time.advance(1_000);
    controller.abort();
    expect(await cancelled).toMatchObject({ error: { code: 'cancelled' } });
    await time.advance(2_500);
    expect(await late).toMatchObject({
      error: { code: 'undelivered', message: expect.stringMatching(/within 3 s/) },
    });
    expect(time.pending()).toBe(0);
  });

  it('is told once, however often it comes', async () => {
    const { tabs, inboxes, network } = await createTown('ab');
    const [ana, ben] = tabs;
    const id = new Uint8Array(16).fill(7);
    const body = { v: 1 as const, room, from: ana!.peer, to: ben!.peer, id, at: 0, payload: utf8('again') };
    const letter = await signLetter(body, ana!.signer);
    const bytes = encodeLetterMessage({ t: 'letter', ttl: 3, letter });
    for (let copy = 0; copy < 3; copy++) {
      inboxes.get('b')!.emit({ from: ana!.peer, bytes });
      await settle();
    }
    expect(ben!.received).toEqual(['a: again']);
    expect(network.sent).toEqual(['ack ba', 'ack ba', 'ack ba']); // the first may have been lost
  });

  it('is not believed when it is forged, changed, or of another room', async () => {
    const { tabs, inboxes } = await createTown('ab ac');
    const [ana, ben, cem] = tabs;
    const body = { v: 1 as const, room, from: ana!.peer, to: ben!.peer, at: 0, payload: utf8('believe me') };
    const forged = await signLetter({ ...body, id: new Uint8Array(16).fill(1) }, cem!.signer);
    const foreign = await signLetter(
      { ...body, id: new Uint8Array(16).fill(2), room: 'q'.repeat(43) as RoomId },
      ana!.signer,
    );
    const changed = await signLetter({ ...body, id: new Uint8Array(16).fill(3) }, ana!.signer);
    changed[changed.length - 1]! ^= 1;
    for (const letter of [forged, foreign, changed]) {
      inboxes
        .get('b')!
        .emit({ from: ana!.peer, bytes: encodeLetterMessage({ t: 'letter', ttl: 3, letter }) });
      await settle();
    }
    expect(ben!.received).toEqual([]);
  });

  it('has not arrived because somebody on the way says so', async () => {
    const { tabs, inboxes, network, time } = await createTown('ab bc');
    const [ana, ben, cem] = tabs;
    network.passes = (from) => from === 'a';
    const sent = ana!.post.send(cem!.peer, utf8('hello'), { deadline: milliseconds(5_000) });
    await time.advance(100);
    const ack = await signAck({ v: 1, room, id: new Uint8Array(16), from: cem!.peer }, ben!.signer);
    inboxes
      .get('a')!
      .emit({ from: ben!.peer, bytes: encodeLetterMessage({ t: 'ack', id: new Uint8Array(16), ack }) });
    await time.advance(6_000);
    expect(await sent).toMatchObject({ ok: false });
  });

  it('of a flood is not passed on, and costs the neighbour who floods', async () => {
    const { tabs, inboxes, observed } = await createTown('ab bc');
    const [ana, ben, cem] = tabs;
    for (let i = 0; i < 230; i++) {
      const id = Uint8Array.from({ length: 16 }, (_, at) => (at === 0 ? i : 1));
      const body = { v: 1 as const, room, from: ana!.peer, to: cem!.peer, id, at: 0, payload: utf8('x') };
      const letter = await signLetter(body, ana!.signer);
      inboxes
        .get('b')!
        .emit({ from: ana!.peer, bytes: encodeLetterMessage({ t: 'letter', ttl: 3, letter }) });
    }
    await settle();
    expect(ben!.post.stats().forwarded).toBe(200);
    expect(observed.filter((one) => one === 'a flood')).toHaveLength(30);
  });

  it('that is too large, or from a closed tab, is refused with the limit', async () => {
    const { tabs } = await createTown('ab');
    const [ana, ben] = tabs;
    const large = new Uint8Array(letterLimits.maxPayloadBytes + 1);
    expect(await ana!.post.send(ben!.peer, large)).toMatchObject({
      error: { code: 'too-large', message: expect.stringContaining('65536') },
    });
    ana!.post.close();
    expect(await ana!.post.send(ben!.peer, utf8('x'))).toMatchObject({ error: { code: 'closed' } });
  });

  it('that is unreadable expels its sender', async () => {
    const { tabs, inboxes, expelled } = await createTown('ab');
    inboxes.get('b')!.emit({ from: tabs[0]!.peer, bytes: utf8('no letter') });
    expect(expelled).toEqual(['a']);
  });
});

describe('the next hop', () => {
  const links: Record<string, string> = { a: 'bc', b: 'ad', c: 'ad', d: 'bce', e: 'd' };
  const known = (avoid: string) => ({
    self: 'a' as PeerId,
    neighbors: [...links['a']!] as PeerId[],
    linksOf: (peer: PeerId) => [...(links[peer] ?? '')] as PeerId[],
    avoid: new Set([...avoid] as PeerId[]),
  });
  it.each([
    ['b', '', 'b'],
    ['e', '', 'b'],
    ['e', 'b', 'c'],
    ['e', 'bc', undefined],
    ['x', '', undefined],
  ])('to %s without %s is %s', (to, avoid, expected) => {
    expect(nextHop(to as PeerId, known(avoid))).toBe(expected);
  });
});
