/**
 * Four keeper processes on this machine, with their own disks and real sockets, and tabs that hold a connection to each. First
 * all accounts are opened and pay once, and a replica that checks everything looks at the result; then transfers are offered
 * at a rate, twice: undisturbed, and with the leader killed after a third of the time and started again after two thirds.
 * `final_*_ms` is from sending to all keepers until the first certified block with the transfer has come to a tab.
 *
 * The tabs live in this process and take processor time from the keepers; transfers are signed before. Epochs are far shorter
 * than a swarm's, so that the ends of several fall into the time.
 */
import { loadavg } from 'node:os';
import { netIdOf } from '../../src/ledger/genesis.ts';
import type { BenchOptions, BenchResult } from '../suite.ts';
import { type Committee, startCommittee, until } from './committee.ts';
import { createPerson } from './history.ts';
import { drain, leaderOf, type Offered, type Outcome, offer, outcomeOf } from './load.ts';
import { replayAll } from './replay.ts';
import { openTab, type Tab } from './tabs.ts';
import { createWallets, type Wallets } from './wallets.ts';

const keepers = 4;
const accounts = 200;
/** Each with a connection to every keeper, that is told of every block. */
const tabCount = 4;
const offeredPerSecond = 220;
const seconds = 30;
const warmUpSeconds = 5;
const epochSeconds = 20;
const drainSeconds = 60;

export const limits = { final_p95_ms: 1_000, lost: 0, kill_lost: 0 };
export const floors = { transfers_per_s: 200 };

type Rig = {
  readonly committee: Committee;
  readonly tabs: readonly Tab[];
  readonly wallets: Wallets;
  readonly say: BenchOptions['say'];
};

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const people = Array.from({ length: accounts }, (_, index) => createPerson(`person ${index}`));
  const allocations = people.map(({ id: account }) => ({ account, vcoin: 1_000 }));
  const committee = await startCommittee({ size: keepers, allocations, epochSeconds });
  const urls = Array.from({ length: keepers }, (_, seat) => committee.socketUrl(seat));
  const tabs: Tab[] = [];
  try {
    const net = netIdOf(committee.genesis);
    for (let i = 0; i < tabCount; i++) tabs.push(await openTab(urls, net, { keepsBlocks: i === 0 }));
    const rig: Rig = { committee, tabs, wallets: createWallets(committee.genesis, people), say };
    await begin(rig);
    const quiet = await measureQuiet(rig);
    const killed = await measureKilled(rig);
    await verify(rig);
    return { ...quiet, ...killed };
  } finally {
    for (const tab of tabs) tab.close();
    await committee.close();
  }
};

/** Accounts that pay once each, and what must be true afterwards. Then some load, so that code is warm as after a minute. */
const begin = async (rig: Rig): Promise<void> => {
  const { tabs, wallets, say } = rig;
  say(`${accounts} accounts are opened and pay once…`);
  for (const operations of [wallets.open(), wallets.transfers(accounts, 0)]) {
    await offer(tabs, operations, offeredPerSecond);
    if (!(await drain(tabs, drainSeconds))) throw new Error(`not all is final: ${refusalsOf(tabs)}`);
  }
  await verify(rig);
  const transfers = wallets.transfers(offeredPerSecond * warmUpSeconds, await epochOf(rig));
  await offer(tabs, transfers, offeredPerSecond);
  await drain(tabs, drainSeconds);
};

const measureQuiet = async (rig: Rig): Promise<BenchResult> => {
  const { committee, tabs } = rig;
  const seats = Array.from({ length: keepers }, (_, seat) => seat);
  const cpu = () => Promise.all(seats.map((seat) => committee.cpuMs(seat)));
  const sent = () => Promise.all(seats.map((seat) => committee.metric(seat, 'aivillage_ledger_peer_bytes')));
  const [cpuBefore, sentBefore, receivedBefore] = [await cpu(), await sent(), receivedOf(tabs)];
  const { offered, outcome } = await measure(rig, async () => {});
  const [cpuAfter, sentAfter, receivedAfter] = [await cpu(), await sent(), receivedOf(tabs)];
  const transfers = offered.sentAt.size;
  const perKeeper = (after: number | undefined, before: number | undefined) =>
    after === undefined || before === undefined ? Number.NaN : after - before;
  const cpuMs = seats.reduce((sum, seat) => sum + perKeeper(cpuAfter[seat], cpuBefore[seat]), 0);
  const betweenKeepers = seats.reduce((sum, seat) => sum + perKeeper(sentAfter[seat], sentBefore[seat]), 0);
  return {
    transfers_per_s: rounded(outcome.perSecond),
    final_p50_ms: Math.round(outcome.p50),
    final_p95_ms: Math.round(outcome.p95),
    final_max_ms: Math.round(outcome.max),
    blocks: outcome.blocks,
    later_rounds: outcome.laterRounds,
    bytes_per_transfer: Math.round(outcome.bytesPerOperation),
    keeper_wire_bytes_per_transfer: Math.round(betweenKeepers / transfers),
    tab_wire_bytes_per_transfer: Math.round((receivedAfter - receivedBefore) / transfers / tabs.length),
    keeper_cpu_ms_per_transfer: Number.isNaN(cpuMs) ? null : rounded(cpuMs / transfers / keepers),
    lost: outcome.lost,
  };
};

const measureKilled = async (rig: Rig): Promise<BenchResult> => {
  const { committee, tabs, say } = rig;
  let atHeadMs = Number.NaN;
  let votingMs = Number.NaN;
  const { outcome } = await measure(rig, async () => {
    await wait((seconds / 3) * 1_000);
    const seat = leaderOf(tabs[0]?.blocks ?? []);
    say(`keeper ${seat}, the leader, is killed…`);
    await committee.kill(seat);
    await wait((seconds / 3) * 1_000);
    say('…and started again');
    const startedAt = performance.now();
    await committee.start(seat);
    const other = (seat + 1) % keepers;
    await until('the restarted keeper reaches the head', async () => {
      const [own, head] = await Promise.all([committee.status(seat), committee.status(other)]);
      return own !== undefined && head !== undefined && own.height >= head.height;
    });
    atHeadMs = performance.now() - startedAt;
    await until('the restarted keeper votes', async () => (await committee.status(seat))?.phase === 'voting');
    votingMs = performance.now() - startedAt;
  });
  return {
    kill_transfers_per_s: rounded(outcome.perSecond),
    kill_final_p50_ms: Math.round(outcome.p50),
    kill_final_p95_ms: Math.round(outcome.p95),
    kill_gap_ms: Math.round(outcome.longestGapMs),
    kill_later_rounds: outcome.laterRounds,
    kill_head_ms: Math.round(atHeadMs),
    kill_voting_ms: Math.round(votingMs),
    kill_lost: outcome.lost,
  };
};

const measure = async (
  rig: Rig,
  meanwhile: () => Promise<void>,
): Promise<{ readonly offered: Offered; readonly outcome: Outcome }> => {
  const { tabs, wallets, say } = rig;
  const transfers = wallets.transfers(offeredPerSecond * seconds, await epochOf(rig));
  say(`${offeredPerSecond} transfers/s for ${seconds} s; load average ${loadavg().map(rounded).join(' ')}…`);
  const [offered] = await Promise.all([offer(tabs, transfers, offeredPerSecond), meanwhile()]);
  if (!(await drain(tabs, drainSeconds))) say(`not all is final: ${refusalsOf(tabs)}`);
  const outcome = outcomeOf(tabs[0]?.blocks ?? [], offered);
  say(`${JSON.stringify(outcome)}`);
  return { offered, outcome };
};

/** All keepers have one head, and a replica that checked every block has the balances that were signed for. */
const verify = async ({ committee, wallets, say }: Rig): Promise<void> => {
  const seats = Array.from({ length: keepers }, (_, seat) => seat);
  let height = 0;
  let head = '';
  await until('all keepers have one head', async () => {
    const all = await Promise.all(seats.map((seat) => committee.status(seat)));
    height = all[0]?.height ?? 0;
    head = all[0]?.head ?? '';
    return all.every((status) => status?.height === height && status.head === head);
  });
  const states = await Promise.all(
    seats.map((seat) => replayAll(committee.socketUrl(seat), committee.genesis, height)),
  );
  for (const state of states) {
    if (state.position.height === height && state.position.head !== head)
      throw new Error(`a replay ends in ${state.position.head}, the keepers say ${head}`);
    wallets.verify(state);
  }
  say(`${height} blocks of each keeper were checked: certificates, signatures, conservation, balances`);
};

const epochOf = async ({ committee }: Rig): Promise<number> => (await committee.status(0))?.epoch ?? 0;
const receivedOf = (tabs: readonly Tab[]): number => tabs.reduce((sum, tab) => sum + tab.received(), 0);
const refusalsOf = (tabs: readonly Tab[]): string =>
  [...new Set(tabs.flatMap(({ refusals }) => refusals))].slice(0, 5).join('; ') || 'nobody said why';
const wait = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms));
const rounded = (value: number): number => Math.round(value * 100) / 100;
