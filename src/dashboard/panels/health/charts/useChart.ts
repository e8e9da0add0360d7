import { useEffect, useRef, useState } from 'react';
import type { ChartRange } from '../../../../app/telemetryView.ts';
import { milliseconds } from '../../../../core/brand.ts';
import { attempt } from '../../../hooks/attempt.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { useVisible } from '../../../hooks/useVisible.ts';
import { type ChartData, columnsOf, noData, queriesOf } from './chartData.ts';
import { boundsOf, type ChartWindow, type Part } from './chartModel.ts';

export type ChartAnswer = {
  readonly phase: 'loading' | 'ready' | 'failed';
  readonly data: ChartData;
  /** Seconds since 1970: what the data was asked for. */
  readonly range: readonly [number, number];
  readonly error: string | undefined;
};

const fastestMs = 2_000;
const blank: ChartAnswer = { phase: 'loading', data: noData, range: [0, 1], error: undefined };

/**
 * The lines of a chart, asked for again while the window is live, as often as a new point can be seen. What was there stays
 * while the next is asked for; an answer that comes too late is dropped.
 */
export const useChart = (parts: readonly Part[], window: ChartWindow, pixels: number): ChartAnswer => {
  const { commands, clock, timers } = useApp();
  const visible = useVisible();
  const [answer, setAnswer] = useState(blank);
  const asked = useRef(0);
  useEffect(() => {
    if (pixels === 0 || !visible) return;
    const ask = async () => {
      const turn = ++asked.current;
      const { from, to } = boundsOf(window, clock.now());
      const results = await Promise.all(
        queriesOf(parts).map((query) =>
          attempt(() => commands.chart({ ...query, from, to, maxPoints: pixels })),
        ),
      );
      if (turn !== asked.current) return;
      const failed = results.find((result) => !result.ok);
      const ranges = results.flatMap((result): readonly ChartRange[] => (result.ok ? [result.value] : []));
      setAnswer((last) =>
        failed && !failed.ok
          ? { ...last, phase: 'failed', error: failed.error }
          : {
              phase: 'ready',
              data: columnsOf(parts, ranges, pixels * 2),
              range: [from / 1_000, to / 1_000],
              error: undefined,
            },
      );
    };
    void ask();
    const stop =
      window.kind === 'live'
        ? timers.every(milliseconds(Math.max(fastestMs, window.spanMs / pixels)), () => void ask())
        : undefined;
    return () => {
      asked.current++;
      stop?.();
    };
  }, [commands, clock, timers, visible, parts, window, pixels]);
  return answer;
};
