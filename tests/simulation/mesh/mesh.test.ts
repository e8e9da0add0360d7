import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../../src/core/brand.ts';
import { createSeededRandom } from '../random.ts';
import { createPaths, lossyDefaults, slowDefaults, type Troubles } from './paths.ts';
import { createEventQueue } from './queue.ts';
import { scenes } from './report.ts';
import { steady } from './scenarios.ts';

/** A small swarm for every run of the tests; `npm run sim -- mesh` plays the same scenes with thousands. */
const size = 150;
const seeds = [1, 2];

describe.each(seeds)('a mesh from seed %i', (seed) => {
  it.each(['steady', 'slow', 'loss', 'crash', 'churn', 'partition', 'hostile'])(
    'keeps its promises: %s',
    (name) => {
      const missed = scenes[name]!(seed, size).filter(({ met }) => !met);
      expect(missed, `npm run sim -- mesh --seed ${seed} --nodes ${size} --scenes ${name}`).toEqual([]);
    },
  );
});

describe('troubles of a path', () => {
  const [near, far] = ['near', 'far'] as PeerId[] as [PeerId, PeerId];
  const make = (troubles: Troubles) =>
    createPaths({ seed: 1, latency: [50, 50], troubles }, createSeededRandom(1));
  /** When ten frames get there that leave at once. */
  const ten = (troubles: Troubles) => {
    const paths = make(troubles);
    return Array.from({ length: 10 }, () => paths.arrival(near, far, 0, true));
  };

  it('are none where nobody asked for any', () => {
    for (const at of ten({})) expect(Math.abs((at ?? 0) - 50)).toBeLessThanOrEqual(5);
    expect(make({}).handling(far, 7)).toBe(7);
    expect(make({}).roundTrip(near, far)).toBe(100);
  });

  it('make a slow node handle one thing after the other, late, and send so', () => {
    const slow = { ...slowDefaults, share: 1 };
    const paths = make({ slow });
    const handled = Array.from({ length: 20 }, () => paths.handling(far, 1_000));
    expect(handled[0]).toBeGreaterThanOrEqual(1_050);
    expect(handled.at(-1)).toBeLessThanOrEqual(1_500);
    expect(handled).toEqual(handled.toSorted((a, b) => a - b));
    expect(ten({ slow }).at(-1)).toBeGreaterThanOrEqual(10 * slow.payloadMs + 45);
    expect(paths.roundTrip(near, far)).toBe(100 + 2 * 275);
  });

  it('make what is lost come later, and what follows it not sooner', () => {
    const lossy = { ...lossyDefaults, share: 0.5, again: 0 };
    const arrivals = ten({ lossy }).map((at) => at ?? Number.NaN);
    expect(arrivals).toEqual(arrivals.toSorted((a, b) => a - b));
    // A round trip and the first back-off.
    expect(arrivals.at(-1)).toBeGreaterThanOrEqual(100 + 200 + 45);
  });

  it('end a link that loses again and again', () => {
    expect(ten({ lossy: { ...lossyDefaults, share: 1, again: 1 } })).toEqual(Array(10).fill(undefined));
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
