/** Transfers offered at a rate, and when each was final. */
import { unwrap } from '../../src/core/result.ts';
import { readCertifiedBlock } from '../../src/ledger/block.ts';
import { readFromKeeper } from '../../src/ledger/protocol.ts';
import type { CertifiedBlock, OperationId, ReadOperation } from '../../src/ledger/types.ts';
import { percentile } from '../suite.ts';
import type { Arrival, Tab } from './tabs.ts';

export type Offered = { readonly sentAt: ReadonlyMap<OperationId, number>; readonly endedAt: number };

/** Each account's operations come in their order; whoever sends does not wait for answers. */
export const offer = async (
  tabs: readonly Tab[],
  operations: readonly ReadOperation[],
  perSecond: number,
): Promise<Offered> => {
  const sentAt = new Map<OperationId, number>();
  const startedAt = performance.now();
  while (sentAt.size < operations.length) {
    const now = performance.now();
    const due = Math.min(operations.length, Math.floor(((now - startedAt) / 1_000) * perSecond));
    for (const operation of operations.slice(sentAt.size, due)) {
      sentAt.set(operation.id, now);
      tabs[sentAt.size % tabs.length]?.send(operation);
    }
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
  return { sentAt, endedAt: performance.now() };
};

/** True if all is final; false if something is not after `seconds`. */
export const drain = async (tabs: readonly Tab[], seconds: number): Promise<boolean> => {
  const end = performance.now() + seconds * 1_000;
  while (tabs.some((tab) => tab.pending() > 0)) {
    if (performance.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
};

export type Outcome = {
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly max: number;
  /** Never final. */
  readonly lost: number;
  /** Between two blocks, from the first transfer to the last that was final. */
  readonly longestGapMs: number;
  readonly blocks: number;
  /** Blocks that took more than one round. */
  readonly laterRounds: number;
  /** Stored bytes of blocks of operations, per operation. */
  readonly bytesPerOperation: number;
};

/** From the blocks as they arrived, each counted when it came first. */
export const outcomeOf = (arrivals: readonly Arrival[], { sentAt }: Offered): Outcome => {
  const blocks = firstOfEach(arrivals).filter(({ block }) =>
    block.operations.some(({ id }) => sentAt.has(id)),
  );
  const finalAt = new Map<OperationId, number>();
  for (const { at, block } of blocks) for (const { id } of block.operations) finalAt.set(id, at);
  const times: number[] = [];
  for (const [id, sent] of sentAt) {
    const final = finalAt.get(id);
    if (final !== undefined) times.push(final - sent);
  }
  const begin = Math.min(...sentAt.values());
  const moments = [begin, ...blocks.map(({ at }) => at)];
  const gaps = moments.slice(1).map((at, index) => at - (moments[index] ?? at));
  const operations = blocks.reduce((sum, { block }) => sum + block.operations.length, 0);
  return {
    perSecond: times.length / (((moments.at(-1) ?? begin) - begin) / 1_000),
    p50: percentile(times, 50),
    p95: percentile(times, 95),
    max: percentile(times, 100),
    lost: sentAt.size - times.length,
    longestGapMs: percentile(gaps, 100),
    blocks: blocks.length,
    laterRounds: blocks.filter(({ certificate }) => certificate.round > 0).length,
    bytesPerOperation: blocks.reduce((sum, { bytes }) => sum + bytes, 0) / operations,
  };
};

/** Who made the newest block: it leads the next height, but for every 64th. */
export const leaderOf = (arrivals: readonly Arrival[]): number => {
  const newest = firstOfEach(arrivals.slice(-1))[0];
  if (!newest) throw new Error('there was no block');
  return newest.block.header.creator;
};

type Read = CertifiedBlock & { readonly at: number; readonly bytes: number };

const firstOfEach = (arrivals: readonly Arrival[]): readonly Read[] => {
  const byHeight = new Map<number, Read>();
  for (const { at, bytes } of arrivals) {
    const message = unwrap(readFromKeeper(bytes));
    if (message.t !== 'block') continue;
    const certified = unwrap(readCertifiedBlock(message.bytes));
    const { height } = certified.block.header;
    if (!byHeight.has(height)) byHeight.set(height, { ...certified, at, bytes: message.bytes.byteLength });
  }
  return [...byHeight.values()].sort((a, b) => a.at - b.at);
};
