import { describe, expect, it } from 'vitest';
import { createSelfHealth, maxPatience } from './selfHealth.ts';
import { createManualTime } from './testDoubles.ts';

const createWatched = () => {
  const time = createManualTime();
  return { time, health: createSelfHealth(time) };
};

describe('self-health', () => {
  it('waits no longer than usual while timers are in time', async () => {
    const { time, health } = createWatched();
    await time.advance(60_000);
    expect(health.patience()).toBe(1);
  });

  it('doubts itself at once when a timer is late, even before that timer has run', async () => {
    const { time, health } = createWatched();
    await time.advance(5_500);
    time.sleep(900);
    expect(health.patience()).toBe(3);
    time.sleep(60_000);
    expect(health.patience()).toBe(maxPatience);
  });

  it('trusts itself again after some seconds in time', async () => {
    const { time, health } = createWatched();
    time.sleep(60_000);
    await time.advance(1_000);
    expect(health.patience()).toBeGreaterThan(3);
    await time.advance(20_000);
    expect(health.patience()).toBeLessThan(1.1);
  });

  it('leaves no timer', () => {
    const { time, health } = createWatched();
    health.close();
    expect(time.pending()).toBe(0);
  });
});
