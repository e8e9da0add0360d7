import { milliseconds } from '../src/core/brand.ts';
import type { Clock } from '../src/core/ports/clock.ts';
import type { Timers } from '../src/core/ports/timers.ts';
import type { ProcessId } from './busProtocol.ts';

export const processLimits = {
  beatEveryMs: 2_000,
  /** Four beats. */
  silentAfterMs: 8_000,
  /** While this process itself is cut off, it can't know who else lives: that long it believes what it knew. */
  awayGraceMs: 30_000,
  /** More are not listened to: something is wrong with that bus. */
  maxProcesses: 256,
} as const;
const limits = processLimits;

export interface OtherProcesses {
  /** A sign of life. False: there are too many already, and this one is not listened to. */
  heard(process: ProcessId): boolean;
  /** It said so itself. */
  left(process: ProcessId): void;
  /** The bus went, or is back. */
  setAway(away: boolean): void;
  ids(): readonly ProcessId[];
  close(): void;
}

export type OtherProcessesEvents = {
  appeared(process: ProcessId): void;
  vanished(process: ProcessId): void;
  /** Time for this process's own sign of life. */
  beat(): void;
};

/** Which other server processes live, by their signs of life. Doesn't know what they are for. */
export const createOtherProcesses = (
  deps: { readonly clock: Pick<Clock, 'monotonic'>; readonly timers: Timers },
  events: OtherProcessesEvents,
): OtherProcesses => {
  const { clock, timers } = deps;
  const heardAtById = new Map<ProcessId, number>();
  let awaySince: number | undefined;

  const forget = (process: ProcessId) => {
    if (heardAtById.delete(process)) events.vanished(process);
  };
  const look = () => {
    const now = clock.monotonic();
    const limit = awaySince === undefined ? limits.silentAfterMs : limits.awayGraceMs;
    for (const [process, heardAt] of [...heardAtById]) {
      if (now - (awaySince ?? heardAt) >= limit) forget(process);
    }
    if (awaySince === undefined) events.beat();
  };
  const stop = timers.every(milliseconds(limits.beatEveryMs), look);

  return {
    heard(process) {
      const isNew = !heardAtById.has(process);
      if (isNew && heardAtById.size >= limits.maxProcesses) return false;
      heardAtById.set(process, clock.monotonic());
      if (isNew) events.appeared(process);
      return true;
    },
    left: forget,
    setAway(away) {
      const now = clock.monotonic();
      if (away) awaySince ??= now;
      else if (awaySince !== undefined) {
        awaySince = undefined;
        // They could not be heard; now each gets its time to be.
        for (const process of heardAtById.keys()) heardAtById.set(process, now);
      }
    },
    ids: () => [...heardAtById.keys()],
    close: stop,
  };
};
