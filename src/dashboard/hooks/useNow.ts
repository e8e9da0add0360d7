import { useEffect, useState } from 'react';
import { milliseconds } from '../../core/brand.ts';
import { useApp } from './useApp.ts';

export type Now = { readonly wall: number; readonly monotonic: number };

/** The time, renewed every `period` while the component stands; for ages and countdowns. */
export const useNow = (period: number): Now => {
  const { clock, timers } = useApp();
  const [now, setNow] = useState<Now>(() => ({ wall: clock.now(), monotonic: clock.monotonic() }));
  useEffect(
    () =>
      timers.every(milliseconds(period), () => setNow({ wall: clock.now(), monotonic: clock.monotonic() })),
    [clock, timers, period],
  );
  return now;
};
