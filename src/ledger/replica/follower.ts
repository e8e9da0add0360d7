import { type AccountId, milliseconds } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createStore, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';

import { ledgerLimits } from '../protocol.ts';
import { catchSnapshot } from './catchSnapshot.ts';
import { type Comparison, compareHeads } from './heads.ts';
import { createKeeping } from './keeping.ts';
import { createReplica, type Replica, type ReplicaStart, type Taken } from './replica.ts';
import { chooseSource, heightOf, type LedgerSource, pauseAfter, type SourceEntry } from './source.ts';
import { readFrames } from './stage.ts';
import type { LedgerStore } from './store.ts';
import type { AppliedBlock, ForkProof, Frame, OrderedOperation } from './types.ts';

export type FollowPhase =
  /** Nobody can be asked; what is shown is as old as `height` is. */
  | { readonly phase: 'alone'; readonly height: number }
  | { readonly phase: 'catching-up'; readonly height: number; readonly target: number }
  | { readonly phase: 'following'; readonly height: number }
  | { readonly phase: 'forked'; readonly height: number; readonly proof: ForkProof };

export type FollowNews =
  | { readonly kind: 'blocks'; readonly applied: readonly AppliedBlock[] }
  /** The state was replaced by a newer snapshot: what led there is not known here. */
  | { readonly kind: 'snapshot' };

export type FollowerDeps = {
  readonly store: LedgerStore;
  readonly sources: readonly LedgerSource[];
  readonly crypto: Pick<CryptoPort, 'verify' | 'digest'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Pick<Timers, 'after'>;
  readonly telemetry: Telemetry;
  readonly tell: (news: FollowNews) => void;
};
export type FollowerOptions = {
  /** Whose history is kept. */
  readonly account: AccountId;
  /** Behind by more blocks than this a snapshot is taken instead; Infinity: everything is replayed. */
  readonly snapshotBeyond: number;
  /** Bodies of blocks are kept for so many epochs; epoch blocks for ever. */
  readonly keepEpochs: number;
};

export interface Follower {
  readonly replica: Replica;
  readonly phase: Store<FollowPhase>;
  start(): void;
  /** What another replica's heads mean. */
  compare(told: Parameters<typeof compareHeads>[2]): Promise<Comparison>;
  /** A block that contradicts ours, from one who told of it. False: it is none, so he lies. */
  accuse(block: Bytes): Promise<boolean>;
  /** What took a number of the own account, as far as this device saw it. */
  ordered(seq: number): Promise<OrderedOperation | undefined>;
  /** Resolves when all that was taken is kept. */
  kept(): Promise<void>;
  close(): Promise<void>;
}

/** Keeps a replica at the newest block: asks sources, hands blocks on, keeps them, and stops at proof of a fork. */
export const createFollower = (
  start: ReplicaStart,
  deps: FollowerDeps,
  options: FollowerOptions,
): Follower => {
  const { clock, timers, telemetry, crypto, store } = deps;
  let replica = createReplica(start, deps);
  const keeping = createKeeping(deps, options, start.snapshot);
  let entries: readonly SourceEntry[] = deps.sources.map((source) => ({
    source,
    failures: 0,
    until: 0,
    told: 0,
  }));
  let closed = false;
  let wake = () => {};
  const phase = createStore<FollowPhase>({ phase: 'alone', height: start.state.position.height });

  /** Of one that told of blocks and then had none, no more than what is here. */
  const trustedHeight = (entry: SourceEntry): number => {
    const height = heightOf(entry) ?? -1;
    return entry.failures === 0 ? height : Math.min(height, replica.state.position.height);
  };
  const highest = () => Math.max(-1, ...entries.map((entry) => trustedHeight(entry)));
  const show = () => {
    const { height } = replica.state.position;
    const target = highest();
    if (replica.fork) phase.set({ phase: 'forked', height, proof: replica.fork });
    else if (target < 0) phase.set({ phase: 'alone', height });
    else if (target > height) phase.set({ phase: 'catching-up', height, target });
    else phase.set({ phase: 'following', height });
  };
  const note = (source: LedgerSource, failed: 'no' | 'away' | 'wrong') => {
    entries = entries.map((entry) => {
      if (entry.source !== source) return entry;
      if (failed === 'no') return { ...entry, failures: 0, until: 0 };
      const failures = entry.failures + 1;
      return { ...entry, failures, until: clock.monotonic() + pauseAfter(failures, failed === 'wrong') };
    });
  };
  const onWrong = (source: LedgerSource, from: string, reason: string) => {
    telemetry.log('warn', 'ledger', `blocks refused: ${reason}`, { from });
    note(source, 'wrong');
    source.blame(from, reason);
  };

  const onFork = async (proof: ForkProof) => {
    telemetry.log('error', 'ledger', `the keepers certified two histories at height ${proof.height}`);
    show();
    await keeping.fork(proof);
  };
  /** True: it was certified, so it is proof. */
  const accuse = async (frame: Frame): Promise<boolean> => {
    const kept = await keeping.blockAt(frame.certified.block.header.height);
    const proof = await replica.judge(frame, kept);
    if (proof.ok) await onFork(proof.value);
    return proof.ok;
  };

  const onTaken = async (taken: Taken) => {
    if (taken.applied.length === 0) return;
    // Handed over before it is told: whoever hears of a block may ask what was in it.
    const kept = keeping.take(taken, {
      spans: replica.spans,
      catchingUp: highest() > replica.state.position.height,
    });
    deps.tell({ kind: 'blocks', applied: taken.applied });
    show();
    await kept;
  };
  const take = async (source: LedgerSource, from: string, frames: readonly Frame[]): Promise<boolean> => {
    const of = replica;
    const startedAt = clock.monotonic();
    const taken = await of.take(frames);
    if (closed || of !== replica) return false;
    if (taken.ok) {
      const { length } = taken.value.applied;
      const seconds = (clock.monotonic() - startedAt) / 1_000;
      if (length > 0) telemetry.observe('ledger_apply_seconds', seconds / length);
      note(source, 'no');
      await onTaken(taken.value);
      return true;
    }
    const { code, message } = taken.error;
    if (code === 'other-chain') {
      const strange = frames.find(({ certified }) => certified.block.header.height === of.tip.height + 1);
      if (strange && (await accuse(strange))) return false;
    }
    if (code === 'block' || code === 'other-chain') onWrong(source, from, message);
    else if (code === 'gap') note(source, 'away');
    return false;
  };

  const fetch = async ({ source }: SourceEntry): Promise<(() => Promise<boolean>) | undefined> => {
    const answer = await source.blocks(replica.tip.height, ledgerLimits.maxBlocks);
    if (closed) return undefined;
    if (!answer.ok || answer.value.frames.length === 0) {
      note(source, 'away');
      return undefined;
    }
    const { from, frames } = answer.value;
    const read = readFrames(frames);
    if (!read.ok) {
      onWrong(source, from, read.error.message);
      return undefined;
    }
    const taking = take(source, from, read.value);
    return () => taking;
  };

  const jump = async (entry: SourceEntry, trusted: ReplicaStart): Promise<boolean> => {
    const { source } = entry;
    const known = {
      keepers: replica.state.keepers,
      spans: replica.spans,
      height: replica.state.position.height,
    };
    const caught = await catchSnapshot(source, known, { crypto, clock });
    // Two histories may have been found meanwhile, or blocks told that lead beyond it.
    if (closed || replica.fork) return false;
    if (!caught.ok) {
      telemetry.log('info', 'ledger', `no snapshot taken: ${caught.error.message}`, { source: source.name });
      if (caught.error.code === 'away' || caught.error.code === 'late') note(source, 'away');
      return false;
    }
    if (caught.value.state.position.height <= replica.state.position.height) return false;
    replica = createReplica({ ...trusted, ...caught.value }, deps);
    deps.tell({ kind: 'snapshot' });
    show();
    await keeping.restart(caught.value);
    return true;
  };
  /** Of a source that no longer has what follows here, or when replay would take long. Asked once per source. */
  const jumpTried = new Set<LedgerSource>();
  const wantsJump = ({ source }: SourceEntry): boolean => {
    const status = source.status();
    if (!status || jumpTried.has(source)) return false;
    const { height } = replica.tip;
    return status.earliest > height + 1 || status.height - height > options.snapshotBeyond;
  };

  const idle = () =>
    new Promise<void>((resolve) => {
      const cancel = timers.after(milliseconds(1_000), resolve);
      wake = () => {
        cancel();
        resolve();
      };
    });
  const run = async () => {
    let checking: (() => Promise<boolean>) | undefined;
    while (!closed && !replica.fork) {
      const entry = chooseSource(entries, replica.tip.height, clock.monotonic());
      if (!entry) {
        await checking?.();
        checking = undefined;
        show();
        if (!chooseSource(entries, replica.tip.height, clock.monotonic())) await idle();
        continue;
      }
      if (wantsJump(entry)) {
        await checking?.();
        checking = undefined;
        jumpTried.add(entry.source);
        await jump(entry, start);
        continue;
      }
      // The next answer is fetched and applied while signatures of the one before are still being checked.
      const next = await fetch(entry);
      if (checking) await checking();
      checking = next;
    }
    await checking?.();
  };

  const stops = deps.sources.map((source) =>
    source.news((news) => {
      if (news.kind === 'block') {
        const read = readFrames([news.bytes]);
        if (!read.ok) onWrong(source, news.from, read.error.message);
        else void onPushed(source, news.from, read.value);
      }
      wake();
    }),
  );
  const onPushed = async (source: LedgerSource, from: string, frames: readonly Frame[]) => {
    const [frame] = frames;
    if (!frame || replica.fork) return;
    const { id, header } = frame.certified.block;
    const ours = replica.idAt(header.height);
    entries = entries.map((entry) =>
      entry.source === source && header.net === start.state.net
        ? { ...entry, told: Math.max(entry.told, header.height) }
        : entry,
    );
    if (header.height === replica.tip.height + 1) await take(source, from, frames);
    else if (ours !== undefined && ours !== id && !(await accuse(frame)))
      onWrong(source, from, `it tells another block of height ${header.height} that nobody certified`);
    show();
  };

  return {
    get replica() {
      return replica;
    },
    phase,
    start() {
      show();
      run().catch((cause) => telemetry.log('error', 'ledger', `the replica stopped: ${String(cause)}`));
    },
    async compare(told) {
      const own = replica.heads();
      const kept = await Promise.all(
        [told.epoch.height, told.height].map((height) => keeping.blockAt(height)),
      );
      const idAt = (height: number) =>
        replica.idAt(height) ??
        kept.find((frame) => frame?.certified.block.header.height === height)?.certified.block.id;
      return compareHeads(own, idAt, told);
    },
    async accuse(bytes) {
      const read = readFrames([bytes]);
      const [frame] = read.ok ? read.value : [];
      return frame !== undefined && accuse(frame);
    },
    ordered: keeping.ordered,
    kept: keeping.idle,
    async close() {
      closed = true;
      for (const stop of stops) stop();
      wake();
      await keeping.idle();
      store.close();
    },
  };
};
