/** What the mesh promises, as scenes that measure. Each prints nothing and decides nothing. */
import { lossyDefaults, slowDefaults, type Troubles } from './paths.ts';
import { createWorld, type World, worldDefaults } from './world.ts';

export type Steady = {
  delivered: number;
  p99_ms: number;
  rmr: number;
  rmr_many: number;
  /** Messages of announcements that each node sends for each broadcast. */
  announcements: number;
  connected: number;
  /** New links per node and minute, once the swarm has settled. */
  handshakes: number;
};

const grow = (seed: number, size: number, maliciousShare = 0, troubles: Troubles = {}): World => {
  const world = createWorld({ seed, ...worldDefaults, troubles });
  const malicious = Math.round(size * maliciousShare);
  for (let i = 0; i < size; i++)
    world.at(
      (i * 20_000) / size,
      () => void world.join(malicious > 0 && i % Math.round(size / malicious) === 1),
    );
  world.run(60_000);
  return world;
};

const honest = (world: World) => world.alive().filter(({ malicious }) => !malicious);

/** `count` messages, `gap` ms apart, from one sender or from many. */
const send = (world: World, count: number, gap: number, from: 'one' | 'many'): readonly string[] => {
  const senders = honest(world).filter((node) => !world.isSlow(node));
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const sender = senders[from === 'one' ? 0 : (i * 7919) % senders.length]!;
    ids.push(world.broadcast(sender));
    world.run(gap);
  }
  return ids;
};

const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0;

/** Payloads beyond the one that each needs, per node and message: (payloads / (n − 1)) − 1 (Plumtree, §4). */
const redundancy = (world: World, before: number, messages: number): number =>
  (world.counts.payloads - before) / messages / (world.alive().length - 1) - 1;

export const steady = (seed: number, size: number): Steady => {
  const world = grow(seed, size);
  send(world, 5, 1_000, 'one'); // the tree forms
  let before = world.counts.payloads;
  const one = send(world, 20, 1_000, 'one');
  const rmr = redundancy(world, before, one.length);
  before = world.counts.payloads;
  const announcedBefore = world.counts.announcements;
  const many = send(world, 20, 1_000, 'many');
  const announcements = (world.counts.announcements - announcedBefore) / many.length / size;
  const rmrMany = redundancy(world, before, many.length);
  world.run(30_000);
  const { share, delays } = world.reach([...one, ...many]);
  const { handshakes } = world.counts;
  world.run(120_000);
  return {
    delivered: share,
    p99_ms: percentile(delays, 0.99),
    rmr,
    rmr_many: rmrMany,
    announcements,
    connected: world.connected(),
    handshakes: (world.counts.handshakes - handshakes) / size / 2,
  };
};

export type AfterCrash = { within30s: number; eventually: number; connected: number };

export const crash = (seed: number, size: number, share: number): AfterCrash => {
  const world = grow(seed, size);
  send(world, 5, 1_000, 'many');
  const nodes = [...world.alive()];
  for (let i = 0; i < Math.round(size * share); i++) world.crash(nodes[(i * 7919) % nodes.length]!);
  const ids = send(world, 10, 500, 'many');
  world.run(120_000);
  return {
    within30s: world.reach(ids, 30_000).share,
    eventually: world.reach(ids).share,
    connected: world.connected(),
  };
};

/** A tenth of the nodes leaves and as many join, every minute, for ten minutes. */
export const churn = (seed: number, size: number): { connected: number; delivered: number } => {
  const world = grow(seed, size);
  const perMinute = Math.round(size / 10);
  for (let minute = 0; minute < 10; minute++)
    for (let i = 0; i < perMinute; i++) {
      const nodes = world.alive();
      world.crash(nodes[(minute * 7919 + i * 104_729) % nodes.length]!);
      world.join();
      world.run(60_000 / perMinute);
    }
  const connected = world.connected();
  const ids = send(world, 5, 1_000, 'many');
  world.run(60_000);
  return { connected, delivered: world.reach(ids).share };
};

/** A fifth drops what it should pass on, forges, floods, pushes itself in, and names only its like. */
export const hostile = (
  seed: number,
  size: number,
): { delivered: number; connected: number; eclipsed: number; forged: number } => {
  const world = grow(seed, size, 0.2);
  world.run(120_000);
  const ids = send(world, 20, 1_000, 'many');
  world.run(30_000);
  const bad = new Set(
    world
      .alive()
      .filter(({ malicious }) => malicious)
      .map(({ id }) => id),
  );
  const eclipsed = honest(world).filter(({ membership }) => membership.active.every((peer) => bad.has(peer)));
  return {
    delivered: world.reach(ids).share,
    connected: world.connected(),
    eclipsed: eclipsed.length,
    forged: world.counts.forgedDelivered,
  };
};

/** The swarm falls into a third and the rest for ten minutes; each part goes on, and then they can meet again. */
export const partition = (
  seed: number,
  size: number,
): { within: number; connectedDuring: number; connected: number; delivered: number } => {
  const world = grow(seed, size);
  const apart = new Set(world.alive().flatMap(({ id }, index) => (index % 3 === 0 ? [id] : [])));
  world.separate((a, b) => apart.has(a) !== apart.has(b));
  world.run(10_000);
  const during = send(world, 10, 1_000, 'many');
  world.run(600_000);
  const inside = during.map((id) => world.reachOfSide(id, apart));
  const connectedDuring = world.connected();
  world.separate(() => false);
  world.run(180_000);
  return {
    within: Math.min(...inside),
    connectedDuring,
    connected: world.connected(),
    delivered: world.reach(during).share,
  };
};

/** A tenth of the nodes takes half a second for what takes others none. The others must not wait for them. */
export const slow = (seed: number, size: number) => {
  const world = grow(seed, size, 0, { slow: slowDefaults });
  send(world, 20, 1_000, 'many'); // the tree forms, and finds who is slow
  const before = world.counts.payloads;
  const ids = send(world, 40, 1_000, 'many');
  const rmr = redundancy(world, before, ids.length);
  world.run(30_000);
  const isSlow = new Set(
    world
      .alive()
      .filter(world.isSlow)
      .map(({ id }) => id),
  );
  const fast = world.reach(ids, undefined, (peer) => !isSlow.has(peer));
  return {
    delivered: world.reach(ids).share,
    p50_ms: percentile(fast.delays, 0.5),
    p99_ms: percentile(fast.delays, 0.99),
    p99_of_slow_ms: percentile(world.reach(ids, undefined, (peer) => isSlow.has(peer)).delays, 0.99),
    rmr,
    connected: world.connected(),
  };
};

/** One frame in twenty is lost and sent again, and some links die of it. */
export const lossy = (seed: number, size: number) => {
  const world = grow(seed, size, 0, { lossy: lossyDefaults });
  send(world, 5, 1_000, 'many');
  const before = world.counts.payloads;
  const ids = send(world, 40, 1_000, 'many');
  const rmr = redundancy(world, before, ids.length);
  world.run(30_000);
  const { share, delays } = world.reach(ids);
  return {
    delivered: share,
    p99_ms: percentile(delays, 0.99),
    rmr,
    broken: world.counts.broken,
    connected: world.connected(),
  };
};

/** Five virtual minutes with fifty broadcasts. */
export const large = (seed: number, size: number): { delivered: number; p99_ms: number; frames: number } => {
  const world = grow(seed, size);
  const ids = send(world, 50, 4_200, 'many');
  world.run(30_000);
  const { share, delays } = world.reach(ids);
  return { delivered: share, p99_ms: percentile(delays, 0.99), frames: world.counts.frames };
};
