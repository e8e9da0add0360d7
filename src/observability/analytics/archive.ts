import type { Clock } from '../../core/ports/clock.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { type KeyValueStore, StorageError } from '../../storage/port.ts';
import { compact } from './compactor.ts';
import { createPending, type Pending } from './pending.ts';
import { isNewer, keyOf, type Segment, schemaVersion } from './records.ts';
import { bytesOf, type HeadById, letGoOfOldest, readHeads, retain } from './retention.ts';
import type { Row } from './seriesIdentity.ts';
import { createStoredView, type StoredView } from './storedView.ts';
import type { RetentionPolicy } from './types.ts';

export type ArchiveDeps = {
  readonly clock: Clock;
  readonly telemetry: Pick<Telemetry, 'log'>;
  readonly locks: Locks;
  readonly store: KeyValueStore;
  /** This tab: different from that of every other tab of this browser. */
  readonly source: string;
  readonly pause: () => Promise<void>;
};
export type ArchiveOptions = {
  readonly maxPendingPoints: number;
  readonly maxStoredBytes: number;
  readonly policy: () => RetentionPolicy;
  /** What is merged is known anew. */
  readonly onMerged: () => void;
};

/**
 * The stored half of analytics: writes what is pending as segments, has them merged into chunks, reads all of it. Doesn't
 * know what the numbers are for. Nothing rejects but `read` of a view: why something was not written is `problem`.
 */
export interface Archive {
  readonly pending: Pending;
  flush(): Promise<void>;
  /** Merges and lets go of the old, unless another tab does it just now. */
  compact(): Promise<void>;
  view(): StoredView;
  /** One record: all of it is there after a crash, or nothing. */
  addFile(hash: string, rows: readonly Row[]): Promise<boolean>;
  setPolicy(policy: RetentionPolicy): void;
  clear(): Promise<void>;
  readonly heads: () => HeadById;
  /** Of chunks, and of segments of this tab that aren't merged yet. */
  readonly bytes: () => number;
  readonly problem: () => string | undefined;
}

const compactLock = 'aivillage-analytics-compact';
/** A clock that runs ahead of the time that has passed by more than this was set: it must not make everything old. */
const maxDriftMs = 3_600_000;

export const createArchive = (deps: ArchiveDeps, options: ArchiveOptions): Archive => {
  const { clock, store, locks } = deps;
  const pending = createPending(options.maxPendingPoints);
  const opened = { now: clock.now(), monotonic: clock.monotonic() };
  // A tab that is opened again under its old name must not write below its old marks.
  const source = `${deps.source}.${opened.now.toString(36)}`;
  let seq = 1;
  let frozen: Segment | undefined;
  let policyToWrite: RetentionPolicy | undefined;
  let heads: HeadById = new Map();
  let segmentBytes = 0;
  let problem: string | undefined;
  let isNewerThere = false;
  let last: Promise<unknown> = Promise.resolve();

  /** One at a time, in order; a failure is told as `problem`, never to the caller. */
  const exclusive = (work: () => Promise<void>): Promise<void> => {
    const next = last.then(work).catch((cause: unknown) => fail(cause));
    last = next;
    return next;
  };
  const fail = (cause: unknown) => {
    const message = cause instanceof Error ? cause.message : String(cause);
    if (problem === undefined) deps.telemetry.log('warn', 'analytics', `nothing is stored now: ${message}`);
    problem = message;
  };
  const segmentOf = (rows: readonly Row[]): Segment => ({ v: schemaVersion, source, seq, rows });

  /** Whether this version may write here. */
  const mayWrite = async (): Promise<boolean> => {
    const meta = await store.get('metrics', keyOf.meta);
    isNewerThere = isNewer(meta);
    if (isNewerThere)
      problem = 'A newer version of this page has stored its measurements here: reload this tab.';
    else if (meta === undefined) await store.set('metrics', keyOf.meta, { v: schemaVersion });
    return !isNewerThere;
  };
  /** The same segment again until it is written: if it was after all, nobody counts it twice. */
  const writeFrozen = async (): Promise<void> => {
    if (!frozen && pending.points > 0) {
      frozen = segmentOf(pending.rows());
      seq++;
      pending.clear();
    }
    if (!frozen) return;
    await store.set('metrics', keyOf.segment(source, frozen.seq), frozen);
    segmentBytes += frozen.rows.reduce((sum, { block }) => sum + block.byteLength, 0);
    frozen = undefined;
  };
  const write = async (): Promise<void> => {
    if (!(await mayWrite())) return;
    await withRoom(writeFrozen);
    const policy = policyToWrite;
    if (policy) await store.set('metrics', keyOf.policy, { v: schemaVersion, policy });
    // One that was set meanwhile is written next.
    if (policyToWrite === policy) policyToWrite = undefined;
    problem = undefined;
    if (pending.points > 0) await write();
  };
  /** On a full disk the oldest goes, once; the next flush tries again. */
  const withRoom = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (cause) {
      if (!(cause instanceof StorageError) || cause.code !== 'full') throw cause;
      const release = await locks.tryAcquire(compactLock);
      if (!release) throw cause;
      try {
        if (!(await letGoOfOldest(store, clock.now()))) throw cause;
      } finally {
        release();
      }
      deps.telemetry.log('warn', 'analytics', 'the oldest measurements were let go: storage is full');
      await work();
    }
  };
  /** By which ages are told: never later than it can be. Where the monotonic clock sleeps with the device, all is kept longer. */
  const latestNow = () =>
    Math.min(clock.now(), opened.now + clock.monotonic() - opened.monotonic + maxDriftMs);
  const setHeads = (next: HeadById) => {
    heads = next;
    options.onMerged();
  };
  const merge = async (): Promise<void> => {
    const agedAt = latestNow();
    const policy = options.policy();
    const outcome = await compact(store, { now: agedAt, policy, pause: deps.pause });
    if (outcome.newer) {
      isNewerThere = true;
      problem = 'A newer version of this page has stored its measurements here: reload this tab.';
      return;
    }
    if (outcome.damaged > 0)
      deps.telemetry.log('warn', 'analytics', 'damaged records were let go', { records: outcome.damaged });
    segmentBytes = 0;
    const { maxStoredBytes: maxBytes } = options;
    setHeads(await retain(store, { now: clock.now(), agedAt, policy, maxBytes }));
  };

  return {
    pending,
    flush: () => exclusive(write),
    compact: () =>
      exclusive(async () => {
        await write();
        if (isNewerThere) return;
        const release = await locks.tryAcquire(compactLock);
        try {
          if (release) await merge();
          else setHeads(await readHeads(store));
        } finally {
          release?.();
        }
      }),
    view: () =>
      createStoredView(store, {
        now: clock.now(),
        agedAt: latestNow(),
        policy: options.policy(),
        unwritten: [...(frozen ? [frozen] : []), ...(pending.points > 0 ? [segmentOf(pending.rows())] : [])],
      }),
    async addFile(hash, rows) {
      let isThere = false;
      await exclusive(async () => {
        if (!(await mayWrite())) return;
        await store.set('metrics', keyOf.load(hash), { v: schemaVersion, rows });
        isThere = true;
      });
      return isThere;
    },
    setPolicy(policy) {
      policyToWrite = policy;
    },
    clear: () =>
      exclusive(async () => {
        if (!(await mayWrite())) return;
        const release = await locks.acquire(compactLock);
        try {
          pending.clear();
          frozen = undefined;
          for (const prefix of ['seg/', 'load/', 'head/', 'chunk/'])
            await store.deletePrefix('metrics', prefix);
          segmentBytes = 0;
          setHeads(new Map());
        } finally {
          release();
        }
      }),
    heads: () => heads,
    bytes: () => bytesOf(heads) + segmentBytes,
    problem: () => problem,
  };
};
