import { milliseconds } from '../src/core/brand.ts';
import type { Clock } from '../src/core/ports/clock.ts';
import type { CancelTimer, Timers } from '../src/core/ports/timers.ts';

/** Why something waits: until a time has come, and as long as somebody is full. */
export type HoldReason = {
  /** Monotonic ms. */
  readonly until: number;
  /** Asked every 20 ms; the same name again takes the place of the older. */
  readonly full?: { readonly name: string; readonly isFull: () => boolean };
};

export interface Holds {
  /** Calls `begin` unless this key is held already, and `end` once, when no reason is left or 5 s have passed. */
  hold(key: string | number, reason: HoldReason, act: { begin?(): void; end(heldMs: number): void }): void;
  /** Ends it now, if it is held. */
  release(key: string | number): void;
  size(): number;
}

type Held = {
  readonly end: (heldMs: number) => void;
  readonly since: number;
  readonly fullByName: Map<string, () => boolean>;
  until: number;
};

/** Often enough for a buffer of 256 KiB that empties at 10 MB/s, and one timer for all of them. */
const lookEveryMs = 20;
/**
 * Nobody is held for longer in one go: a tab gives its server up after 25 s without an answer, and must not do so because
 * of somebody else who does not read.
 */
export const longestHoldMs = 5_000;

/**
 * Back-pressure: holds readers back until what they fill has room again. Bounded by its keys, and by time. Doesn't know
 * sockets.
 */
export const createHolds = (deps: {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly timers: Timers;
}): Holds => {
  const heldByKey = new Map<string | number, Held>();
  let stopLooking: CancelTimer | undefined;

  const look = () => {
    const now = deps.clock.monotonic();
    for (const [key, held] of heldByKey) {
      for (const [name, isFull] of held.fullByName) if (!isFull()) held.fullByName.delete(name);
      if (now - held.since >= longestHoldMs || (now >= held.until && held.fullByName.size === 0))
        release(key);
    }
  };
  const release = (key: string | number) => {
    const held = heldByKey.get(key);
    if (!held) return;
    heldByKey.delete(key);
    if (heldByKey.size === 0) {
      stopLooking?.();
      stopLooking = undefined;
    }
    held.end(deps.clock.monotonic() - held.since);
  };
  return {
    hold(key, { until, full }, { begin, end }) {
      const known = heldByKey.get(key);
      const held: Held = known ?? {
        end,
        since: deps.clock.monotonic(),
        fullByName: new Map(),
        until,
      };
      held.until = Math.max(held.until, until);
      if (full) held.fullByName.set(full.name, full.isFull);
      if (known) return;
      heldByKey.set(key, held);
      stopLooking ??= deps.timers.every(milliseconds(lookEveryMs), look);
      begin?.();
    },
    release,
    size: () => heldByKey.size,
  };
};
