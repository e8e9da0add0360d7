import { describe, expect, it } from 'vitest';
import type { JobId, Milliseconds } from '../core/brand.ts';
import { creditSeries } from './charts/series.ts';
import { createFixtureApp, fixtureScenarios, fixtureStart } from './testDoubles.ts';

const clock = { now: () => fixtureStart as Milliseconds, monotonic: () => 0 as Milliseconds };
const timers = { after: () => () => {}, every: () => () => {} };
const open = (scenario: (typeof fixtureScenarios)[number]) => createFixtureApp(scenario, { clock, timers });

describe.each(fixtureScenarios)('the scripted app, %s', (scenario) => {
  it('is the same every time', () => {
    const values = (app: ReturnType<typeof open>) => Object.values(app.models).map((store) => store.get());
    expect(values(open(scenario))).toEqual(values(open(scenario)));
  });

  it('keeps the promises of the real one', () => {
    const { models } = open(scenario);
    const credits = models.credits.get();
    const series = creditSeries(credits);
    expect(series.earned.at(-1) ?? 0).toBe(credits.earned);
    expect(series.spent.at(-1) ?? 0).toBe(credits.spent);
    for (const job of models.jobs.get())
      for (const page of job.pages)
        for (const { quad } of page.lines) {
          expect(Math.max(quad[0], quad[2], quad[4], quad[6])).toBeLessThanOrEqual(page.width);
          expect(Math.max(quad[1], quad[3], quad[5], quad[7])).toBeLessThanOrEqual(page.height);
        }
    const { time, columns } = models.series.get();
    for (const column of Object.values(columns)) expect(column).toHaveLength(time.length);
  });
});

it('a command of the scripted app changes what its stores show', async () => {
  const app = open('streaming');
  await app.commands.cancelJob('job-streaming' as JobId);
  expect(app.models.jobs.get()[0]?.state).toEqual({ phase: 'cancelled' });
  await app.commands.removeJob('job-streaming' as JobId);
  expect(app.models.jobs.get().some((job) => job.id === 'job-streaming')).toBe(false);
});
