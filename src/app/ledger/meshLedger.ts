import * as v from 'valibot';
import type { LedgerPeers, LedgerWorkerApi } from '../../../workers/protocol.ts';
import { milliseconds, type PeerId } from '../../core/brand.ts';
import type { Unsubscribe } from '../../core/events.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, fault, ok } from '../../core/result.ts';
import { countSchema } from '../../core/schema.ts';
import { blockLimits } from '../../ledger/block.ts';
import { ledgerLimits } from '../../ledger/protocol.ts';
import type { Frames, SnapshotPart } from '../../ledger/replica/source.ts';
import type { Heads } from '../../ledger/replica/types.ts';
import { idSchema, ownBytes } from '../../ledger/schemas.ts';
import type { BlockId, NetId } from '../../ledger/types.ts';
import type { Method, Overlay, Rpc } from '../../mesh/contracts.ts';

/**
 * What tabs tell each other of the ledger, by RPC, version 1. Whatever comes is checked by the replica that asked, so nobody
 * needs to be trusted.
 *
 *   ledger.heads     net and where I stand → where you stand
 *   ledger.blocks    net, after, count → certified blocks from after + 1 on, as many as fit
 *   ledger.snapshot  net, part → a part of the newest snapshot
 */
const count = countSchema(Number.MAX_SAFE_INTEGER);
const net = idSchema<NetId>();
const headSchema = { height: count, head: idSchema<BlockId>() };
const headsSchema = v.strictObject({ ...headSchema, epoch: v.strictObject(headSchema) });
const blockFrame = ownBytes(blockLimits.maxBytes);
const partSchema = countSchema(ledgerLimits.maxSnapshotParts);

export const headsMethod: Method<{ net: NetId; heads: Heads }, Heads, never> = {
  name: 'ledger.heads',
  input: v.strictObject({ net, heads: headsSchema }),
  output: headsSchema,
  progress: v.never(),
  priority: 'control',
};
export const blocksMethod: Method<
  { net: NetId; after: number; count: number },
  { blocks: Frames['frames'] },
  never
> = {
  name: 'ledger.blocks',
  input: v.strictObject({ net, after: count, count: countSchema(ledgerLimits.maxBlocks) }),
  output: v.strictObject({ blocks: v.pipe(v.array(blockFrame), v.maxLength(ledgerLimits.maxBlocks)) }),
  progress: v.never(),
  priority: 'bulk',
};
export const snapshotMethod: Method<{ net: NetId; part: number }, Omit<SnapshotPart, 'from'>, never> = {
  name: 'ledger.snapshot',
  input: v.strictObject({ net, part: partSchema }),
  output: v.strictObject({
    height: count,
    block: blockFrame,
    part: partSchema,
    of: partSchema,
    bytes: ownBytes(ledgerLimits.snapshotPartBytes),
  }),
  progress: v.never(),
  priority: 'bulk',
};

export type MeshLedgerDeps = {
  readonly overlay: Pick<Overlay, 'peers' | 'changes' | 'expel'>;
  readonly rpc: Pick<Rpc, 'call' | 'handle'>;
  readonly timers: Pick<Timers, 'every'>;
  readonly random: Pick<Random, 'next'>;
};

export interface MeshLedger {
  /** What the worker asks other tabs. */
  readonly peers: LedgerPeers;
  /** Begins to compare and to answer, once the worker has opened. */
  join(worker: LedgerWorkerApi): void;
  close(): void;
}

const compareEvery = milliseconds(60_000);
const deadline = milliseconds(10_000);
const away = (message: string) => err(fault('away' as const, message));

/** Compares heads with other tabs, so that two histories are found, and takes blocks from them when keepers are away. */
export const createMeshLedger = (deps: MeshLedgerDeps, swarm: NetId): MeshLedger => {
  const { overlay, rpc } = deps;
  const headsByPeer = new Map<PeerId, Heads>();
  const stops: Unsubscribe[] = [];
  let worker: LedgerWorkerApi | undefined;

  const tellWorker = () => {
    const heights = [...headsByPeer.values()].map(({ height }) => height);
    void worker?.peersHave(heights.length > 0 ? { height: Math.max(...heights), earliest: 1 } : undefined);
  };
  const forget = (peer: PeerId) => {
    if (headsByPeer.delete(peer)) tellWorker();
  };
  const expel = (peer: PeerId, reason: string) => {
    forget(peer);
    overlay.expel(peer, reason);
  };
  const blockOf = async (peer: PeerId, height: number) => {
    const answer = await rpc.call(
      peer,
      blocksMethod,
      { net: swarm, after: height - 1, count: 1 },
      { deadline },
    );
    return answer.ok ? answer.value.blocks[0] : undefined;
  };
  const onHeads = async (peer: PeerId, told: Heads) => {
    headsByPeer.set(peer, told);
    tellWorker();
    const compared = await worker?.compare(told);
    if (compared?.kind !== 'contradiction') return;
    const block = await blockOf(peer, compared.height);
    if (block && !(await worker?.accuse(block)))
      expel(peer, 'it told of another history of the ledger that nobody certified');
  };
  const compareWith = async (peer: PeerId) => {
    if (!worker) return;
    const answer = await rpc.call(
      peer,
      headsMethod,
      { net: swarm, heads: await worker.heads() },
      { deadline },
    );
    if (answer.ok) await onHeads(peer, answer.value);
    else forget(peer);
  };
  const chosen = (isFit: (heads: Heads) => boolean): PeerId | undefined => {
    const fit = [...headsByPeer].filter(([, heads]) => isFit(heads)).map(([peer]) => peer);
    return fit[Math.floor(deps.random.next() * fit.length)];
  };
  /** One peer for all parts of a snapshot: another has another one. */
  let snapshotFrom: PeerId | undefined;

  return {
    peers: {
      async blocks(after, wanted) {
        const peer = chosen(({ height }) => height > after);
        if (!peer) return away('no tab here has newer blocks');
        const answer = await rpc.call(peer, blocksMethod, { net: swarm, after, count: wanted }, { deadline });
        if (answer.ok && answer.value.blocks.length > 0)
          return ok({ from: peer, frames: answer.value.blocks });
        forget(peer);
        return away(answer.ok ? 'it had none of the blocks it told of' : answer.error.message);
      },
      async snapshot(part) {
        if (part === 0) snapshotFrom = chosen(() => true);
        if (!snapshotFrom) return away('no tab is here');
        const answer = await rpc.call(snapshotFrom, snapshotMethod, { net: swarm, part }, { deadline });
        return answer.ok ? ok({ ...answer.value, from: snapshotFrom }) : away(answer.error.message);
      },
      blame(from, reason) {
        const peer = overlay.peers().find((one) => one.peer === from)?.peer;
        if (peer) expel(peer, reason);
      },
    },
    join(opened) {
      worker = opened;
      const foreign = () => err(fault('refused' as const, 'this tab follows the ledger of another swarm'));
      stops.push(
        rpc.handle(headsMethod, async ({ net: theirs, heads }, { from }) => {
          if (theirs !== swarm) return foreign();
          void onHeads(from, heads);
          return ok(await opened.heads());
        }),
        rpc.handle(blocksMethod, async ({ net: theirs, after, count: wanted }) => {
          if (theirs !== swarm) return foreign();
          return ok({ blocks: await opened.blocks(after, wanted, ledgerLimits.maxBlocksBytes) });
        }),
        rpc.handle(snapshotMethod, async ({ net: theirs, part }) => {
          if (theirs !== swarm) return foreign();
          const kept = await opened.snapshot(part);
          return kept ? ok(kept) : err(fault('refused', 'this tab has no such part'));
        }),
        overlay.changes((change) => {
          if (change.kind === 'up') void compareWith(change.peer.peer);
          if (change.kind === 'down') forget(change.peer);
        }),
        deps.timers.every(compareEvery, () => {
          const peers = overlay.peers();
          const one = peers[Math.floor(deps.random.next() * peers.length)];
          if (one) void compareWith(one.peer);
        }),
      );
      for (const { peer } of overlay.peers()) void compareWith(peer);
    },
    close() {
      worker = undefined;
      for (const stop of stops) stop();
    },
  };
};
