import { type Milliseconds, milliseconds } from '../../src/core/brand.ts';
import type { Clock } from '../../src/core/ports/clock.ts';
import type { Timers } from '../../src/core/ports/timers.ts';

type Entry = {
  at: number;
  readonly order: number;
  readonly run: () => void;
  readonly period: number | undefined;
};

export interface VirtualTime {
  readonly clock: Clock;
  readonly timers: Timers;
  now(): number;
  /** Goes from timer to timer until `done`, or until `limit` (virtual milliseconds from now) is over. */
  runUntil(done: () => boolean, limit: number): Promise<boolean>;
}

/**
 * Time that moves only when everything that can happen now has happened: after each instant's timers, one turn of the
 * event loop drains all promise reactions. Nothing in a simulation may use real time or real I/O, else this breaks.
 */
export const createVirtualTime = (wallStart = 1_790_000_000_000): VirtualTime => {
  let now = 0;
  let order = 0;
  const entries = new Set<Entry>();
  const schedule = (delay: Milliseconds, run: () => void, period: number | undefined) => {
    const entry: Entry = { at: now + Math.max(0, delay), order: order++, run, period };
    entries.add(entry);
    return () => void entries.delete(entry);
  };
  const dueNext = (): Entry | undefined => {
    let first: Entry | undefined;
    for (const entry of entries) {
      if (!first || entry.at < first.at || (entry.at === first.at && entry.order < first.order))
        first = entry;
    }
    return first;
  };
  const fire = (entry: Entry) => {
    if (entry.period === undefined) entries.delete(entry);
    else entry.at += Math.max(1, entry.period);
    entry.run();
  };
  return {
    clock: { now: () => milliseconds(wallStart + now), monotonic: () => milliseconds(now) },
    timers: {
      after: (delay, run) => schedule(delay, run, undefined),
      every: (period, run) => schedule(period, run, period),
    },
    now: () => now,
    async runUntil(done, limit) {
      const end = now + limit;
      await settle();
      while (!done()) {
        const next = dueNext();
        if (!next || next.at > end) {
          now = end;
          return false;
        }
        now = Math.max(now, next.at);
        fire(next);
        await settle();
      }
      return true;
    },
  };
};

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
