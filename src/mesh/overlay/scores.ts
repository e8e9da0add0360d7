import type { PeerId } from '../../core/brand.ts';

/**
 * What this node has seen of its peers, as a value. Halves with every tick of the membership, so that an old fault is
 * forgiven and an old merit is not a licence. 0 is a stranger.
 */
export type Scores = ReadonlyMap<PeerId, number>;

export type Observation = 'delivered' | 'duplicate' | 'broken-promise' | 'invalid' | 'flood';

const worth: Readonly<Record<Observation, number>> = {
  delivered: 1,
  duplicate: 0,
  'broken-promise': -2,
  invalid: -10,
  flood: -10,
};
const most = 10;
const least = -40;
const forgotten = 0.05;
/** Two forged messages within a few ticks, or a long series of broken promises. */
const unbearable = -15;

export const noScores: Scores = new Map();

export const scoreOf = (scores: Scores, peer: PeerId): number => scores.get(peer) ?? 0;

export const observe = (scores: Scores, peer: PeerId, observation: Observation): Scores =>
  new Map(scores).set(peer, Math.max(least, Math.min(most, scoreOf(scores, peer) + worth[observation])));

export const isUnbearable = (scores: Scores, peer: PeerId): boolean => scoreOf(scores, peer) <= unbearable;

export const decay = (scores: Scores): Scores =>
  new Map(
    [...scores]
      .map(([peer, score]) => [peer, score / 2] as const)
      .filter(([, score]) => Math.abs(score) > forgotten),
  );
