import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { decay, isUnbearable, observe, type Scores, scoreOf } from './scores.ts';

const peer = 'p' as PeerId;
const having = (...observations: Parameters<typeof observe>[2][]) =>
  observations.reduce<Scores>((scores, one) => observe(scores, peer, one), new Map());

describe('scores', () => {
  it('bear one forged message and not two', () => {
    expect(isUnbearable(having('invalid'), peer)).toBe(false);
    expect(isUnbearable(having('invalid', 'invalid'), peer)).toBe(true);
  });

  it('let no long service pay for forgeries', () => {
    const served = Array.from({ length: 1_000 }, () => 'delivered' as const);
    expect(isUnbearable(having(...served, 'invalid', 'invalid', 'invalid'), peer)).toBe(true);
  });

  it('forgive with time, and forget strangers', () => {
    let scores = having('invalid');
    scores = decay(scores);
    expect(scoreOf(scores, peer)).toBe(-5);
    for (let i = 0; i < 10; i++) scores = decay(scores);
    expect(scores.size).toBe(0);
  });
});
