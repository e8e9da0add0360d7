/**
 * One link beside a bare data channel, between the same two tabs and by turns, so that both meet the same machine: how
 * much goes through, how long a call takes, how long something urgent waits, and whether a GiB arrives whole in
 * bounded memory.
 */
import { type BenchOptions, type BenchResult, median, percentile } from '../suite.ts';
import type { PathName } from './page.ts';
import { openTabs, type RemoteTab } from './tabs.ts';

const mebibyte = 2 ** 20;
/** Odd, so that the median is a round's own number. */
const rounds = 9;
const roundBytes = 64 * mebibyte;
const linkMessageBytes = mebibyte;
const bareMessageKib = [16, 64, 256] as const;
const roundTrips = 1_000;
const roundTripBytes = 1_024;
const interruptions = 40;
const interruptEveryMs = 250;
/** As long as a ledger's message of two hundred entries. */
const urgentBytes = 200 * 1024;
const gibMessageBytes = 16 * mebibyte;

export const floors = { goodput_ratio: 0.9, gib_sha256_equal: 1 };
export const limits = { rpc_ratio: 1.3, gib_memory_mb: 256, priority_wait_ms: 50 };

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const { tabs, close } = await openTabs();
  const [here, there] = tabs;
  try {
    for (const path of ['link', 'bare'] as const) {
      const sizes = path === 'link' ? linkMessageBytes : 256 * 1024;
      if (!(await arrivesEqual(here, there, path, 32 * mebibyte, sizes)))
        throw new Error(`${path}: what arrived is not what was sent`);
    }
    say('32 MiB arrive equal over both ways');
    const goodput = await measureGoodput(here, there, say);
    const trips = await measureRoundTrips(here, there, say);
    const waits = await measureWaits(here, there, say);
    const gib = await sendGib(here, there, say);
    return { ...goodput, ...trips, ...waits, ...gib };
  } finally {
    await close();
  }
};

const arrivesEqual = async (
  here: RemoteTab,
  there: RemoteTab,
  path: PathName,
  bytes: number,
  messageBytes: number,
): Promise<boolean> => {
  await there.call('receive', path, bytes, true);
  const sent = await here.call('sendHashed', path, bytes, messageBytes);
  const received = await there.call('received');
  return received.hash === sent && received.bytes === bytes;
};

const measureGoodput = async (here: RemoteTab, there: RemoteTab, say: (text: string) => void) => {
  const ways = [
    { name: 'link', path: 'link', messageBytes: linkMessageBytes, kib: 0, rates: [] as number[] },
    ...bareMessageKib.map((kib) => ({
      name: `bare ${kib} KiB`,
      path: 'bare' as const,
      messageBytes: kib * 1024,
      kib,
      rates: [] as number[],
    })),
  ] satisfies { path: PathName; [key: string]: unknown }[];
  for (let round = 0; round < rounds; round++) {
    // Whoever comes first meets another machine than whoever comes last: each is first in turn.
    for (let i = 0; i < ways.length; i++) {
      const way = ways[(round + i) % ways.length];
      if (!way) continue;
      await there.call('receive', way.path, roundBytes, false);
      const ms = await here.call('stream', way.path, roundBytes, way.messageBytes);
      way.rates.push(roundBytes / 1e3 / ms);
    }
  }
  for (const { name, rates } of ways)
    say(
      `${name.padStart(12)}: ${round1(median(rates))} MB/s in the middle of ${rounds} rounds, ${round1(Math.min(...rates))} to ${round1(Math.max(...rates))}`,
    );
  const [link, ...bare] = ways;
  const best = bare.reduce((a, b) => (median(b.rates) > median(a.rates) ? b : a));
  return {
    goodput_ratio: round3(median(link?.rates ?? []) / median(best.rates)),
    link_mb_per_s: round1(median(link?.rates ?? [])),
    bare_mb_per_s: round1(median(best.rates)),
    bare_best_message_kb: best.kib,
  };
};

const measureRoundTrips = async (here: RemoteTab, there: RemoteTab, say: (text: string) => void) => {
  await there.call('echo');
  await here.call('roundTrips', roundTripBytes, roundTrips / 2); // until the code of both is compiled
  const { rpc, bare } = await here.call('roundTrips', roundTripBytes, roundTrips);
  say(
    `a call with ${roundTripBytes} bytes there and back: ${round3(median(rpc))} ms, bare ${round3(median(bare))} ms`,
  );
  return {
    rpc_ratio: round3(median(rpc) / median(bare)),
    rpc_rtt_ms: round3(median(rpc)),
    bare_rtt_ms: round3(median(bare)),
  };
};

const measureWaits = async (here: RemoteTab, there: RemoteTab, say: (text: string) => void) => {
  await there.call('watchDelays', urgentBytes);
  await here.call('interrupt', urgentBytes, interruptions, interruptEveryMs);
  const delays = await there.call('delays');
  if (delays.length !== interruptions)
    throw new Error(`${delays.length} of ${interruptions} urgent messages have arrived`);
  say(
    `200 KiB of control behind a bulk stream: ${round1(median(delays))} ms in the middle, ${round1(Math.max(...delays))} at most`,
  );
  return { priority_wait_ms: round1(percentile(delays, 95)) };
};

const sendGib = async (here: RemoteTab, there: RemoteTab, say: (text: string) => void) => {
  say('a GiB, hashed on both sides…');
  const memory = await watchMemory(there);
  const equal = await arrivesEqual(here, there, 'link', 1024 * mebibyte, gibMessageBytes);
  const peak = await memory.stop();
  return { gib_sha256_equal: equal ? 1 : 0, gib_memory_mb: round1(peak / mebibyte) };
};

/** The most that objects and array buffers of the tab's page ever took, over what they take when nothing is under way. */
const watchMemory = async ({ page }: RemoteTab) => {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const used = async () => {
    const usage = await session.send('Runtime.getHeapUsage');
    return usage.usedSize + usage.backingStorageSize;
  };
  const before = await used();
  let peak = before;
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      peak = Math.max(peak, await used());
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  return {
    async stop(): Promise<number> {
      stopped = true;
      await watching;
      return peak - before;
    },
  };
};

const round1 = (value: number): number => Math.round(value * 10) / 10;
const round3 = (value: number): number => Math.round(value * 1e3) / 1e3;
