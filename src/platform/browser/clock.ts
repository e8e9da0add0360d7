import { milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';

export const createBrowserClock = (): Clock => ({
  now: () => milliseconds(Date.now()),
  monotonic: () => milliseconds(performance.now()),
});
