import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { type Sampler, withoutSample, withSample } from './sampler.ts';

const createDraws = (seed: number) => {
  let state = seed;
  return {
    next: () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    },
  };
};
const named = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => `${prefix}${i}` as PeerId);

describe('the even sample', () => {
  it('gives those who are named a thousand times no more than those who are named once', () => {
    const random = createDraws(1);
    let friends = 0;
    let places = 0;
    for (let trial = 0; trial < 100; trial++) {
      let samplers: readonly Sampler[] = [];
      for (const peer of named(80, `honest${trial}-`)) samplers = withSample(samplers, peer, 12, random);
      for (let again = 0; again < 50; again++)
        for (const peer of named(20, `friend${trial}-`)) samplers = withSample(samplers, peer, 12, random);
      places += samplers.length;
      friends += samplers.filter(({ peer }) => peer?.startsWith('friend')).length;
    }
    // A fifth of the names; 1,200 places: four standard deviations are 4.6 %.
    expect(friends / places).toBeGreaterThan(0.15);
    expect(friends / places).toBeLessThan(0.25);
  });

  it('begins anew where somebody is gone, and keeps the rest', () => {
    const random = createDraws(2);
    let samplers: readonly Sampler[] = [];
    for (const peer of named(5, 'p')) samplers = withSample(samplers, peer, 12, random);
    const gone = samplers[0]!.peer!;
    const after = withoutSample(samplers, gone, random);
    for (const [index, { peer }] of samplers.entries())
      expect(after[index]!.peer).toBe(peer === gone ? undefined : peer);
  });
});
