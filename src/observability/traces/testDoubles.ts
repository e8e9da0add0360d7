import { milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Random } from '../../core/ports/random.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import type { SpanRecord } from './types.ts';

/** A clock that goes on when it is told to, whose wall time may jump. */
export const createTestClock = (wall = 1_700_000_000_000) => {
  let monotonic = 5_000;
  let offset = wall - monotonic;
  let next = 1;
  const due = new Map<number, { at: number; every: number | undefined; run: () => void }>();
  const add = (delay: number, every: number | undefined, run: () => void): CancelTimer => {
    const id = next++;
    due.set(id, { at: monotonic + delay, every, run });
    return () => void due.delete(id);
  };
  const clock: Clock = {
    now: () => milliseconds(monotonic + offset),
    monotonic: () => milliseconds(monotonic),
  };
  const timers: Timers = {
    after: (delay, run) => add(delay, undefined, run),
    every: (period, run) => add(period, period, run),
  };
  return {
    clock,
    timers,
    jump: (ms: number) => {
      offset += ms;
    },
    advance(ms: number) {
      const end = monotonic + ms;
      for (;;) {
        const [first] = [...due].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
        if (!first) break;
        const [id, entry] = first;
        monotonic = Math.max(monotonic, entry.at);
        if (entry.every === undefined) due.delete(id);
        else due.set(id, { ...entry, at: entry.at + entry.every });
        entry.run();
      }
      monotonic = end;
    },
  };
};

/** xorshift32: the same numbers every time. */
export const createTestRandom = (seed = 1): Random => {
  let state = seed | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return {
    bytes: (length) => Uint8Array.from({ length }, () => next() & 255),
    next: () => next() / 2 ** 32,
  };
};

const hex = (n: number, length: number) => n.toString(16).padStart(length, '0');
/** A span of trace `trace` (default 1) by numbers: `of` is its parent's. */
export const spanOf = (
  id: number,
  more: Partial<Omit<SpanRecord, 'context'>> & {
    readonly of?: number;
    readonly trace?: number;
    readonly sampled?: boolean;
  } = {},
): SpanRecord => {
  const { of, trace = 1, sampled = true, ...rest } = more;
  return {
    context: { traceId: hex(trace, 32), spanId: hex(id, 16), sampled },
    parentId: of === undefined ? undefined : hex(of, 16),
    name: `span ${id}`,
    kind: 'internal',
    where: 'tab',
    startedAt: 0,
    endedAt: 10,
    fields: {},
    events: [],
    failure: undefined,
    ...rest,
  };
};

/** One that has all that a span may have, and the tab that it ran in. */
export const fullResource = { service: 'aivillage-tab', instance: 'peer-1', version: '1.2.3' } as const;
export const fullSpan = spanOf(2, {
  of: 1,
  trace: 0xabc,
  name: 'task',
  kind: 'client',
  where: 'worker',
  startedAt: 1_700_000_000_123.25,
  endedAt: 1_700_000_001_000,
  fields: { kind: 'ocr.detect', attempt: 3, share: 0.5, urgent: true, missing: undefined },
  events: [{ at: 1_700_000_000_500, name: 'sent', fields: { bytes: 7 } }],
  failure: 'it broke',
});
