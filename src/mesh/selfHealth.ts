import { type Milliseconds, milliseconds } from '../core/brand.ts';
import { createEmitter, type Subscribe } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Timers } from '../core/ports/timers.ts';

/**
 * How well this tab keeps time itself. Knows the lateness of its own timers; doesn't know any peer. Whoever waits for a
 * peer waits `patience` times as long, because a tab that was throttled, asleep or starved of its processor hears late what
 * others said in time (Dadgar, Phillips, Currey, "Lifeguard: local health awareness for more accurate failure detection",
 * DSN 2018).
 */
export interface SelfHealth {
  /** 1 when this tab keeps time, up to `maxPatience` when it doesn't. */
  patience(): number;
  /** Once a second, give or take this tab's lateness: one timer for all that watch. */
  readonly beats: Subscribe<void>;
  close(): void;
}

export const maxPatience = 6;
const measureEvery = milliseconds(1_000);
/** So much lateness makes waiting twice as long. */
const tolerated = milliseconds(200);
/** Trust in itself comes back over several seconds; doubt comes at once. */
const recovery = 0.7;

export const nextPatience = (current: number, lateness: Milliseconds): number =>
  Math.min(maxPatience, Math.max(1 + Math.max(0, lateness) / tolerated, 1 + (current - 1) * recovery));

export const createSelfHealth = (deps: { readonly clock: Clock; readonly timers: Timers }): SelfHealth => {
  const { clock, timers } = deps;
  const beats = createEmitter<void>();
  let patience = 1;
  let due = clock.monotonic() + measureEvery;
  const lateness = () => milliseconds(Math.max(0, clock.monotonic() - due));
  const stop = timers.every(measureEvery, () => {
    patience = nextPatience(patience, lateness());
    due = clock.monotonic() + measureEvery;
    beats.emit();
  });
  return {
    // Asked before the timer that is late has run: it is late all the same.
    patience: () => Math.max(patience, nextPatience(1, lateness())),
    beats: beats.subscribe,
    close: stop,
  };
};
