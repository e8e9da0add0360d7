import { describe, expect, it } from 'vitest';
import { byteCount, milliseconds, type PeerId, type Sha256 } from '../../core/brand.ts';
import { type Bytes, utf8 } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok, unwrap } from '../../core/result.ts';
import { openIdentity } from '../../identity/index.ts';
import { createHashCrypto, createTestIdentityDeps } from '../../identity/testDoubles.ts';
import type { NeighborChange, Overlay } from '../contracts.ts';
import { createManualTime, createTestRandom, settle } from '../testDoubles.ts';
import { createDirectory } from './directory.ts';
import { type Capabilities, decodeRecord, encodeRecord } from './record.ts';

const crypto = createHashCrypto();
const friend = 'f'.repeat(43) as PeerId;
const noCapabilities: Capabilities = { models: [], gpu: false, memory: byteCount(0), freeSlots: 0 };
type Told = { readonly from: PeerId; readonly at: number; readonly topic: string; readonly payload: Bytes };

/** Tabs that hear each other's broadcasts at once. */
const createTown = () => {
  const time = createManualTime();
  const told: Told[] = [];
  const listeners = new Set<(message: Told) => void>();
  let seed = 1;
  const open = async (capabilities: Partial<Capabilities> = {}) => {
    const { identity } = await openIdentity(createTestIdentityDeps(crypto));
    const neighborChanges = createEmitter<NeighborChange>();
    const own: { name: string; freeSlots?: number } = { name: 'first' };
    const measured = { rtt: 60 };
    const directory = createDirectory<string>({
      overlay: {
        self: identity.peer,
        neighbors: () => [friend],
        neighborChanges: neighborChanges.subscribe,
        stats: () => ({ rtt: measured.rtt }) as ReturnType<Overlay['stats']>,
      },
      broadcast: {
        async publish(topic, payload) {
          const message = {
            from: identity.peer,
            at: time.clock.now(),
            topic,
            payload: new Uint8Array(payload),
          };
          told.push(message);
          for (const listener of [...listeners]) listener(message);
          return ok('id');
        },
        async prepare(topic, payload) {
          const at = time.clock.now();
          return ok(() => {
            if (time.clock.now() - at > 900_000) return 'refused by all: too old';
            const message = { from: identity.peer, at, topic, payload: new Uint8Array(payload) };
            for (const listener of [...listeners]) listener(message);
            return 'id';
          });
        },
        subscribe(topic, listener) {
          const own = (message: Told) => {
            if (message.topic === topic) listener({ id: 'id', hops: 2, ...message });
          };
          listeners.add(own);
          return () => void listeners.delete(own);
        },
      },
      crypto,
      ...time,
      random: createTestRandom(seed++),
      telemetry: silentTelemetry,
      credentials: identity.credentials,
      own: () => {
        const { name, ...now } = own;
        return { capabilities: { ...noCapabilities, ...capabilities, ...now }, about: utf8(name) };
      },
      readAbout: (about) => {
        const text = new TextDecoder().decode(about);
        return text === 'lie' ? err(fault('about', 'a lie')) : ok(text);
      },
      now: () => time.clock.now(),
    });
    return {
      directory,
      own,
      measured,
      identity,
      peer: identity.peer,
      meet: () => neighborChanges.emit({ peer: 'somebody' as PeerId, up: true }),
      names: () => [...directory.records.get().values()].map(({ about }) => about),
    };
  };
  const hear = (message: Told) => {
    for (const listener of [...listeners]) listener(message);
  };
  return { time, told, open, hear };
};

describe('a directory', () => {
  it('tells the swarm of this tab once it has a neighbour, and hears of others', async () => {
    const { time, told, open } = createTown();
    const [ana, ben] = [await open(), await open()];
    await time.advance(30_000);
    expect(told).toEqual([]); // nobody is near who could pass it on
    ana.meet();
    await time.advance(1_500);
    expect(ben.names()).toEqual(['first']);
    expect(ben.directory.records.get().get(ana.peer)).toMatchObject({
      identity: { account: ana.identity.account, device: ana.identity.device },
      hops: 2,
    });
    expect(ana.names()).toEqual([]); // not of itself
  });

  it('tells that it has room again, and not of every task in between', async () => {
    const { time, told, open } = createTown();
    const [ana, ben] = [await open({ freeSlots: 1 }), await open()];
    const benFinds = () => ben.directory.discover({ freeSlots: 1 }).length;
    ana.meet();
    await time.advance(10_000);
    expect([told.length, benFinds()]).toEqual([1, 1]);
    for (let task = 0; task < 20; task++) {
      ana.own.freeSlots = 0;
      await time.advance(900);
      ana.own.freeSlots = 1;
      await time.advance(100);
    }
    ana.own.freeSlots = 0;
    await time.advance(12_000);
    expect(benFinds()).toBe(0);
    ana.own.freeSlots = 1;
    await time.advance(12_000);
    expect(benFinds()).toBe(1);
    expect(told.length).toBeLessThanOrEqual(5);
  });

  it('makes one broadcast of a burst of changes, and none more often than every five seconds', async () => {
    const { time, told, open } = createTown();
    const ana = await open();
    ana.meet();
    await time.advance(1_100);
    for (let change = 0; change < 20; change++) {
      ana.own.name = `name ${change}`;
      ana.directory.publish();
      await time.advance(100);
    }
    await time.advance(10_000);
    expect(told).toHaveLength(2);
    expect(told[1]!.at - told[0]!.at).toBeGreaterThanOrEqual(5_000);
  });

  it('renews its record while it lives, and is forgotten some minutes after it died', async () => {
    const { time, told, open } = createTown();
    const [ana, ben] = [await open(), await open()];
    ana.meet();
    await time.advance(600_000);
    expect(told.length).toBeGreaterThanOrEqual(7);
    expect(told.length).toBeLessThanOrEqual(9);
    expect(ben.names()).toEqual(['first']);
    ana.directory.close();
    const toldAgo = time.clock.now() - told.at(-1)!.at;
    await time.advance(150_000 - toldAgo - 1_000);
    expect(ben.names()).toEqual(['first']);
    await time.advance(7_000);
    expect(ben.names()).toEqual([]);
  });

  it('tells of a change, and of nothing when a record is only renewed', async () => {
    const { time, open } = createTown();
    const [ana, ben] = [await open(), await open()];
    const changes: (readonly string[])[] = [];
    ben.directory.records.subscribe(() => changes.push(ben.names()));
    ana.meet();
    await time.advance(400_000);
    expect(changes).toEqual([['first']]);
    ana.own.name = 'second';
    ana.directory.publish();
    await time.advance(200_000);
    ana.measured.rtt = 90;
    await time.advance(200_000);
    expect(changes).toEqual([['first'], ['second'], ['second']]);
    expect(ben.directory.records.get().get(ana.peer)?.neighbors).toEqual([{ peer: friend, rtt: 90 }]);
  });

  it('takes two measurements of one round trip for one', async () => {
    const { time, told, open } = createTown();
    const ana = await open();
    ana.meet();
    for (const rtt of [60, 52, 71, 45, 79]) {
      ana.measured.rtt = rtt;
      ana.directory.publish();
      await time.advance(10_000);
    }
    const rtts = told.map(({ payload }) => unwrap(decodeRecord(payload)).neighbors[0]?.rtt);
    expect(rtts).toEqual([60, 60, 60, 60, 60]);
    ana.measured.rtt = 81;
    ana.directory.publish();
    await time.advance(10_000);
    expect(unwrap(decodeRecord(told[5]!.payload)).neighbors).toEqual([{ peer: friend, rtt: 81 }]);
  });

  it('forgets at once who says goodbye, and believes no older word of it', async () => {
    const { time, told, open, hear } = createTown();
    const [ana, ben] = [await open(), await open()];
    ana.meet();
    await time.advance(2_000);
    ana.directory.leave();
    await settle();
    expect(ben.names()).toEqual([]);
    hear(told[0]!);
    await settle();
    expect(ben.names()).toEqual([]);
  });

  it('says goodbye in a large swarm too, where records are renewed too seldom to carry one along', async () => {
    const { time, told, open, hear } = createTown();
    const [ana, ben] = [await open(), await open()];
    for (let i = 0; i < 700; i++) {
      const { identity } = await openIdentity(createTestIdentityDeps(crypto));
      const record = { v: 1 as const, lifetime: 3_600_000, capabilities: noCapabilities, neighbors: [] };
      const { credentials, peer } = identity;
      const payload = encodeRecord({ ...record, credentials, about: utf8('one of many') });
      hear({ from: peer, at: 0, topic: 'peer', payload });
    }
    await settle();
    ana.meet();
    await time.advance(16 * 60_000);
    expect(told).toHaveLength(1);
    expect(ben.directory.records.get().size).toBe(701);
    ana.directory.leave();
    await settle();
    expect(ben.directory.records.get().has(ana.peer)).toBe(false);
  });

  it('takes the newest of a tab’s records, in whatever order they come', async () => {
    const { time, told, open, hear } = createTown();
    const [ana, ben] = [await open(), await open()];
    ana.meet();
    await time.advance(2_000);
    ana.own.name = 'second';
    ana.directory.publish();
    await time.advance(10_000);
    hear(told[0]!);
    await settle();
    expect(ben.names()).toEqual(['second']);
  });

  it('believes nobody who shows another’s credentials, none, or lies about itself', async () => {
    const { time, told, open, hear } = createTown();
    const [ana, ben, eve] = [await open(), await open(), await open()];
    ana.meet();
    await time.advance(2_000);
    ben.directory.forget(ana.peer);
    hear({ ...told[0]!, from: eve.peer, at: 99_000 });
    const record = { v: 1 as const, lifetime: 60_000, capabilities: noCapabilities, neighbors: [] };
    hear({
      from: eve.peer,
      at: 99_001,
      topic: 'peer',
      payload: encodeRecord({ ...record, credentials: eve.identity.credentials, about: utf8('lie') }),
    });
    hear({ from: eve.peer, at: 99_002, topic: 'peer', payload: utf8('noise') });
    await settle();
    expect(ben.names()).toEqual([]);
  });

  it('finds those that have what is wanted, those with most room first', async () => {
    const { time, open } = createTown();
    const model = 'a'.repeat(64) as Sha256;
    const tabs = [
      await open({ freeSlots: 1, models: [model] }),
      await open({ freeSlots: 4, models: [model], gpu: true, memory: byteCount(8 * 2 ** 30) }),
      await open({ freeSlots: 2 }),
    ];
    for (const tab of tabs) tab.meet();
    const seeker = await open();
    await time.advance(2_000);
    const found = (wanted: Parameters<typeof seeker.directory.discover>[0]) =>
      seeker.directory
        .discover(wanted)
        .map(({ identity }) => tabs.findIndex(({ peer }) => peer === identity.peer));
    expect(found({})).toEqual([1, 2, 0]);
    expect(found({ model })).toEqual([1, 0]);
    expect(found({ freeSlots: 2 })).toEqual([1, 2]);
    expect(found({ gpu: true })).toEqual([1]);
    expect(found({ memory: 16 * 2 ** 30 })).toEqual([]);
  });

  it('leaves no timer when it is closed', async () => {
    const { time, open } = createTown();
    const ana = await open();
    ana.meet();
    await time.advance(2_000);
    ana.directory.close();
    expect(time.pending()).toBe(0);
  });
});

describe('a peer record', () => {
  it.each([
    ['noise', utf8('noise')],
    ['too many neighbours', undefined],
  ])('is not read from %s', (_name, bytes) => {
    const neighbors = Array.from({ length: 13 }, () => ({ peer: 'p'.repeat(43) as PeerId, rtt: 1 }));
    const record = {
      v: 1 as const,
      lifetime: milliseconds(1),
      capabilities: noCapabilities,
      about: utf8(''),
    };
    const crowded = encodeRecord({ ...record, credentials: {} as never, neighbors });
    expect(decodeRecord(bytes ?? crowded).ok).toBe(false);
  });
});
