import { milliseconds } from '../../core/brand.ts';
import type { SignalReader } from '../analytics/types.ts';
import { createSketch } from '../metrics/sketch.ts';
import type { Notification } from './types.ts';

/** Series as they were recorded; a counter is what was added at each moment. One past, as `SignalReader` promises. */
export const createSignals = () => {
  const series = new Map<string, readonly { readonly at: number; readonly value: number }[]>();
  let time = Number.NEGATIVE_INFINITY;
  const pick = (key: string, from: number, to: number) =>
    (series.get(key) ?? []).filter(({ at }) => from <= at && at < to);
  const reader: SignalReader = {
    keys: (name) => [...series.keys()].filter((key) => key.replace(/\{.*/, '') === name),
    latest: (key) => series.get(key)?.at(-1),
    increase: (key, from, to) => pick(key, from, to).reduce((sum, { value }) => sum + value, 0),
    values: pick,
    distribution: (key, from, to) => {
      const sketch = createSketch();
      for (const { value } of pick(key, from, to)) sketch.add(value);
      return sketch;
    },
  };
  return {
    reader,
    put(key: string, at: number, value: number): void {
      if (at < time - 60_000) {
        for (const [other, points] of series)
          series.set(
            other,
            points.filter((point) => point.at <= at),
          );
      }
      time = at;
      series.set(key, [...(series.get(key) ?? []), { at, value }]);
    },
  };
};

/** Time that a test moves. */
export const createTestTime = (wallStart = 1_000_000) => {
  let now = 0;
  let order = 0;
  let timers: {
    readonly id: number;
    at: number;
    readonly every: number | undefined;
    readonly run: () => void;
  }[] = [];
  const add = (delay: number, every: number | undefined, run: () => void) => {
    const id = order++;
    timers = [...timers, { id, at: now + delay, every, run }];
    return () => {
      timers = timers.filter((each) => each.id !== id);
    };
  };
  const settle = async () => {
    for (let turn = 0; turn < 30; turn++) await Promise.resolve();
  };
  return {
    clock: { now: () => milliseconds(wallStart + now), monotonic: () => milliseconds(now) },
    timers: {
      after: (delay: number, run: () => void) => add(delay, undefined, run),
      every: (period: number, run: () => void) => add(period, period, run),
    },
    settle,
    async pass(duration: number): Promise<void> {
      const end = now + duration;
      await settle();
      for (;;) {
        const [next] = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at || a.id - b.id);
        if (!next) break;
        now = Math.max(now, next.at);
        if (next.every === undefined) timers = timers.filter((each) => each !== next);
        else next.at += next.every;
        next.run();
        await settle();
      }
      now = end;
    },
  };
};

export const notificationOf = (change: Partial<Notification> = {}): Notification => ({
  id: 'news',
  group: 'work',
  kind: 'firing',
  severity: 'page',
  title: 'Jobs fail',
  text: 'Jobs fail: 10 of 20 failed.',
  alerts: [
    {
      id: 'jobs-failing|page',
      rule: 'jobs-failing',
      title: 'Jobs fail',
      severity: 'page',
      group: 'work',
      state: 'firing',
      startedAt: 1_000,
      firedAt: 1_000,
      resolvedAt: undefined,
      message: '10 of 20 failed',
      advice: 'Look at the newest.',
      runbook: 'docs/runbook.md#jobs-failing',
      series: 'page',
      silencedUntil: undefined,
      seen: false,
    },
  ],
  at: 1_000,
  ...change,
});
