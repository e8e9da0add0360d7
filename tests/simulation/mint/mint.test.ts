import { describe, expect, it } from 'vitest';
import { cheatingLoses, figuresFor } from './report.ts';
import { type Strategy, strategyNames } from './strategies.ts';

/** The same as `npm run sim -- mint`, smaller: twenty workers for eight virtual hours. */
const options = { seed: 4, epochs: 48, workers: 20, computeCost: 0.6 };
const boldest: readonly Strategy[] = ['choosy', 'turncoat', 'switcher'];

describe.each([
  { share: 10, ways: boldest },
  { share: 20, ways: boldest },
  { share: 30, ways: strategyNames },
])('with $share % of the workers colluding', ({ share, ways }) => {
  const figures = figuresFor(share, options, ways);

  it('cheating earns less than honest work', () => {
    expect(figures.honest).toBeGreaterThan(0);
    expect(figures.colluder).toBeLessThan(figures.honest);
    expect(cheatingLoses(figures)).toBe(true);
  });

  it('no honest worker loses anything', () => {
    expect(figures.honest_loss).toBe(0);
  });

  it('few wrong outputs are accepted', () => {
    expect(figures.wrong_accept_rate).toBeLessThan(0.1);
  });
});

describe('a village', () => {
  it('comes to the same by the same seed', () => {
    const small = { ...options, epochs: 16, workers: 10 };
    const again = () => figuresFor(30, small, ['sybil']);
    expect(again()).toEqual(again());
  });
});
