import { describe, expect, it, vi } from 'vitest';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { utf8 } from '../../core/bytes.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { unwrap } from '../../core/result.ts';
import { peerIdOf } from '../../identity/ids.ts';
import { createHashCrypto } from '../../identity/testDoubles.ts';
import { createManualTime, createTestRandom, settle } from '../testDoubles.ts';
import { createBroadcast, type Heard } from './broadcast.ts';
import { type BroadcastBody, sealBroadcast, type Topics } from './message.ts';
import { plumtreeDefaults } from './plumtreeTypes.ts';
import { createNeighborhoodHub } from './testDoubles.ts';
import type { BroadcastMessage } from './wire.ts';

const room = 'r'.repeat(43) as RoomId;
const topics: Topics = {
  news: { critical: false, maxBytes: 100 },
  alarm: { critical: true, maxBytes: 100 },
};
const epoch = 1_790_000_000_000;
const minute = 60_000;
const tickMs = 5_000;

/** A room in which some tabs run the program and strangers say what the test lets them say. */
const createRoom = (crypto: CryptoPort = createHashCrypto()) => {
  const time = createManualTime();
  const hub = createNeighborhoodHub();
  const now = () => epoch + time.clock.monotonic();
  let seeds = 0;
  const join = async () => {
    const signer = await crypto.signingKeyFromSeed(new Uint8Array(32).fill(++seeds));
    const peer = peerIdOf(signer.publicKey);
    return { peer, signer, ...hub.join(peer) };
  };
  return {
    time,
    hub,
    now,
    async openTab() {
      const member = await join();
      const broadcast = createBroadcast(
        {
          neighborhood: member.neighborhood,
          signer: member.signer,
          crypto,
          ...time,
          random: createTestRandom(seeds),
          telemetry: silentTelemetry,
          now,
        },
        { room, topics, tickMs },
      );
      const heard: Heard[] = [];
      for (const topic of ['news', 'alarm']) broadcast.subscribe(topic, (message) => heard.push(message));
      return { ...member, broadcast, heard, texts: () => heard.map(({ payload }) => textOf(payload)) };
    },
    async openStranger() {
      const stranger = await join();
      let nonces = 0;
      const seal = async (change: Partial<BroadcastBody> = {}) => {
        const nonce = new Uint8Array(16).fill(nonces++);
        const news = { topic: 'news', at: now(), nonce, payload: utf8('hello') };
        const { id, bytes } = await sealBroadcast(
          { v: 1, room, from: stranger.peer, ...news, ...change },
          stranger.signer,
        );
        return { t: 'gossip', id, hops: 0, repair: false, message: bytes } as const;
      };
      return { ...stranger, seal };
    },
  };
};
/** Signed by nobody: the last byte of a message is one of its signature's. */
const forgedFrom = ({ message, ...rest }: Sealed): Sealed => ({
  ...rest,
  message: message.map((byte, i) => (i === message.length - 1 ? byte ^ 1 : byte)),
});
const textOf = (payload: Uint8Array) => new TextDecoder().decode(payload);
type Room = ReturnType<typeof createRoom>;
type Stranger = Awaited<ReturnType<Room['openStranger']>>;
type Sealed = Awaited<ReturnType<Stranger['seal']>>;

/** stranger — tab — witness: what the tab passes on, the witness sees. */
const createPath = async (crypto?: CryptoPort) => {
  const test = createRoom(crypto);
  const [stranger, tab, witness] = [
    await test.openStranger(),
    await test.openTab(),
    await test.openStranger(),
  ];
  test.hub.link(tab.peer, stranger.peer);
  test.hub.link(tab.peer, witness.peer);
  await settle();
  const passedOn = () => witness.saw('gossip').length;
  const tell = async (...messages: readonly BroadcastMessage[]) => {
    for (const message of messages) stranger.say(tab.peer, message);
    await settle();
  };
  return { ...test, stranger, tab, witness, passedOn, tell };
};

/** Real checks that end when the test says so, in the order it says. */
const createSlowCrypto = () => {
  const real = createHashCrypto();
  const waiting: (() => void)[] = [];
  const crypto: CryptoPort = {
    ...real,
    verify: (...args) =>
      new Promise((resolve) => waiting.push(() => void real.verify(...args).then(resolve))),
  };
  return {
    crypto,
    waiting: () => waiting.length,
    async finish() {
      waiting.shift()?.();
      await settle();
    },
  };
};

describe('ten tabs that are joined', () => {
  const createTen = async () => {
    const test = createRoom();
    const tabs = await Promise.all(Array.from({ length: 10 }, () => test.openTab()));
    for (let i = 0; i < 10; i++)
      for (const step of [1, 3]) test.hub.link(tabs[i]!.peer, tabs[(i + step) % 10]!.peer);
    await settle();
    const payloads = () =>
      tabs.flatMap(({ sent }) => sent.filter(({ message }) => message.t === 'gossip')).length;
    return { ...test, tabs, payloads };
  };

  it('all hear what each of them says, once', async () => {
    const { tabs } = await createTen();
    for (const [i, { broadcast }] of tabs.entries()) await broadcast.publish('news', utf8(`from ${i}`));
    await settle();
    const said = tabs.map((_, i) => `from ${i}`);
    for (const tab of tabs) {
      expect(tab.texts().toSorted()).toEqual(said);
      expect(tab.blamed()).toEqual([]);
      for (const { from, payload, at } of tab.heard) {
        expect(from).toBe(tabs[Number(textOf(payload).slice(5))]!.peer);
        expect(at).toBe(epoch);
      }
    }
  });

  it('count how far it came', async () => {
    const { tabs } = await createTen();
    await tabs[0]!.broadcast.publish('news', utf8('x'));
    await settle();
    expect(tabs[0]!.heard[0]!.hops).toBe(0);
    expect(tabs[1]!.heard[0]!.hops).toBe(1);
    expect(Math.max(...tabs.map(({ heard }) => heard[0]!.hops))).toBeGreaterThan(1);
  });

  it('form a tree: after the first messages each is sent to each once', async () => {
    const { tabs, payloads } = await createTen();
    const costs: number[] = [];
    for (let i = 0; i < 5; i++) {
      const before = payloads();
      await tabs[0]!.broadcast.publish('news', utf8(`${i}`));
      await settle();
      costs.push(payloads() - before);
    }
    expect(costs[0]).toBeGreaterThan(9);
    expect(costs.at(-1)).toBe(9);
  });

  it('announce beside the tree in a moment, and once between two', async () => {
    const { tabs, time } = await createTen();
    for (let i = 0; i < 5; i++) await tabs[0]!.broadcast.publish('news', utf8(`${i}`));
    await settle();
    await time.advance(200);
    const announced = () =>
      tabs.flatMap(({ sent }) => sent.filter(({ message }) => message.t === 'ihave')).length;
    const before = announced();
    for (const words of ['a', 'b', 'c']) {
      await tabs[0]!.broadcast.publish('news', utf8(words));
      await settle();
    }
    expect(announced()).toBe(before);
    await time.advance(200);
    // 20 links, 9 of them the tree's: three messages, one announcement on each of the others, one way.
    expect(announced() - before).toBe(11);
    for (const tab of tabs) expect(tab.blamed()).toEqual([]);
  });

  it('send what is critical along every link, and keep their tree', async () => {
    const { tabs, payloads } = await createTen();
    for (let i = 0; i < 5; i++) {
      await tabs[0]!.broadcast.publish('news', utf8(`${i}`));
      await settle();
    }
    let before = payloads();
    const gossips = () => tabs[0]!.sent.filter(({ message }) => message.t === 'gossip').length;
    const own = gossips();
    await tabs[0]!.broadcast.publish('alarm', utf8('!'));
    await settle();
    expect(gossips() - own).toBe(4);
    // Each of 20 links, but not back to the one who told first.
    expect(payloads() - before).toBeGreaterThanOrEqual(2 * 20 - 2 * 9);
    for (const tab of tabs) expect(tab.texts().at(-1)).toBe('!');
    before = payloads();
    await tabs[0]!.broadcast.publish('news', utf8('after'));
    await settle();
    expect(payloads() - before).toBe(9);
  });

  it('find what they missed while they were apart', async () => {
    const test = createRoom();
    const [one, other] = [await test.openTab(), await test.openTab()];
    await one.broadcast.publish('news', utf8('one'));
    await other.broadcast.publish('news', utf8('other'));
    test.hub.link(one.peer, other.peer);
    await settle();
    for (const tab of [one, other]) expect(tab.texts().toSorted()).toEqual(['one', 'other']);
  });

  it('tell a newcomer what they keep: the last twelve minutes', async () => {
    const test = createRoom();
    const [tab, early, late] = [await test.openTab(), await test.openTab(), await test.openTab()];
    await tab.broadcast.publish('news', utf8('x'));
    await test.time.advance(12 * minute - tickMs);
    test.hub.link(tab.peer, early.peer);
    await settle();
    expect(early.texts()).toEqual(['x']);
    await test.time.advance(2 * tickMs);
    test.hub.link(tab.peer, late.peer);
    await settle();
    expect(late.texts()).toEqual([]);
  });

  it('compare what they keep with one neighbour at every tick, and fetch what was lost', async () => {
    const { tab, stranger, witness, time, tell } = await createPath();
    const compared = () => stranger.saw('summary').length + witness.saw('summary').length;
    const before = compared();
    await time.advance(3 * tickMs);
    expect(compared()).toBe(before + 3);
    const lost = await stranger.seal();
    await tell({ t: 'holding', ids: [lost.id] });
    expect(stranger.saw('pull').map(({ message }) => message)).toEqual([{ t: 'pull', ids: [lost.id] }]);
    await tell({ ...lost, repair: true });
    expect(tab.heard).toHaveLength(1);
  });
});

describe('what a neighbour sends', () => {
  it('is delivered and passed on as it came if it is sound', async () => {
    const { stranger, tab, witness, tell } = await createPath();
    const gossip = await stranger.seal();
    await tell(gossip);
    expect(tab.heard).toEqual([
      { id: gossip.id, from: stranger.peer, at: epoch, payload: utf8('hello'), hops: 1 },
    ]);
    expect(witness.saw('gossip').map(({ message }) => message)).toEqual([{ ...gossip, hops: 1 }]);
    expect(tab.observed).toEqual([[stranger.peer, 'delivered']]);
  });

  it('is delivered once, and checked once, however often it comes', async () => {
    const crypto = createHashCrypto();
    const verify = vi.spyOn(crypto, 'verify');
    const { stranger, tab, witness, tell, passedOn } = await createPath(crypto);
    const gossip = await stranger.seal();
    await tell(gossip, gossip);
    witness.say(tab.peer, gossip);
    await settle();
    expect(tab.heard).toHaveLength(1);
    expect(passedOn()).toBe(1);
    expect(verify).toHaveBeenCalledTimes(1);
    expect(witness.saw('prune')).toHaveLength(1);
    expect(tab.broadcast.stats()).toMatchObject({ delivered: 1, duplicates: 2 });
    expect(tab.blamed()).toEqual([]);
  });

  const replaced = async (stranger: Stranger, change: Partial<BroadcastMessage>) =>
    ({ ...(await stranger.seal()), ...change }) as BroadcastMessage;
  it.each<[string, (stranger: Stranger) => Promise<BroadcastMessage>]>([
    ['is forged', async (stranger) => forgedFrom(await stranger.seal())],
    ['names another sender', (stranger) => stranger.seal({ from: 'p'.repeat(43) as PeerId })],
    ['is of another room', (stranger) => stranger.seal({ room: 's'.repeat(43) as RoomId })],
    ['comes under another name', (stranger) => replaced(stranger, { id: `${'x'.repeat(21)}A` })],
    ['is no broadcast', (stranger) => replaced(stranger, { message: utf8('hello') })],
  ])('counts against it if it %s, and goes no further', async (_name, forge) => {
    const { stranger, tab, tell, passedOn } = await createPath();
    await tell(await forge(stranger));
    expect([tab.heard, passedOn()]).toEqual([[], 0]);
    expect(tab.blamed()).toEqual([[stranger.peer, 'invalid']]);
    expect(tab.broadcast.stats().invalid).toBe(1);
  });

  it('counts against it if it can not be read', async () => {
    const { stranger, tab } = await createPath();
    tab.messages.emit({ from: stranger.peer, bytes: utf8('?') });
    expect(tab.blamed()).toEqual([[stranger.peer, 'invalid']]);
  });

  it.each<[string, Partial<BroadcastBody>]>([
    ['old', { at: epoch - 16 * minute }],
    ['dated ahead', { at: epoch + 6 * minute }],
    ['of an unknown topic', { topic: 'gossip' }],
    ['longer than its topic allows', { payload: new Uint8Array(101) }],
  ])("that is %s goes no further, is not asked for again, and is nobody's fault", async (_name, change) => {
    const { stranger, tab, tell, passedOn, time } = await createPath();
    const gossip = await stranger.seal(change);
    await tell({ t: 'ihave', ids: [gossip.id] });
    await time.advance(400);
    expect(stranger.saw('graft')).toHaveLength(1);
    await tell(gossip);
    await tell({ t: 'holding', ids: [gossip.id] }, { t: 'ihave', ids: [gossip.id] });
    await time.advance(2_000);
    expect([tab.heard, passedOn(), tab.blamed()]).toEqual([[], 0, []]);
    expect([stranger.saw('pull'), stranger.saw('graft').length]).toEqual([[], 1]);
    expect(tab.broadcast.stats().unusable).toBe(1);
  });

  it('under the name of a good message does not keep that one out', async () => {
    const { stranger, tab, tell } = await createPath();
    const [good, old] = [await stranger.seal(), await stranger.seal({ at: epoch - 16 * minute })];
    await tell({ ...old, id: good.id });
    await tell(good);
    expect(tab.heard).toHaveLength(1);
    expect(tab.blamed()).toEqual([[stranger.peer, 'invalid']]);
  });

  it('is handled in its order, however long one takes to check', async () => {
    const { crypto, waiting, finish } = createSlowCrypto();
    const { stranger, tab, tell } = await createPath(crypto);
    await tell(await stranger.seal({ payload: utf8('1') }), await stranger.seal({ payload: utf8('2') }), {
      t: 'prune',
    });
    expect(waiting()).toBe(1);
    await finish();
    await finish();
    expect(tab.texts()).toEqual(['1', '2']);
  });

  it('is a flood if more waits to be checked than it could send in good faith', async () => {
    const { crypto, finish } = createSlowCrypto();
    const { stranger, tab, tell } = await createPath(crypto);
    await tell(await stranger.seal());
    await tell(...Array.from({ length: 640 }, () => ({ t: 'prune' }) as const));
    expect(tab.blamed()).toEqual([]);
    await tell({ t: 'prune' });
    expect(tab.blamed()).toEqual([[stranger.peer, 'flood']]);
    await finish();
    await tell(await stranger.seal());
    await finish();
    expect(tab.heard).toHaveLength(2);
  });

  it('is dropped if it went away while its message was checked, and if it came back', async () => {
    const { crypto, finish } = createSlowCrypto();
    const { stranger, tab, tell, hub, passedOn } = await createPath(crypto);
    await tell(await stranger.seal(), await stranger.seal());
    hub.cut(tab.peer, stranger.peer);
    await finish();
    expect([tab.heard, passedOn()]).toEqual([[], 0]);
    hub.link(tab.peer, stranger.peer);
    await tell(await stranger.seal());
    hub.cut(tab.peer, stranger.peer);
    hub.link(tab.peer, stranger.peer);
    await finish();
    expect([tab.heard, passedOn(), tab.blamed()]).toEqual([[], 0, []]);
  });

  it('is told once if two neighbours brought it while it was checked', async () => {
    const { crypto, finish } = createSlowCrypto();
    const { stranger, tab, witness, tell } = await createPath(crypto);
    const gossip = await stranger.seal();
    await tell(gossip);
    witness.say(tab.peer, gossip);
    await settle();
    await finish();
    await finish();
    expect(tab.broadcast.stats()).toMatchObject({ delivered: 1, duplicates: 1 });
    expect(witness.saw('prune')).toHaveLength(1);
  });

  it('is the last it hears, once it has gone', async () => {
    const { stranger, tab, hub, time } = await createPath();
    hub.cut(tab.peer, stranger.peer);
    const before = tab.sent.length;
    await tab.broadcast.publish('alarm', utf8('x'));
    await time.advance(5 * tickMs);
    expect(tab.sent.slice(before).filter(({ to }) => to === stranger.peer)).toEqual([]);
  });

  it('may cost it its place at once', async () => {
    const { stranger, tab, hub, tell, time } = await createPath();
    tab.neighborhood.observe = () => hub.cut(tab.peer, stranger.peer);
    await tell({ t: 'ihave', ids: [(await stranger.seal()).id] });
    await time.advance(600);
    const before = tab.sent.length;
    await tab.broadcast.publish('alarm', utf8('x'));
    expect(tab.sent.slice(before).filter(({ to }) => to === stranger.peer)).toEqual([]);
  });

  it('is not heard from who is no neighbour', async () => {
    const { stranger, tab, hub } = await createPath();
    const gossip = await stranger.seal();
    hub.cut(tab.peer, stranger.peer);
    tab.messages.emit({ from: stranger.peer, bytes: utf8('?') });
    stranger.say(tab.peer, gossip);
    await settle();
    expect([tab.heard, tab.blamed()]).toEqual([[], []]);
  });

  it('that was announced and does not come is asked for, and then is a broken promise', async () => {
    const { stranger, tab, tell, time } = await createPath();
    const { id } = await stranger.seal();
    await tell({ t: 'ihave', ids: [id] });
    await time.advance(plumtreeDefaults.patience - 1);
    expect(stranger.saw('graft')).toEqual([]);
    await time.advance(1);
    expect(stranger.saw('graft').map(({ message }) => message)).toEqual([{ t: 'graft', id }]);
    await time.advance(250);
    expect(tab.blamed()).toEqual([[stranger.peer, 'broken-promise']]);
  });
});

describe('one origin', () => {
  const many = (count: number, seal: Stranger['seal']) =>
    Promise.all(Array.from({ length: count }, (_, i) => seal({ payload: utf8(`${i}`) })));

  it('may spread thirty at once and two a second; the rest goes no further, and counts against it', async () => {
    const { stranger, tab, tell, passedOn, time } = await createPath();
    await tell(...(await many(32, stranger.seal)));
    expect([tab.heard.length, passedOn()]).toEqual([30, 30]);
    expect(tab.blamed()).toEqual([
      [stranger.peer, 'flood'],
      [stranger.peer, 'flood'],
    ]);
    await time.advance(1_000);
    await tell(...(await many(3, stranger.seal)));
    expect([tab.heard.length, tab.broadcast.stats().flooded]).toEqual([32, 3]);
  });

  it('counts against nobody else', async () => {
    const { tab, tell, stranger, witness } = await createPath();
    await tell(...(await many(40, witness.seal)));
    expect([tab.heard.length, tab.blamed()]).toEqual([30, []]);
    await tell(await stranger.seal());
    expect(tab.heard).toHaveLength(31);
  });

  it('does not use up the share of another by forging', async () => {
    const { stranger, witness, tab, tell } = await createPath();
    const genuine = await witness.seal();
    for (const gossip of await many(40, witness.seal)) await tell(forgedFrom(gossip));
    await tell(genuine);
    expect(tab.heard).toHaveLength(1);
    expect(new Set(tab.blamed().map(([peer]) => peer))).toEqual(new Set([stranger.peer]));
  });

  it('may answer with all that it was asked for', async () => {
    const { stranger, tab, tell, time } = await createPath();
    const gossips = await many(100, stranger.seal);
    await tell({ t: 'holding', ids: gossips.slice(0, 60).map(({ id }) => id) });
    await tell(...gossips.slice(0, 60).map((gossip) => ({ ...gossip, repair: true })));
    await tell({ t: 'ihave', ids: gossips.slice(60).map(({ id }) => id) });
    await time.advance(350);
    await tell(...gossips.slice(60));
    expect([tab.heard.length, tab.blamed()]).toEqual([100, []]);
  });

  it('can not call a flood an answer', async () => {
    const { stranger, tab, tell } = await createPath();
    await tell(...(await many(40, stranger.seal)).map((gossip) => ({ ...gossip, repair: true })));
    expect(tab.heard).toHaveLength(30);
    expect(tab.blamed()).toHaveLength(10);
  });
});

describe('publishing', () => {
  it('tells this tab too, in the words of the moment it was called', async () => {
    const { tab, passedOn } = await createPath();
    const payload = utf8('first');
    const published = tab.broadcast.publish('news', payload);
    payload.set(utf8('later'));
    const id = unwrap(await published);
    await settle();
    expect(tab.heard).toEqual([{ id, from: tab.peer, at: epoch, payload: utf8('first'), hops: 0 }]);
    expect([passedOn(), tab.observed]).toEqual([1, []]);
  });

  it('waits for nobody if it is critical', async () => {
    const { tab, stranger, witness, tell } = await createPath();
    await tell({ t: 'prune' });
    await tab.broadcast.publish('news', utf8('x'));
    await settle();
    expect([stranger.saw('gossip').length, witness.saw('gossip').length]).toEqual([0, 1]);
    await tab.broadcast.publish('alarm', utf8('!'));
    await settle();
    expect([stranger.saw('gossip').length, witness.saw('gossip').length]).toEqual([1, 2]);
  });

  it('is refused where all others would refuse it', async () => {
    const { tab, passedOn } = await createPath();
    const { publish } = tab.broadcast;
    expect(await publish('gossip', utf8('x'))).toMatchObject({ ok: false, error: { code: 'topic' } });
    expect(await publish('constructor', utf8('x'))).toMatchObject({ ok: false, error: { code: 'topic' } });
    expect(await publish('news', new Uint8Array(101))).toMatchObject({
      ok: false,
      error: { code: 'too-large', message: expect.stringMatching(/101 bytes of news, at most 100/) },
    });
    await settle();
    expect([tab.heard, passedOn()]).toEqual([[], 0]);
  });

  it('more often than others pass on is refused here, before anybody is blamed for it', async () => {
    const test = createRoom();
    const [tab, other] = [await test.openTab(), await test.openTab()];
    test.hub.link(tab.peer, other.peer);
    const results = [];
    for (let i = 0; i < 40; i++) results.push(await tab.broadcast.publish('news', utf8(`${i}`)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(20);
    expect(results.at(-1)).toMatchObject({ ok: false, error: { code: 'rate' } });
    await test.time.advance(2_000);
    expect(await tab.broadcast.publish('news', utf8('again'))).toMatchObject({ ok: true });
    await settle();
    expect([other.heard.length, other.blamed()]).toEqual([21, []]);
  });

  it('tells every subscriber, even if one of them fails, and none that has left', async () => {
    const { tab } = await createPath();
    const told: string[] = [];
    tab.broadcast.subscribe('news', () => {
      throw new Error('a bug');
    });
    tab.broadcast.subscribe('news', () => told.push('stays'));
    tab.broadcast.subscribe('alarm', () => told.push('other topic'));
    tab.broadcast.subscribe('news', () => told.push('left'))();
    await tab.broadcast.publish('news', utf8('x'));
    expect(told).toEqual(['stays']);
  });
});

describe('closing', () => {
  it('ends what is being checked, and neither hears nor says anything more', async () => {
    const { crypto, finish } = createSlowCrypto();
    const { stranger, tab, witness, tell } = await createPath(crypto);
    const sign = vi.spyOn(tab.signer, 'sign');
    witness.say(tab.peer, forgedFrom(await stranger.seal()));
    await tell(await stranger.seal());
    const { sent } = tab.broadcast.stats();
    tab.broadcast.close();
    tab.broadcast.close();
    await finish();
    await finish();
    await tell(await stranger.seal());
    expect(await tab.broadcast.publish('news', utf8('x'))).toMatchObject({
      ok: false,
      error: { code: 'closed' },
    });
    expect([tab.heard, tab.blamed(), tab.broadcast.stats().sent]).toEqual([[], [], sent]);
    expect(sign).not.toHaveBeenCalled();
  });

  it('leaves no timer, even for what was announced, dropped and announced again', async () => {
    const { stranger, tab, tell, time } = await createPath();
    for (let i = 0; i < 30; i++) await tell(await stranger.seal());
    const surplus = await stranger.seal();
    const announcement = { t: 'ihave', ids: [surplus.id] } as const;
    await tell(announcement, surplus, announcement);
    expect(time.pending()).toBe(2); // this one's, and the tick
    tab.broadcast.close();
    expect(time.pending()).toBe(0);
  });

  it('may be what a subscriber does when it hears a message: nothing is passed on any more', async () => {
    const { stranger, tab, tell, passedOn } = await createPath();
    tab.broadcast.subscribe('news', () => tab.broadcast.close());
    await tell(await stranger.seal());
    expect([tab.heard.length, passedOn()]).toEqual([1, 0]);
  });

  it('drops what is being signed', async () => {
    const { tab, passedOn } = await createPath();
    const publishing = tab.broadcast.publish('news', utf8('x'));
    tab.broadcast.close();
    expect(await publishing).toMatchObject({ ok: false, error: { code: 'closed' } });
    await settle();
    expect([tab.heard, passedOn()]).toEqual([[], 0]);
  });
});
