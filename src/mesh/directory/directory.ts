import { createBoundedMap } from '../../core/boundedMap.ts';
import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import { type Bytes, equalBytes } from '../../core/bytes.ts';
import { createStore, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { type Fault, ok, type Result } from '../../core/result.ts';
import { verifyCredentials } from '../../identity/certificates.ts';
import type { Credentials, PeerIdentity } from '../../identity/types.ts';
import type { Broadcast } from '../broadcast/broadcast.ts';
import type { Overlay } from '../contracts.ts';
import {
  type Capabilities,
  decodeRecord,
  encodeRecord,
  leftTopic,
  type NeighborLink,
  peerTopic,
  recordLimits,
} from './record.ts';

export type PeerRecord<About> = {
  readonly identity: PeerIdentity;
  readonly capabilities: Capabilities;
  readonly neighbors: readonly NeighborLink[];
  readonly about: About;
  /** Broadcast hops from there to here, by the way it came when it last said something new. */
  readonly hops: number;
};

export type Wanted = {
  readonly model?: Capabilities['models'][number];
  readonly gpu?: boolean;
  readonly memory?: number;
  readonly freeSlots?: number;
};

export interface Directory<About> {
  /**
   * Everybody whose record has not expired, without this tab. A renewal that says nothing new changes nothing here: what
   * is heard of thousands must not be worked through again each time.
   */
  readonly records: Store<ReadonlyMap<PeerId, PeerRecord<About>>>;
  /** Those that have all that is wanted; those with most free slots first. */
  discover(wanted: Wanted): readonly PeerRecord<About>[];
  /** What this tab says of itself has changed. Bursts become one broadcast. */
  publish(): void;
  /** It can't be reached: its record is not believed until it sends another. */
  forget(peer: PeerId): void;
  /** Tells all that this tab is about to go: at once, for a page that closes waits for nothing. */
  leave(): void;
  close(): void;
}

export type DirectoryDeps<About> = {
  readonly overlay: Pick<Overlay, 'self' | 'neighbors' | 'neighborChanges' | 'stats'>;
  readonly broadcast: Pick<Broadcast, 'publish' | 'prepare' | 'subscribe'>;
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Pick<Random, 'next'>;
  readonly telemetry: Telemetry;
  readonly credentials: Credentials;
  readonly own: () => { readonly capabilities: Capabilities; readonly about: Bytes };
  /** Refuses what does not concern its sender. */
  readonly readAbout: (about: Bytes, from: PeerIdentity) => Result<About, Fault>;
  /** Unix ms as the server counts them: what broadcasts are dated by. */
  readonly now: () => Milliseconds;
};

/** After a change; and between two records at least. */
const publishAfter = milliseconds(1_000);
const leastBetween = 5_000;
const renewEvery = 90_000;
/** So that records of a thousand tabs are no more traffic than those of fifty. */
const renewPerRecord = 1_800;
/** One renewal may come late by two thirds of its time. None is lost: who missed it finds it in the next comparison. */
const lifetimeInRenewals = 5 / 3;
/** A goodbye must be younger than a broadcast may be, and records of large swarms are renewed less often than that. */
const farewellEvery = 300_000;
const sweepEvery = milliseconds(5_000);
const maxRecords = 2_000;

/**
 * Who is in the swarm, near or far: each tab's own signed record, broadcast when it changes and renewed while it lives.
 * Knows records and when they expire; doesn't know what `about` says, nor how a broadcast travels.
 */
export const createDirectory = <About>(deps: DirectoryDeps<About>): Directory<About> => {
  const { overlay, clock, timers, telemetry } = deps;
  const records = createStore<ReadonlyMap<PeerId, PeerRecord<About>>>(new Map());
  const heardAtByPeer = new Map<PeerId, number>();
  /** Of those in `records`: when they expire, monotonic ms, and their `about` as it came. */
  const believedByPeer = new Map<PeerId, { readonly expiresAt: number; readonly about: Bytes }>();
  /** Credentials don't change while a tab lives. */
  const identities = new Map<PeerId, PeerIdentity>();
  /** A tab's id dies with it, so its goodbye is for ever. */
  const left = createBoundedMap<PeerId, true>(maxRecords);
  /** The round trips of the last record. */
  let told: ReadonlyMap<PeerId, number> = new Map();
  /** Whether the last record said that a slot is free, and whether one was at the last sweep. */
  let toldRoom = false;
  let seenRoom = false;
  let farewell: () => unknown = () => undefined;
  let farewellAt = Number.NEGATIVE_INFINITY;
  let publishedAt = Number.NEGATIVE_INFINITY;
  let pending: { readonly at: number; readonly cancel: CancelTimer } | undefined;
  let closed = false;

  const renewal = () => Math.max(renewEvery, records.get().size * renewPerRecord);

  /** A round trip is never measured twice alike, and worth telling only when it is another. */
  const toLink = (peer: PeerId): NeighborLink => {
    const rtt = Math.round(overlay.stats(peer)?.rtt ?? -1);
    const before = told.get(peer);
    return { peer, rtt: before !== undefined && isAlike(before, rtt) ? before : rtt };
  };

  /** Signed in advance, for a page that closes waits for nothing. */
  const prepareFarewell = async () => {
    if (clock.monotonic() - farewellAt < farewellEvery) return;
    farewellAt = clock.monotonic();
    const prepared = await deps.broadcast.prepare(leftTopic, new Uint8Array(0));
    if (prepared.ok) farewell = prepared.value;
  };

  const publishNow = async () => {
    pending?.cancel();
    pending = undefined;
    publishedAt = clock.monotonic();
    const lifetime = Math.min(recordLimits.maxLifetimeMs, Math.round(renewal() * lifetimeInRenewals));
    const neighbors = overlay.neighbors().slice(0, recordLimits.maxNeighbors).map(toLink);
    told = new Map(neighbors.map(({ peer, rtt }) => [peer, rtt]));
    const own = deps.own();
    toldRoom = hasRoom(own.capabilities);
    const payload = encodeRecord({ v: 1, credentials: deps.credentials, lifetime, neighbors, ...own });
    const published = await deps.broadcast.publish(peerTopic, payload);
    if (!published.ok) telemetry.log('warn', 'directory', `own record not told: ${published.error.message}`);
    await prepareFarewell();
    if (!closed) schedule(renewal() * (0.8 + 0.2 * deps.random.next()));
  };

  /** The earlier of what is planned and what is asked for; never sooner after the last one than is polite. */
  const schedule = (delay: number) => {
    const at = Math.max(clock.monotonic() + delay, publishedAt + leastBetween);
    if (closed || (pending && pending.at <= at)) return;
    pending?.cancel();
    const wait = milliseconds(at - clock.monotonic());
    pending = { at, cancel: timers.after(wait, () => void publishNow()) };
  };

  /** Tasks come and go in a second, and are worth no broadcast; who is looked for by free slots has them for a while. */
  const tellRoom = () => {
    const room = hasRoom(deps.own().capabilities);
    if (room === seenRoom && room !== toldRoom) schedule(publishAfter);
    seenRoom = room;
  };

  const identify = async (from: PeerId, credentials: unknown): Promise<PeerIdentity | undefined> => {
    const known = identities.get(from);
    if (known) return known;
    const checked = await verifyCredentials(credentials, deps.crypto);
    if (!checked.ok || checked.value.peer !== from) return undefined;
    identities.set(from, checked.value);
    const [oldest] = identities.keys();
    if (identities.size > maxRecords && oldest !== undefined) identities.delete(oldest);
    return checked.value;
  };

  const drop = (gone: (peer: PeerId) => boolean) => {
    const leaving = [...believedByPeer.keys()].filter(gone);
    if (leaving.length === 0) return;
    const next = new Map(records.get());
    for (const peer of leaving) {
      believedByPeer.delete(peer);
      next.delete(peer);
    }
    records.set(next);
  };

  /** What the last record said is not read again if it is said again. */
  const read = (about: Bytes, identity: PeerIdentity): Result<About, Fault> => {
    const before = believedByPeer.get(identity.peer)?.about;
    const known = records.get().get(identity.peer);
    return known && before && equalBytes(before, about) ? ok(known.about) : deps.readAbout(about, identity);
  };

  const believe = (record: PeerRecord<About>, about: Bytes, expiresAt: number) => {
    const { peer } = record.identity;
    believedByPeer.set(peer, { expiresAt, about });
    const known = records.get().get(peer);
    if (!known || !saysTheSame(known, record)) records.set(new Map(records.get()).set(peer, record));
  };

  const onRecord = async (message: {
    readonly from: PeerId;
    readonly at: number;
    readonly payload: Uint8Array;
    readonly hops: number;
  }) => {
    const { from, at, payload, hops } = message;
    const refuse = (why: string) =>
      telemetry.log('info', 'directory', `record refused: ${why}`, { peer: from });
    if (
      from === overlay.self ||
      left.get(from) ||
      (heardAtByPeer.get(from) ?? Number.NEGATIVE_INFINITY) >= at
    )
      return undefined;
    const decoded = decodeRecord(payload);
    if (!decoded.ok) return refuse(decoded.error.message);
    const { credentials, lifetime, capabilities, neighbors, about } = decoded.value;
    const remaining = at + lifetime - deps.now();
    if (remaining <= 0) return undefined;
    const identity = await identify(from, credentials);
    if (!identity) return refuse('its credentials do not hold');
    const ownAbout = new Uint8Array(about); // a copy: the message it stands in is not kept alive for it
    const parsed = read(ownAbout, identity);
    if (!parsed.ok) return refuse(parsed.error.message);
    // A newer one may have been checked meanwhile.
    if (closed || left.get(from) || (heardAtByPeer.get(from) ?? Number.NEGATIVE_INFINITY) >= at)
      return undefined;
    if (!believedByPeer.has(from) && believedByPeer.size >= maxRecords) return undefined;
    heardAtByPeer.set(from, at);
    const record = { identity, capabilities, neighbors, about: parsed.value, hops };
    return believe(record, ownAbout, clock.monotonic() + Math.min(remaining, lifetime));
  };

  const forget = (peer: PeerId) => drop((other) => other === peer);
  const stopHearing = deps.broadcast.subscribe(peerTopic, (message) => void onRecord(message));
  const stopFarewells = deps.broadcast.subscribe(leftTopic, ({ from }) => {
    left.set(from, true);
    forget(from);
  });
  // Later changes of neighbours go with the next renewal: while a swarm forms they are many, and worth no broadcast each.
  const stopNeighbors = overlay.neighborChanges(() => {
    if (publishedAt === Number.NEGATIVE_INFINITY) schedule(publishAfter);
  });
  const stopSweeping = timers.every(sweepEvery, () => {
    const now = clock.monotonic();
    if (publishedAt !== Number.NEGATIVE_INFINITY) {
      void prepareFarewell();
      tellRoom();
    }
    drop((peer) => (believedByPeer.get(peer)?.expiresAt ?? 0) <= now);
    // Kept a while after the record, so that an old one that arrives late is not news.
    const oldest = deps.now() - 2 * recordLimits.maxLifetimeMs;
    for (const [peer, at] of heardAtByPeer) if (at < oldest) heardAtByPeer.delete(peer);
  });

  return {
    records,
    publish: () => schedule(publishAfter),
    forget,
    leave: () => void farewell(),
    discover: ({ model, gpu, memory = 0, freeSlots = 0 }) =>
      [...records.get().values()]
        .filter(
          ({ capabilities }) =>
            (model === undefined || capabilities.models.includes(model)) &&
            (!gpu || capabilities.gpu) &&
            capabilities.memory >= memory &&
            capabilities.freeSlots >= freeSlots,
        )
        .toSorted((a, b) => b.capabilities.freeSlots - a.capabilities.freeSlots),
    close() {
      closed = true;
      pending?.cancel();
      stopHearing();
      stopFarewells();
      stopNeighbors();
      stopSweeping();
    },
  };
};

/** Less than a third apart, or less than what a busy device adds. */
const isAlike = (before: number, now: number): boolean =>
  before >= 0 && now >= 0 && Math.abs(before - now) <= Math.max(10, before / 3);

const saysTheSame = <About>(one: PeerRecord<About>, other: PeerRecord<About>): boolean =>
  one.about === other.about &&
  isSameCapability(one.capabilities, other.capabilities) &&
  one.neighbors.length === other.neighbors.length &&
  one.neighbors.every(({ peer, rtt }, i) => {
    const link = other.neighbors[i];
    return link?.peer === peer && link.rtt === rtt;
  });

const hasRoom = ({ freeSlots }: Capabilities): boolean => freeSlots > 0;

const isSameCapability = (one: Capabilities, other: Capabilities): boolean =>
  one.gpu === other.gpu &&
  one.memory === other.memory &&
  one.freeSlots === other.freeSlots &&
  one.models.length === other.models.length &&
  one.models.every((model, i) => model === other.models[i]);
