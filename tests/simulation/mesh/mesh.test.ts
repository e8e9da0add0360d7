import { describe, expect, it } from 'vitest';
import { createEventQueue } from './queue.ts';
import { scenes } from './report.ts';
import { steady } from './scenarios.ts';

/** A small swarm for every run of the tests; `npm run sim -- mesh` plays the same scenes with thousands. */
const size = 150;
const seeds = [1, 2];

describe.each(seeds)('a mesh from seed %i', (seed) => {
  it.each(['steady', 'crash', 'churn', 'partition', 'hostile'])('keeps its promises: %s', (name) => {
    const missed = scenes[name]!(seed, size).filter(({ met }) => !met);
    expect(missed, `npm run sim -- mesh --seed ${seed} --nodes ${size} --scenes ${name}`).toEqual([]);
  });
});

describe('the simulator', () => {
  it('plays one history for one seed, and another for another', () => {
    const first = steady(7, 60);
    expect(steady(7, 60)).toEqual(first);
    expect(steady(8, 60)).not.toEqual(first);
  });

  it('takes events by time, and of the same time in order', () => {
    const queue = createEventQueue<string>();
    const times = [5, 1, 4, 1, 3, 9, 2, 6, 5, 3, 5];
    for (const [index, at] of times.entries()) queue.push(at, `${at}.${index}`);
    const popped: string[] = [];
    for (let next = queue.pop(); next; next = queue.pop()) popped.push(next.event);
    const expected = times
      .map((at, index) => ({ at, index }))
      .toSorted((a, b) => a.at - b.at || a.index - b.index)
      .map(({ at, index }) => `${at}.${index}`);
    expect(popped).toEqual(expected);
    expect(queue.nextAt()).toBeUndefined();
  });
});
