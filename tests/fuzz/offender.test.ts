import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { milliseconds } from '../../src/core/brand.ts';
import { type Bytes, utf8 } from '../../src/core/bytes.ts';
import { unwrap } from '../../src/core/result.ts';
import { sealBroadcast } from '../../src/mesh/broadcast/message.ts';
import { encodeBroadcastMessage } from '../../src/mesh/broadcast/wire.ts';
import type { Channel } from '../../src/mesh/contracts.ts';
import { encodeRecord } from '../../src/mesh/directory/record.ts';
import { encodeLetterMessage, signLetter } from '../../src/mesh/letters/protocol.ts';
import { encodeOverlayMessage } from '../../src/mesh/overlay/protocol.ts';
import { encodeRpc } from '../../src/mesh/rpc/protocol.ts';
import { settle } from '../../src/mesh/testDoubles.ts';
import { encodeFrame } from '../../src/mesh/wire/frames.ts';
import { createSeededRandom, type SeededRandom } from '../simulation/random.ts';
import { mutate } from './mutate.ts';
import { createTown, echo, room, type WholeNode } from './wholeNode.ts';

/**
 * A tab that speaks every protocol and damages what it says, linked with whole nodes that go on talking with each other.
 * It must pay for it, and nobody else. `FUZZ_SEED=70` plays others; a failure names its seed.
 */
const firstSeed = Number(process.env['FUZZ_SEED'] ?? 1);
const seeds = Array.from({ length: 6 }, (_, index) => firstSeed + index);
/** Messages it gets to send at most; most are whole, so that it is no stranger to the state that the damaged ones meet. */
const attempts = 400;
const damagedShare = 0.1;
const perSecond = 20;
const heapGrowthMb = 16;

type Town = ReturnType<typeof createTown>;
type Stranger = Awaited<ReturnType<Town['openStranger']>>;

const openScene = async (seed: number) => {
  const town = createTown(seed);
  const nodes = [await town.openNode(), await town.openNode(), await town.openNode()] as const;
  const offender = await town.openStranger();
  await town.time.advance(3_000);
  const [victim] = nodes;
  expect(victim.overlay.neighbors()).toHaveLength(3);
  return { town, nodes, victim, offender };
};

/** What it could say in good faith now: each refers to what the victim knows. */
const createWords = async (
  { identity, peer }: Stranger,
  town: Town,
  victim: WholeNode,
  random: SeededRandom,
) => {
  let said = 0;
  const id = unwrap(await victim.broadcast.publish('app', utf8('known')));
  const seal = (topic: string, payload: Bytes) =>
    sealBroadcast(
      { v: 1, room, from: peer, topic, at: town.now(), nonce: new Uint8Array(16).fill(said++), payload },
      identity.nodeSigner,
    );
  const gossip = async (topic: string, payload: Bytes) => {
    const { id: own, bytes } = await seal(topic, payload);
    return encodeBroadcastMessage({ t: 'gossip', id: own, hops: 1, repair: false, message: bytes });
  };
  const letter = () =>
    signLetter(
      {
        v: 1,
        room,
        from: peer,
        to: victim.peer,
        id: new Uint8Array(16).fill(said++),
        at: town.now(),
        payload: utf8('x'),
      },
      identity.nodeSigner,
    );
  const record = () =>
    encodeRecord({
      v: 1,
      credentials: identity.credentials,
      lifetime: 60_000,
      capabilities: { models: [], gpu: false, memory: 0 as never, freeSlots: 1 },
      neighbors: [{ peer: victim.peer, rtt: 5 }],
      about: utf8('me'),
    });
  const words: Record<
    'broadcast' | 'overlay' | 'rpc' | 'letters',
    readonly (() => Bytes | Promise<Bytes>)[]
  > = {
    broadcast: [
      () => gossip('app', utf8(`words ${said}`)),
      () => gossip('peer', record()),
      // Signed by itself, and damaged before: believed by nobody, and no fault that can be seen.
      () => gossip('peer', mutate(record(), random)),
      () => encodeBroadcastMessage({ t: 'ihave', ids: [id] }),
      () => encodeBroadcastMessage({ t: 'graft', id }),
      () => encodeBroadcastMessage({ t: 'prune' }),
      () => encodeBroadcastMessage({ t: 'summary', sum: said }),
      () => encodeBroadcastMessage({ t: 'holding', ids: [id] }),
      () => encodeBroadcastMessage({ t: 'pull', ids: [id] }),
    ],
    overlay: [
      () => encodeOverlayMessage({ t: 'neighbor', urgent: true }),
      () => encodeOverlayMessage({ t: 'shuffle', peers: [victim.peer], ttl: 2, path: [peer] }),
      () => encodeOverlayMessage({ t: 'declined', peers: [] }),
      () => encodeOverlayMessage({ t: 'direct' }),
    ],
    rpc: [
      () => encodeRpc({ t: 'call', id: said++, m: echo.name, i: 'hello', d: 1_000 }),
      () => encodeRpc({ t: 'cancel', id: said }),
      () => encodeRpc({ t: 'ping', n: 1 }),
    ],
    letters: [
      async () => encodeLetterMessage({ t: 'letter', ttl: 3, letter: await letter() }),
      () => encodeLetterMessage({ t: 'ack', id: new Uint8Array(16), ack: utf8('no ack') }),
      () => encodeLetterMessage({ t: 'lost', id: new Uint8Array(16), why: 'no way' }),
    ],
  };
  return words;
};

/** The others' day goes on: a message to all, a letter, a call. */
const goOn = (nodes: readonly WholeNode[], round: number) => {
  const [victim, ana, ben] = nodes as readonly [WholeNode, WholeNode, WholeNode];
  void ana.broadcast.publish('app', utf8(`round ${round}`));
  return Promise.all([
    ben.post.send(victim.peer, utf8(`letter ${round}`), { deadline: milliseconds(20_000) }),
    ana.rpc.call(victim.peer, echo, `call ${round}`, { deadline: milliseconds(5_000) }),
  ]);
};

const collectGarbage = () => {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
};
const heapMb = () => {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20;
};

describe.each(seeds)('an offender from seed %i', (seed) => {
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown) => rejections.push(reason);
  beforeEach(() => void process.on('unhandledRejection', onRejection));
  afterEach(() => {
    process.off('unhandledRejection', onRejection);
    rejections.length = 0;
  });

  it.each(['broadcast', 'overlay', 'rpc', 'letters', 'frames'] as const)(
    'that damages %s is expelled, and nobody else pays',
    async (where) => {
      const random = createSeededRandom(seed).fork(where);
      const { town, nodes, victim, offender } = await openScene(seed);
      const words = await createWords(offender, town, victim, random);
      const channel = where === 'frames' ? await town.channelOf(offender.overlay, victim.peer) : undefined;
      const say = async () => {
        const kind = where === 'frames' ? 'broadcast' : where;
        const whole = await random.pick(words[kind])();
        const damage = random.next() < damagedShare;
        if (channel) {
          const frame = encodeFrame({
            kind: 'message',
            priority: 'control',
            channel: kind,
            id: 1,
            total: whole.byteLength,
            offset: 0,
            part: whole,
          });
          return channel.send(damage ? mutate(frame, random) : frame);
        }
        const { send } = offender.overlay.transport(kind as Exclude<Channel, 'greeting' | 'overlay'>);
        await send(victim.peer, damage ? mutate(whole, random) : whole, 'control');
      };
      const isLinked = () => victim.overlay.peers().some(({ peer }) => peer === offender.peer);
      const heapBefore = heapMb();
      const timersBefore = town.time.pending();
      const answered: Promise<unknown>[] = [];
      let sent = 0;
      for (; sent < attempts && isLinked(); sent++) {
        await say();
        if (sent % perSecond === 0) answered.push(goOn(nodes, sent));
        await town.time.advance(1_000 / perSecond);
      }
      const hint = `seed ${seed}, ${where}, after ${sent} messages`;
      answered.push(goOn(nodes, sent));
      await town.time.advance(30_000);
      await settle();
      expect(isLinked(), hint).toBe(false);
      expect(
        victim.blamed.map(({ peer }) => peer),
        hint,
      ).toContain(offender.peer);
      for (const node of nodes) {
        expect(
          node.blamed.filter(({ peer }) => peer !== offender.peer),
          hint,
        ).toEqual([]);
        expect(node.errors, hint).toEqual([]);
        expect(
          node.heard.filter((text) => text.startsWith('round')),
          hint,
        ).toHaveLength(answered.length);
        for (const other of nodes)
          if (other !== node) expect(node.overlay.neighbors(), hint).toContain(other.peer);
      }
      for (const results of await Promise.all(answered))
        for (const result of results as { ok: boolean }[]) expect(result, hint).toMatchObject({ ok: true });
      expect(rejections, hint).toEqual([]);
      expect(town.time.pending(), hint).toBeLessThanOrEqual(timersBefore + 10);
      expect(heapMb() - heapBefore, hint).toBeLessThan(heapGrowthMb);
    },
  );
});
