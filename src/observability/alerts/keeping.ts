import { milliseconds } from '../../core/brand.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import type { Result } from '../../core/result.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import {
  type AlertRecord,
  type AlertSettings,
  isOfNewerVersion,
  readRecord,
  readSettings,
  writeRecord,
  writeSettings,
} from './record.ts';

const patienceMs = 10_000;
/** Two tabs that change settings at once must not undo each other. */
const settingsLock = 'aivillage-alerts-settings';

/**
 * Reads and writes what alerts keep. A store that fails changes nothing but what is said in `problem`: everything goes on in
 * memory. One write at a time; of several that are asked for meanwhile, the newest.
 */
export const createKeeping = (
  deps: {
    readonly store: KeyValueStore;
    readonly locks: Locks;
    readonly timers: Pick<Timers, 'after'>;
    readonly telemetry: Telemetry;
  },
  onProblem: () => void,
) => {
  const { store, locks, timers, telemetry } = deps;
  let problem: string | undefined;
  let newer = false;
  let writing = false;
  let wanted: (() => AlertRecord) | undefined;
  let changing = 0;
  let changed = 0;
  /** What was set last is in no store: what is read is older. */
  let unwritten = false;

  const tried = async <T>(what: string, instead: T, work: () => Promise<T>): Promise<T> => {
    try {
      const result = await inTime(work());
      if (!newer) solved();
      return result;
    } catch (cause) {
      telemetry.count('alerts_storage_failures_total', 1, { what });
      say(`alerts are not kept: ${cause instanceof Error ? cause.message : String(cause)}`);
      return instead;
    }
  };
  /** A database that another tab blocks may never answer. */
  const inTime = <T>(work: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const cancel = timers.after(milliseconds(patienceMs), () =>
        reject(new Error(`the storage did not answer within ${patienceMs / 1_000} s`)),
      );
      work.then(resolve, reject).finally(cancel);
    });
  const say = (sentence: string) => {
    if (problem === sentence) return;
    problem = sentence;
    onProblem();
  };
  const solved = () => {
    if (problem === undefined) return;
    problem = undefined;
    onProblem();
  };
  const mayWrite = async (): Promise<boolean> => {
    newer ||= await isOfNewerVersion(store);
    if (newer) say('alerts are not kept: a newer version of the page has written here; reload this tab');
    return !newer;
  };
  const writeWanted = async () => {
    if (writing) return;
    writing = true;
    for (let next = wanted; next; next = wanted) {
      wanted = undefined;
      const write = next;
      await tried('write', undefined, async () => {
        if (await mayWrite()) await writeRecord(store, write());
      });
    }
    writing = false;
  };

  return {
    problem: () => problem,
    readRecord: (instead: AlertRecord) =>
      tried('read', instead, async () => (await readRecord(store)) ?? instead),
    /** What this tab knows, where it can't be read or was set here while it was read. */
    async readSettings(known: () => AlertSettings): Promise<AlertSettings> {
      const before = changed;
      const read = await tried('read', undefined, () => readSettings(store));
      const older = unwritten || changing > 0 || changed !== before;
      return older ? known() : (read ?? known());
    },
    write(record: () => AlertRecord) {
      wanted = record;
      void writeWanted();
    },
    /**
     * Made of what is stored now, not of what this tab read last. Where nothing can be stored it holds in this tab, and is
     * written with the next change.
     */
    async changeSettings<Refusal>(
      known: () => AlertSettings,
      make: (current: AlertSettings) => Result<AlertSettings, Refusal>,
    ): Promise<Result<void, Refusal>> {
      const release = await locks.acquire(settingsLock).catch(() => () => {});
      changing++;
      try {
        const stored = unwritten ? undefined : await tried('read', undefined, () => readSettings(store));
        const made = make(stored ?? known());
        if (!made.ok) return made;
        unwritten = !(await tried('write', false, async () => {
          if (!(await mayWrite())) return false;
          await writeSettings(store, made.value);
          return true;
        }));
        return { ok: true, value: undefined };
      } finally {
        changing--;
        changed++;
        release();
      }
    },
  };
};
