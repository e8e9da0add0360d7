import type { Milliseconds } from '../core/brand.ts';
import { createEmitter } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { WorkerHandle } from './ports.ts';

export type VirtualTime = {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Runs every timer due within `ms`, in order, and lets promises settle between them. */
  advance(ms: number): Promise<void>;
};

export const createVirtualTime = (): VirtualTime => {
  let now = 0;
  const pending = new Set<{ at: number; run: () => void }>();
  const after = (delay: number, run: () => void) => {
    const entry = { at: now + delay, run };
    pending.add(entry);
    return () => void pending.delete(entry);
  };
  const every = (period: number, run: () => void) => {
    let cancel = () => {};
    const again = () => {
      cancel = after(period, again);
      run();
    };
    cancel = after(period, again);
    return () => cancel();
  };
  return {
    clock: { now: () => now as Milliseconds, monotonic: () => now as Milliseconds },
    timers: { after, every },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = [...pending].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        pending.delete(due);
        now = due.at;
        due.run();
        await settle();
      }
      now = end;
    },
  };
};

/** Lets everything that waits only for promises finish. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await Promise.resolve();
};

export type ScriptedWorker<Api> = WorkerHandle<Api> & {
  die(reason: string): void;
  sign(): void;
  readonly aborted: () => number;
  readonly terminated: () => boolean;
};

export const createScriptedWorker = <Api>(api: Api, onAbort?: () => void): ScriptedWorker<Api> => {
  const signs = createEmitter<void>();
  const ended = createEmitter<string>();
  let aborted = 0;
  let terminated = false;
  return {
    api,
    signs: signs.subscribe,
    ended: ended.subscribe,
    abort() {
      aborted++;
      onAbort?.();
    },
    terminate() {
      terminated = true;
    },
    die: (reason) => ended.emit(reason),
    sign: () => signs.emit(),
    aborted: () => aborted,
    terminated: () => terminated,
  };
};

/** The Locks port over a map that several "tabs" can share. */
export const createSharedLocks = (): Locks & { readonly held: ReadonlySet<string> } => {
  const held = new Set<string>();
  const queues = new Map<string, (() => void)[]>();
  const release = (name: string) => {
    let released = false;
    return () => {
      if (released) return;
      released = true;
      const next = queues.get(name)?.shift();
      if (next) next();
      else held.delete(name);
    };
  };
  return {
    held,
    async tryAcquire(name) {
      if (held.has(name)) return undefined;
      held.add(name);
      return release(name);
    },
    acquire: (name, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        if (!held.has(name)) {
          held.add(name);
          return resolve(release(name));
        }
        const queue = queues.get(name) ?? [];
        queues.set(name, queue);
        const grant = () => {
          signal?.removeEventListener('abort', leave);
          resolve(release(name));
        };
        const leave = () => {
          const index = queue.indexOf(grant);
          if (index >= 0) queue.splice(index, 1);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', leave, { once: true });
        queue.push(grant);
      }),
  };
};
