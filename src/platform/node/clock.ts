import { performance } from 'node:perf_hooks';
import { milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';

export const createNodeClock = (): Clock => ({
  now: () => milliseconds(Date.now()),
  monotonic: () => milliseconds(performance.now()),
});
