import { expect, it } from 'vitest';
import { numbersOf } from './report.ts';
import { runHealth } from './simulation.ts';

// One seed: one failure in seventy is beyond mending, and two of them in a short run would say nothing about the monitor.
const seed = 7;

it(`mends what breaks in a tab, without a person (seed ${seed})`, async () => {
  const numbers = numbersOf([await runHealth(seed, { days: 1 })]);
  expect(numbers.failures).toBeGreaterThan(10);
  expect(numbers.recovered_share).toBeGreaterThanOrEqual(0.95);
  expect(numbers.mttr_s).toBeLessThan(300);
});

it('is the monitor’s doing: without its actions hardly anything gets well', async () => {
  // Nothing is ever shown as bad early enough to act on.
  const numbers = numbersOf([await runHealth(seed, { days: 1, options: { everyMs: 6 * 3_600_000 } })]);
  expect(numbers.recovered_share).toBeLessThan(0.6);
});
