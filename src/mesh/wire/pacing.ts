/**
 * How much may wait in a channel, and in what pieces. What was handed over can't be overtaken any more, so it must be
 * little; but a channel that runs empty wastes its path, and short frames cost more than long ones. So the rate at which
 * the channel drains is measured, and as much is handed over as leaves within `waitMs`. Knows numbers; doesn't know
 * the channel, nor what is sent.
 */

/**
 * So long a control message waits behind what was handed over before it. A third of what it may take in all: what is under
 * way in SCTP and what waits for the other tab's attention comes on top. Goodput is the same at 25 ms.
 */
const waitMs = 15;
/** Below this a window would cost more than it helps: a path that needs 15 ms for 64 KiB has 4 MB/s. */
const leastHighWater = 64 * 1024;
const mostHighWater = 1024 * 1024;
/** A frame is a quarter of the window at most: else the low-water mark, at half, might be passed by a single frame. */
const framesPerWindow = 4;
/** Looks closer together say more about the clock than about the channel. */
const leastLookMs = 4;
/** Rates of looks within this time are averaged: about two windows. */
const smoothMs = 50;

export type Pacing = {
  /** Time of the last look, monotonic milliseconds. */
  readonly at: number;
  /** Unsent bytes then, and what was handed over since. */
  readonly unsent: number;
  /** Bytes per millisecond; undefined before anything was measured. */
  readonly rate: number | undefined;
  readonly highWater: number;
};

export type Pace = {
  /** Nothing is handed over that would make the unsent bytes more than this. */
  readonly highWaterBytes: number;
  /** At this many unsent bytes it goes on. */
  readonly lowWaterBytes: number;
  readonly frameBytes: number;
};

/** One frame after the other, each when the last has left: SCTP would fill a packet up with a part of a second that waits. */
export const narrowPace = (frameBytes: number): Pace => ({ highWaterBytes: 0, lowWaterBytes: 0, frameBytes });

export const startPacing = (now: number): Pacing => ({
  at: now,
  unsent: 0,
  rate: undefined,
  highWater: leastHighWater,
});

export const handOver = (pacing: Pacing, bytes: number): Pacing => ({
  ...pacing,
  unsent: pacing.unsent + bytes,
});

/** `waiting`: there was more to send than the window took. */
export const look = (pacing: Pacing, seen: { now: number; unsent: number; waiting: boolean }): Pacing => {
  const { now, unsent, waiting } = seen;
  const elapsed = now - pacing.at;
  // It was empty all the time: that says nothing about how fast it drains.
  if (pacing.unsent === 0) return { ...pacing, at: now, unsent };
  if (elapsed < leastLookMs) return pacing;
  const sample = Math.max(0, pacing.unsent - unsent) / elapsed;
  const ranDry = unsent === 0;
  const rate = nextRate(pacing.rate, sample, elapsed, ranDry);
  // Empty before this tab came to look although more was there: the window was too small, whatever the rate. Doubled as
  // in TCP's slow start; if that was too much, the next look finds the channel not empty, and so the true rate.
  const target = ranDry && waiting ? Math.max(rate * waitMs, pacing.highWater * 2) : rate * waitMs;
  return { at: now, unsent, rate, highWater: Math.min(mostHighWater, Math.max(leastHighWater, target)) };
};

const nextRate = (rate: number | undefined, sample: number, elapsed: number, ranDry: boolean): number => {
  if (rate === undefined) return sample;
  // It may have been empty for most of the time, so it drains at least so fast.
  if (ranDry) return Math.max(rate, sample);
  return rate + (sample - rate) * Math.min(1, elapsed / smoothMs);
};

export const paceOf = ({ highWater }: Pacing, maxFrameBytes: number): Pace => ({
  highWaterBytes: highWater,
  lowWaterBytes: highWater / 2,
  frameBytes: Math.min(maxFrameBytes, Math.floor(highWater / framesPerWindow)),
});
