import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import { createManualTime } from '../testDoubles.ts';
import { createDeadlines } from './deadlines.ts';

const createTimed = () => {
  const time = createManualTime();
  let starts = 0;
  const timers = {
    ...time.timers,
    after: (delay: number, run: () => void) => {
      starts++;
      return time.timers.after(milliseconds(delay), run);
    },
  };
  const deadlines = createDeadlines({ clock: time.clock, timers });
  const due: string[] = [];
  const set = (name: string, delay: number) =>
    deadlines.after(milliseconds(delay), () => due.push(`${name} at ${time.clock.monotonic()}`));
  return { time, deadlines, due, set, starts: () => starts };
};

describe('deadlines', () => {
  it('pass each at its time, in whatever order they were set', async () => {
    const { time, due, set } = createTimed();
    set('late', 300);
    set('early', 100);
    set('middle', 200);
    await time.advance(1_000);
    expect(due).toEqual(['early at 100', 'middle at 200', 'late at 300']);
    expect(time.pending()).toBe(0);
  });

  it('do not pass when they were withdrawn', async () => {
    const { time, due, set } = createTimed();
    const withdraw = set('withdrawn', 100);
    set('kept', 150);
    withdraw();
    await time.advance(1_000);
    expect(due).toEqual(['kept at 150']);
  });

  it('may withdraw and set one another', async () => {
    const { time, deadlines, due, set } = createTimed();
    const withdraw = { second: () => {} };
    deadlines.after(milliseconds(100), () => {
      withdraw.second();
      set('third', 50);
    });
    withdraw.second = set('second', 100);
    await time.advance(1_000);
    expect(due).toEqual(['third at 150']);
  });

  it('need one timer for a thousand calls that are over in time', async () => {
    const { time, set, starts } = createTimed();
    for (let call = 0; call < 1_000; call++) {
      const withdraw = set('call', 5_000);
      await time.advance(1);
      withdraw();
    }
    expect(starts()).toBe(1);
  });

  it('leave no timer when they are closed', async () => {
    const { time, deadlines, due, set } = createTimed();
    set('never', 100);
    deadlines.close();
    expect(time.pending()).toBe(0);
    await time.advance(1_000);
    expect(due).toEqual([]);
  });
});
