import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { findNatsServer, startNatsServer } from '../../scripts/lib/natsServer.ts';
import type { RoomId } from '../../src/core/brand.ts';
import { createNodeCrypto } from '../../src/platform/node/index.ts';
import { type BenchOptions, type BenchResult, percentile } from '../suite.ts';
import { createRelays, type Pair } from './relays.ts';
import { type ServerProcess, startServerProcess } from './serverProcess.ts';
import { openTabs, type Tab, type TabPlan } from './tabs.ts';

const sockets = 5_000;
const roomSize = 100;
/** As many as one address may open in a burst, and less than it may hold. */
const socketsPerAddress = 100;
const joinsAtOnce = 50;
const settleMs = 10_000;
const relayForMs = 10_000;
const relaysAtOnce = 200;
const acrossSockets = 500;

export const limits = { idle_socket_kb: 30, reconnected_clients: 0 };

/**
 * One server process and 5,000 tabs of real sockets and keys; then two processes that share their rooms over a real
 * nats-server, which is killed and started again. The tabs live in this process; the server's own limits hold.
 */
export const run = async (options: BenchOptions): Promise<BenchResult> => {
  checkMachine();
  return { ...(await measureOne(options)), ...(await measureAcross(options)) };
};

const measureOne = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const server = await startServerProcess({ AIVILLAGE_MAX_CONNECTIONS: String(sockets + 100) });
  try {
    const plans = await planTabs(sockets, [server]);
    const before = await settledMemory(server);
    say(`${sockets} tabs join ${sockets / roomSize} rooms, ${joinsAtOnce} at a time…`);
    const tabs = await openTabs(plans, joinsAtOnce);
    await verifyRooms(tabs, server);
    say('all are joined, nothing happens…');
    const idle = await settledMemory(server);
    say(`resident memory: ${megabytes(before)} MB empty, ${megabytes(idle)} MB with ${sockets} idle sockets`);
    const joins = tabs.map(({ joinedInMs }) => joinedInMs);
    const relays = createRelays(tabs);
    say('every tab sends one relay to another of its room…');
    await relays.sendAll(eachOnce(tabs), relaysAtOnce);
    say(`relays for ${relayForMs / 1000} s, ${relaysAtOnce} at a time…`);
    const started = performance.now();
    const times = await relays.sendAll(pairsFor(relayForMs, tabs, inRoom), relaysAtOnce);
    const seconds = (performance.now() - started) / 1000;
    for (const tab of tabs) tab.close();
    return {
      sockets: tabs.length,
      join_p50_ms: rounded(percentile(joins, 50)),
      join_p99_ms: rounded(percentile(joins, 99)),
      idle_socket_kb: rounded((idle - before) / 1000 / tabs.length),
      messages_per_second: Math.round(times.length / seconds),
    };
  } finally {
    await server.stop();
  }
};

const measureAcross = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const path = findNatsServer();
  if (path === undefined) {
    say('nats-server is not installed here: two processes over a bus are not measured');
    return {
      across_p50_ms: null,
      across_p99_ms: null,
      across_per_second: null,
      recover_ms: null,
      reconnected_clients: null,
    };
  }
  const nats = await startNatsServer(path);
  const running: { nats: typeof nats } = { nats };
  const env = { AIVILLAGE_BUS: `nats://127.0.0.1:${nats.port}`, AIVILLAGE_MAX_CONNECTIONS: '2000' };
  const servers = [await startServerProcess(env), await startServerProcess(env)];
  try {
    say(`${2 * acrossSockets} tabs in rooms that two processes share…`);
    for (const server of servers)
      await until(async () => (await server.metric('aivillage_bus_processes')) === 1);
    const tabs = await openTabs(await planTabs(2 * acrossSockets, servers), joinsAtOnce);
    for (const tab of tabs) await until(async () => (await tab.others()) === roomSize - 1);
    const relays = createRelays(tabs);
    const quiet = await relays.sendAll(pairsFor(relayForMs / 2, tabs, isAcross), 10);
    const started = performance.now();
    const busy = await relays.sendAll(pairsFor(relayForMs / 2, tabs, isAcross), relaysAtOnce);
    const seconds = (performance.now() - started) / 1000;
    say('nats-server is killed, and started again after two seconds…');
    await running.nats.kill();
    await wait(2_000);
    await relays.sendAll(
      somePairs(tabs, (a, b) => inRoom(a, b) && !isAcross(a, b)),
      10,
    );
    running.nats = await startNatsServer(path, { port: nats.port });
    const recovered = await recovery(relays, tabs, isAcross);
    await relays.sendAll(somePairs(tabs, isAcross), 10);
    const closed = tabs.filter((tab) => tab.isClosed()).length;
    for (const tab of tabs) tab.close();
    return {
      across_p50_ms: rounded(percentile(quiet, 50)),
      across_p99_ms: rounded(percentile(quiet, 99)),
      across_per_second: Math.round(busy.length / seconds),
      recover_ms: Math.round(recovered),
      reconnected_clients: closed,
    };
  } finally {
    for (const server of servers) await server.stop();
    await running.nats.kill();
  }
};

/** Milliseconds until a relay from each process has arrived at the other. */
const recovery = async (
  relays: ReturnType<typeof createRelays>,
  tabs: readonly Tab[],
  isOther: (a: Tab, b: Tab) => boolean,
): Promise<number> => {
  const started = performance.now();
  const ports = [...new Set(tabs.map(({ port }) => port))];
  const arrives = async (port: number) => {
    const from = tabs.find((tab) => tab.port === port);
    const to = from && tabs.find((tab) => isOther(from, tab));
    if (!from || !to) throw new Error('nobody on the other side');
    await until(() =>
      relays.send({ from, to }, 100).then(
        () => true,
        () => false,
      ),
    );
  };
  await Promise.all(ports.map(arrives));
  return performance.now() - started;
};

/** Tabs with keys of their own, room by room, in turn at each server, from as many addresses as they need. */
const planTabs = async (count: number, servers: readonly ServerProcess[]): Promise<readonly TabPlan[]> => {
  const crypto = createNodeCrypto();
  const plans: TabPlan[] = [];
  let room = '' as RoomId;
  for (let i = 0; i < count; i++) {
    if (i % roomSize === 0) room = randomBytes(32).toString('base64url') as RoomId;
    const server = servers[i % servers.length];
    if (!server) throw new Error('no server');
    const address = 2 + Math.floor(i / socketsPerAddress);
    plans.push({
      port: server.port,
      room,
      signer: await crypto.generateSigningKey(),
      localAddress: `127.0.${Math.floor(address / 250)}.${1 + (address % 250)}`,
    });
  }
  return plans;
};

const verifyRooms = async (tabs: readonly Tab[], server: ServerProcess): Promise<void> => {
  const peers = await server.metric('aivillage_signaling_peers');
  if (tabs.length !== sockets || peers !== sockets || new Set(tabs.map(({ peer }) => peer)).size !== sockets)
    throw new Error(`${tabs.length} tabs are connected, the server counts ${peers}`);
  for (const tab of tabs) {
    const others = await tab.others();
    if (others !== roomSize - 1) throw new Error(`a tab is told of ${others} others`);
  }
};

const isAcross = (a: Tab, b: Tab): boolean => a.room === b.room && a.port !== b.port;
const inRoom = (a: Tab, b: Tab): boolean => a.room === b.room && a !== b;

/** Each tab to the next one of its room. */
function* eachOnce(tabs: readonly Tab[]): Generator<Pair> {
  for (const members of byRoom(tabs)) {
    for (const [i, from] of members.entries()) {
      const to = members[(i + 1) % members.length];
      if (to) yield { from, to };
    }
  }
}

/** Pairs that fit, tab by tab so that none exceeds what it may send, until the time is over. */
function* pairsFor(ms: number, tabs: readonly Tab[], fits: (a: Tab, b: Tab) => boolean): Generator<Pair> {
  const end = performance.now() + ms;
  while (performance.now() < end) yield* somePairs(tabs, fits, end);
}

function* somePairs(
  tabs: readonly Tab[],
  fits: (a: Tab, b: Tab) => boolean,
  end = Number.POSITIVE_INFINITY,
): Generator<Pair> {
  const rooms = byRoom(tabs);
  for (let i = 0; i < roomSize; i++) {
    for (const members of rooms) {
      if (performance.now() >= end) return;
      const from = members[i];
      const others = [...members.slice(i + 1), ...members.slice(0, i)];
      const to = from && others.find((other) => fits(from, other));
      if (from && to) yield { from, to };
    }
  }
}

const byRoom = (tabs: readonly Tab[]): readonly (readonly Tab[])[] => {
  const rooms = new Map<RoomId, Tab[]>();
  for (const tab of tabs) {
    const members = rooms.get(tab.room) ?? [];
    members.push(tab);
    rooms.set(tab.room, members);
  }
  return [...rooms.values()];
};

/** Resident bytes when they have come to rest: the least of the last readings. Nothing is collected by force. */
const settledMemory = async (server: ServerProcess): Promise<number> => {
  await wait(settleMs);
  const readings: number[] = [];
  for (let i = 0; i < 5; i++) {
    readings.push(await server.metric('process_resident_memory_bytes'));
    await wait(500);
  }
  return Math.min(...readings);
};

const checkMachine = (): void => {
  if (process.platform !== 'linux')
    throw new Error(
      'this bench connects from many loopback addresses (127.0.0.0/8), which only Linux has ready',
    );
  const files = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  if (files !== 'unlimited' && Number(files) < sockets + 500)
    throw new Error(`this shell allows ${files} open files: run "ulimit -n ${sockets + 500}" first`);
};

const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + 30_000;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error('waited 30 s in vain');
    await wait(20);
  }
};
const wait = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));
const rounded = (value: number): number => Math.round(value * 100) / 100;
const megabytes = (bytes: number): string => (bytes / 1_000_000).toFixed(1);
