import { describe, expect, it } from 'vitest';
import { createManualTime } from '../../mesh/testDoubles.ts';
import { createMetricsRegistry } from '../../observability/index.ts';
import { createBusyShare } from './busyShare.ts';

const workers = (running: Readonly<Record<string, number>>) => {
  const registry = createMetricsRegistry();
  const time = createManualTime();
  for (const [pool, count] of Object.entries(running)) registry.gauge('workers_running', count, { pool });
  const busy = createBusyShare(registry, time.clock);
  return {
    busy,
    /** Ten seconds in which pools worked so many seconds. */
    pass(worked: Readonly<Record<string, number>>) {
      for (const [pool, seconds] of Object.entries(worked))
        registry.count('worker_busy_seconds_total', seconds, { pool });
      time.sleep(10_000);
      busy.look();
      return busy.share();
    },
  };
};

describe('the busy share of workers', () => {
  it('is not known before anybody has worked for an interval', () => {
    const { busy, pass } = workers({});
    busy.look();
    expect(busy.share()).toBeUndefined();
    expect(pass({ ocr: 5 })).toBeUndefined();
    expect(pass({ ocr: 5 })).toBeCloseTo(0.5);
  });

  it('is over all workers that are there, in all pools', () => {
    const { pass } = workers({ ocr: 3, image: 1 });
    pass({ ocr: 1 });
    expect(pass({ ocr: 18, image: 2 })).toBeCloseTo(0.5);
    expect(pass({})).toBe(0);
  });

  it('is never more than one, though a long call is counted all at its end', () => {
    const { pass } = workers({ ocr: 1 });
    pass({ ocr: 1 });
    expect(pass({ ocr: 40 })).toBe(1);
  });
});
