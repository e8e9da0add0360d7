/**
 * What a tab of a room of fifty pays for what others say: processor time of the whole process, its crypto threads too, by
 * the product's broadcast and directory, with real signatures and (what is our own share of it) without looking at them. Every message comes once along the tree from one of seven
 * neighbours, is passed on to another, and announced beside the tree by the rest, as in a settled room.
 */
import { readStatus } from '../../src/app/nodeRecord.ts';
import { milliseconds, type PeerId } from '../../src/core/brand.ts';
import type { Bytes } from '../../src/core/bytes.ts';
import { createEmitter } from '../../src/core/events.ts';
import type { CryptoPort } from '../../src/core/ports/crypto.ts';
import { silentTelemetry } from '../../src/core/ports/telemetry.ts';
import { createBroadcast } from '../../src/mesh/broadcast/broadcast.ts';
import { encodeBroadcastMessage } from '../../src/mesh/broadcast/wire.ts';
import { createDirectory } from '../../src/mesh/directory/directory.ts';
import { peerTopic } from '../../src/mesh/directory/record.ts';
import { meshTopics } from '../../src/mesh/p2p.ts';
import { createManualTime, createTestRandom } from '../../src/mesh/testDoubles.ts';
import { type BenchOptions, type BenchResult, median } from '../suite.ts';
import { type Arriving, crypto, openTabs, room, sealedNews, sealedRecord, type Tab } from './village.ts';

const tabs = 50;
const neighbors = 7;
const rounds = 30;
/** Those first rounds, in which the compiler learns, are not counted. */
const warmup = 10;
const epoch = 1_790_000_000_000;
/** Between two renewals of one tab. */
const roundMs = 60_000;

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const [own, ...others] = await openTabs(tabs + 1);
  if (!own) throw new Error('no tab was opened');
  const real = await measure(crypto, own, others);
  say(`with signatures: ${describe(real)}`);
  const unsigned = await measure({ ...crypto, verify: async () => true }, own, others);
  say(`without: ${describe(unsigned)}`);
  return {
    us_per_message: Math.round(median(real.messages)),
    us_per_record: Math.round(median(real.records)),
    us_per_first_record: Math.round(real.firstRecords),
    us_unsigned_message: Math.round(median(unsigned.messages)),
    us_unsigned_record: Math.round(median(unsigned.records)),
  };
};

const describe = ({ messages, records }: { readonly messages: number[]; readonly records: number[] }) =>
  `${Math.round(median(messages))} µs a message, ${Math.round(median(records))} µs a record`;

/** With the signatures of those whom it trusts: `checking` says what is paid to look at them. */
const measure = async (checking: CryptoPort, own: Tab, others: readonly Tab[]) => {
  const rig = createListener(checking, own, others.slice(0, neighbors));
  if (checking === crypto) await rig.verify(others[0] as Tab);
  await rig.pass(roundMs);
  const messages: number[] = [];
  const records: number[] = [];
  let firstRecords = 0;
  for (let round = 0; round < rounds; round++) {
    const news = await Promise.all(others.map((tab) => sealedNews(tab, rig.now())));
    const renewals = await Promise.all(others.map((tab) => sealedRecord(tab, rig.now(), rig.neighbors)));
    const message = await rig.cost(news);
    const record = await rig.cost(renewals);
    if (round === 0) firstRecords = record;
    if (round >= warmup) {
      messages.push(message);
      records.push(record);
    }
    await rig.pass(roundMs);
  }
  rig.close();
  return { messages, records, firstRecords };
};

const createListener = (crypto: CryptoPort, own: Tab, near: readonly Tab[]) => {
  const time = createManualTime();
  const messages = createEmitter<{ from: PeerId; bytes: Bytes }>();
  const changes = createEmitter<{ peer: PeerId; up: boolean }>();
  const blamed: string[] = [];
  // No polling: it would be counted.
  let onHeard = () => {};
  const now = () => milliseconds(epoch + time.clock.monotonic());
  const neighbors = near.map(({ identity }) => identity.peer);
  const shared = { ...time, crypto, random: createTestRandom(1), telemetry: silentTelemetry, now };
  const broadcast = createBroadcast(
    {
      ...shared,
      signer: own.identity.nodeSigner,
      neighborhood: {
        self: own.identity.peer,
        send: () => undefined,
        messages: messages.subscribe,
        neighbors: changes.subscribe,
        observe: (_peer, observation) => {
          if (observation === 'delivered') return;
          blamed.push(observation);
          onHeard();
        },
        rtt: () => 20,
      },
    },
    { room, topics: meshTopics },
  );
  const directory = createDirectory({
    ...shared,
    broadcast,
    overlay: {
      self: own.identity.peer,
      neighbors: () => neighbors,
      neighborChanges: () => () => {}, // it would tell of itself
      stats: () => undefined,
    },
    credentials: own.identity.credentials,
    own: () => {
      throw new Error('this tab only listens');
    },
    readAbout: readStatus,
  });
  // Two of the links belong to the tree: one to hear from, one to pass on to.
  const say = (from: PeerId, bytes: Bytes) => messages.emit({ from, bytes });
  const [nearest, next, ...beside] = neighbors;
  if (nearest === undefined || next === undefined) throw new Error('too few neighbours');
  for (const peer of neighbors) changes.emit({ peer, up: true });
  for (const peer of beside) say(peer, encodeBroadcastMessage({ t: 'prune' }));

  broadcast.subscribe('app', () => onHeard());
  broadcast.subscribe(peerTopic, () => setImmediate(() => onHeard())); // after the directory, which listens longer
  const heardOnce = () =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`a message did not arrive; blamed: ${blamed}`)),
        10_000,
      );
      onHeard = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  return {
    now,
    neighbors,
    pass: (ms: number) => time.advance(ms),
    /** µs of processor time for one of these. */
    async cost(arriving: readonly Arriving[]): Promise<number> {
      const announcements = arriving.map(({ id }) => encodeBroadcastMessage({ t: 'ihave', ids: [id] }));
      const before = process.cpuUsage();
      for (const [index, { bytes }] of arriving.entries()) {
        const heard = heardOnce();
        say(nearest, bytes);
        // One at a time: a tab of fifty hears about one a second.
        await heard;
        for (const peer of beside) say(peer, announcements[index] as Bytes);
      }
      const { user, system } = process.cpuUsage(before);
      if (blamed.length > 0) throw new Error(`a sound message was blamed: ${blamed.join(', ')}`);
      return (user + system) / arriving.length;
    },
    /** What is timed must work: a record is believed, and one with a changed byte is not. */
    async verify(tab: Tab) {
      const good = await sealedRecord(tab, now(), neighbors);
      const forged = { ...good, bytes: changed(good.bytes) };
      const refused = heardOnce();
      say(nearest, forged.bytes);
      await refused;
      if (blamed.splice(0).join() !== 'invalid') throw new Error('a forged record was not refused');
      say(nearest, good.bytes);
      await new Promise<void>((resolve) => void directory.records.subscribe(() => resolve()));
      const kept = directory.records.get().get(tab.identity.peer);
      if (kept?.about.name !== tab.name) throw new Error('a sound record was not believed');
    },
    close() {
      directory.close();
      broadcast.close();
    },
  };
};

/** What comes last in a gossip but its `repair` is the message, and last in that is its signature. */
const changed = (bytes: Bytes): Bytes => bytes.map((byte, i) => (i === bytes.length - 20 ? byte ^ 1 : byte));
