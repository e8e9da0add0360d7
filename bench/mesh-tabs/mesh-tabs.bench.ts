/**
 * Fifty real tabs on one machine: do they form one overlay, how fast does a message reach all, how fast does the overlay
 * mend when ten are killed, and what does a tab cost that does nothing. Everything is read through the page's own console
 * API (docs/p2p.md), so anybody can check it by hand.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { BrowserContext, CDPSession, Page } from 'playwright';
import { openBrowser, openTab, startHost } from '../../scripts/lib/village.ts';
import { type BenchOptions, type BenchResult, percentile } from '../suite.ts';

/** Fifty is the promise; fewer for a first look: AIVILLAGE_BENCH_TABS=20. */
const tabs = Number(process.env['AIVILLAGE_BENCH_TABS'] ?? 50);
const killed = Math.floor(tabs / 5);
const mostLinks = 12;
/** From the last tab's opening: the machine is still busy with starting it. */
const formWithin = 240_000;
const idleSeconds = 30;
/** Until what fifty pages do when they are opened is done, and what a swarm says while it forms has been said. */
const settleSeconds = 60;
/** One at a time: how long a message takes, not how many fifty tabs on two cores can take. */
const broadcastEveryMs = 1_000;
/** A silent neighbour is asked for longer than this, so nobody has missed it before; and being looked at costs the tabs. */
const firstLookMs = 4_000;
export const limits = {
  most_links: mostLinks,
  broadcast_p95_ms: 1_000,
  heal_ms: 10_000,
  idle_memory_mb: 10,
  idle_main_thread_percent: 1,
};

type Tab = { readonly page: Page; readonly peer: string; readonly context: BrowserContext };
type Snapshot = {
  readonly peer: string;
  readonly known: number;
  readonly neighbors: string[];
  readonly links: number;
  /** Unix ms: fifty answers take a while to come in. */
  readonly at: number;
};

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const host = await startHost();
  const { browser, close } = await openBrowser({ measureMemory: true });
  try {
    const blank = await memoryOf(await openBlank(await browser.newContext(), host.url));
    say(`a blank page: ${megabytes(blank)} MB`);
    const opened: Tab[] = [];
    while (opened.length < tabs) {
      // Nobody looks at fifty tabs: those in the background draw nothing. A headless browser takes all for visible, so
      // they are small and still instead.
      const context = await browser.newContext({
        viewport: { width: 360, height: 480 },
        reducedMotion: 'reduce',
      });
      await context.addInitScript(countConnections);
      context.setDefaultTimeout(120_000); // the last of fifty start on a machine that is busy with the others
      const page = await openTab(browser, host.link, { context, consent: 'Use only' });
      await page.waitForFunction('globalThis.aivillage !== undefined');
      opened.push({ page, context, peer: await page.evaluate<string>('aivillage.p2p.self') });
      if (opened.length % 10 === 0) say(`${opened.length} tabs are open`);
    }
    let state = '';
    const formed = await until(
      async () => {
        const snapshots = await Promise.all(opened.map(({ page }) => snapshotOf(page)));
        state = `${reachedOf(snapshots)} are connected, the least knows ${Math.min(...snapshots.map(({ known }) => known))}, ${describe(snapshots)}`;
        const largest = Math.max(...snapshots.map(({ links }) => links));
        const whole = isConnected(snapshots) && snapshots.every(({ known }) => known === tabs);
        return whole && largest <= mostLinks ? { snapshots, largest } : undefined;
      },
      formWithin,
      () => state,
    );
    say(`one overlay; every tab knows all; ${describe(formed.snapshots)}`);

    await new Promise((resolve) => setTimeout(resolve, settleSeconds * 1_000));
    const idle = await measureIdle(opened);
    say(
      `idle: ${megabytes(idle.memory)} MB a tab; its main thread computes ${idle.percent.toFixed(2)} % of the time and is occupied ${idle.wallPercent.toFixed(2)} %; all of a tab takes ${idle.cpuPercent.toFixed(2)} % of a core`,
    );

    const broadcast = await measureBroadcasts(opened, say);

    const doomed = opened.filter((_, index) => index % Math.floor(tabs / killed) === 2).slice(0, killed);
    const survivors = opened.filter((tab) => !doomed.includes(tab));
    const dead = new Set(doomed.map(({ peer }) => peer));
    say(`killing ${doomed.length} tabs…`);
    await Promise.all(doomed.map(({ page, context }) => crash(context, page)));
    const started = performance.timeOrigin + performance.now();
    await new Promise((resolve) => setTimeout(resolve, firstLookMs));
    const healed = await until(
      async () => {
        const snapshots = await Promise.all(survivors.map(({ page }) => snapshotOf(page)));
        const clean = snapshots.every(({ neighbors }) => neighbors.every((peer) => !dead.has(peer)));
        state = `${reachedOf(snapshots)} of ${survivors.length} are connected${clean ? '' : ', and dead neighbours listed'}`;
        return clean && isConnected(snapshots)
          ? Math.max(...snapshots.map(({ at }) => at)) - started
          : undefined;
      },
      60_000,
      () => state,
    );
    say(`healed after ${Math.round(healed)} ms`);
    const after = await measureBroadcasts(survivors.slice(0, 5), say, survivors);

    return {
      tabs,
      connected: 1,
      most_links: formed.largest,
      delivered: broadcast.delivered,
      broadcast_p50_ms: Math.round(percentile(broadcast.delays, 50)),
      broadcast_p95_ms: Math.round(percentile(broadcast.delays, 95)),
      heal_ms: Math.round(healed),
      delivered_after: after.delivered,
      idle_memory_mb: Math.round(((idle.memory - blank) / 2 ** 20) * 10) / 10,
      idle_main_thread_percent: Math.round(idle.percent * 100) / 100,
      // With other tabs' work on the same two cores in between.
      idle_main_thread_wall_percent: Math.round(idle.wallPercent * 100) / 100,
      idle_cpu_percent: Math.round(idle.cpuPercent * 100) / 100,
      idle_connections_per_tab_minute: Math.round(idle.connections * 100) / 100,
    };
  } finally {
    await close();
    await host.close();
  }
};

const megabytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);

const until = async <T>(
  probe: () => Promise<T | undefined>,
  timeout: number,
  why: () => string,
): Promise<T> => {
  const end = performance.now() + timeout;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`not within ${timeout / 1_000} s: ${why()}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
};

// What runs in a page is text: a transpiled function refers to helpers of the transpiler that the page doesn't have.
const snapshotOf = (page: Page): Promise<Snapshot> =>
  page.evaluate<Snapshot>(`(() => {
    const { peers, links } = aivillage.p2p.getNetworkStatistics();
    const neighbors = links.filter((link) => link.neighbor).map((link) => link.peer);
    return { peer: aivillage.p2p.self, known: peers, neighbors, links: links.length, at: performance.timeOrigin + performance.now() };
  })()`);

const isConnected = (snapshots: readonly Snapshot[]): boolean => reachedOf(snapshots) === snapshots.length;

const reachedOf = (snapshots: readonly Snapshot[]): number => {
  const byPeer = new Map(snapshots.map((snapshot) => [snapshot.peer, snapshot]));
  const [first] = snapshots;
  const reached = new Set(first ? [first.peer] : []);
  for (const peer of reached)
    for (const next of byPeer.get(peer)?.neighbors ?? []) if (byPeer.has(next)) reached.add(next);
  return reached.size;
};

const describe = (snapshots: readonly Snapshot[]): string => {
  const counts = snapshots.map(({ links }) => links);
  return `${Math.min(...counts)} to ${Math.max(...counts)} links a tab`;
};

/** From each sender once; a delay is from the call in one tab to the listener in another, by the one clock of the machine. */
const measureBroadcasts = async (
  senders: readonly Tab[],
  say: (text: string) => void,
  audience: readonly Tab[] = senders,
) => {
  for (const { page } of audience)
    await page.evaluate(`(() => {
      globalThis.heardBroadcasts = [];
      globalThis.stopHearing?.();
      globalThis.stopHearing = aivillage.p2p.broadcasts(({ payload }) => {
        const sentAt = Number(new TextDecoder().decode(payload));
        heardBroadcasts.push([sentAt, performance.timeOrigin + performance.now() - sentAt]);
      });
    })()`);
  for (const { page } of senders) {
    await page.evaluate(
      `aivillage.p2p.broadcast(new TextEncoder().encode(String(performance.timeOrigin + performance.now())))`,
    );
    await new Promise((resolve) => setTimeout(resolve, broadcastEveryMs));
  }
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const heard = await Promise.all(
    audience.map(({ page }) => page.evaluate<[number, number][]>('heardBroadcasts')),
  );
  const expected = senders.length * audience.length;
  const got = heard.reduce((sum, list) => sum + new Set(list.map(([sentAt]) => sentAt)).size, 0);
  const delays = heard.flatMap((list) => list.map(([, delay]) => delay));
  say(
    `${senders.length} broadcasts: ${got} of ${expected} arrived, the last after ${Math.round(Math.max(...delays))} ms`,
  );
  return { delivered: got / expected, delays };
};

const openBlank = async (context: BrowserContext, url: string): Promise<Page> => {
  const page = await context.newPage();
  await page.route('**/blank', (route) =>
    route.fulfill({
      contentType: 'text/html',
      headers: {
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-embedder-policy': 'require-corp',
      },
      body: '<!doctype html><title>blank</title>',
    }),
  );
  await page.goto(`${url}/blank`);
  return page;
};

/** JavaScript, DOM and workers of a page, in bytes, after a garbage collection. */
const memoryOf = (page: Page): Promise<number> =>
  page.evaluate<number>('performance.measureUserAgentSpecificMemory().then(({ bytes }) => bytes)');

/** How many connections a tab has begun, so that links which come and go show. */
const countConnections = `(() => {
  const Native = globalThis.RTCPeerConnection;
  globalThis.connectionsBegun = 0;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(...given) {
      super(...given);
      globalThis.connectionsBegun++;
    }
  };
})()`;

/** Nobody does anything: all tabs over the same half minute, a few of them looked at. */
const measureIdle = async (opened: readonly Tab[]) => {
  const looked = opened.slice(0, 6);
  const sessions = await Promise.all(looked.map(({ page, context }) => context.newCDPSession(page)));
  // Half of them by the processor's time, half by the clock: a tab that waits for a core is occupied and computes nothing.
  const domains = ['threadTicks', 'timeTicks'] as const;
  for (const [index, session] of sessions.entries())
    await session.send('Performance.enable', { timeDomain: domains[index % 2] ?? 'timeTicks' });
  const read = async () => ({
    busy: await Promise.all(sessions.map(busySeconds)),
    connections: await connectionsOf(opened),
    cpu: cpuSecondsOfTree(process.pid),
    at: performance.now() / 1_000,
  });
  const before = await read();
  await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1_000));
  const after = await read();
  const seconds = after.at - before.at;
  const shareOf = (parity: number) =>
    percentile(
      after.busy.flatMap((busy, index) =>
        index % 2 === parity ? [((busy - (before.busy[index] ?? 0)) / seconds) * 100] : [],
      ),
      50,
    );
  const memories: number[] = [];
  for (const { page } of looked) memories.push(await memoryOf(page));
  return {
    memory: percentile(memories, 50),
    percent: shareOf(0),
    wallPercent: shareOf(1),
    cpuPercent: (((after.cpu - before.cpu) / seconds) * 100) / opened.length,
    connections: ((after.connections - before.connections) / opened.length / seconds) * 60,
  };
};

const connectionsOf = async (opened: readonly Tab[]): Promise<number> => {
  const counts = await Promise.all(opened.map(({ page }) => page.evaluate<number>('connectionsBegun')));
  return counts.reduce((sum, count) => sum + count, 0);
};

const busySeconds = async (session: CDPSession): Promise<number> => {
  const { metrics } = await session.send('Performance.getMetrics');
  return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN;
};

/** Processor time of this process' descendants: the browser with all it has. NaN where there is no /proc. */
const cpuSecondsOfTree = (root: number): number => {
  try {
    const processes = readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      const text = statOf(name);
      // The name stands in brackets and may hold blanks; what follows is state, parent, … user and system ticks.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      return [
        { pid: Number(name), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) },
      ];
    });
    const tree = new Set([root]);
    for (const pid of tree) for (const one of processes) if (one.parent === pid) tree.add(one.pid);
    tree.delete(root);
    const ticks = processes.filter(({ pid }) => tree.has(pid)).reduce((sum, one) => sum + one.ticks, 0);
    return ticks / 100;
  } catch {
    return Number.NaN;
  }
};

const statOf = (pid: string): string => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return ''; // it has just ended
  }
};

/** The tab's process dies: no goodbye. */
const crash = async (context: BrowserContext, page: Page): Promise<void> => {
  const session = await context.newCDPSession(page);
  const crashed = new Promise<void>((resolve) => void page.once('crash', () => resolve()));
  void session.send('Page.crash').catch(() => {});
  await crashed;
};
