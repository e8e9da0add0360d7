import type { HeightOptions } from './types.ts';

/** How many of n keepers may lie: f, the greatest with 3f < n. */
export const toleratedLiars = (n: number): number => Math.floor((n - 1) / 3);

/** Any two quorums share an honest keeper, and the honest ones alone are one. 2f+1 for n = 3f+1. */
export const quorumOf = (n: number): number => n - toleratedLiars(n);

/**
 * proposer(h, r) of the paper. Who made the last block leads the next: it was quick a moment ago. Every 64 heights the next
 * keeper takes over, so that a censor doesn't lead for ever.
 */
export const leaderOf = ({
  height,
  round,
  previousCreator,
  n,
}: Omit<HeightOptions, 'self'> & { readonly round: number }): number =>
  (previousCreator + round + (height % 64 === 0 ? 1 : 0)) % n;

export const isKeeper = (n: number, index: number): boolean =>
  Number.isInteger(index) && index >= 0 && index < n;

export const isRound = (round: number): boolean => Number.isSafeInteger(round) && round >= 0;

/** Options come from this keeper's own replica: wrong ones are a bug. */
export const checkOptions = ({ height, n, self, previousCreator }: HeightOptions): void => {
  if (!Number.isSafeInteger(n) || n < 1) throw new RangeError(`a committee of ${n}: needs 1 or more keepers`);
  if (!isRound(height)) throw new RangeError(`height ${height}: needs a safe integer, 0 or more`);
  for (const index of [self, previousCreator])
    if (!isKeeper(n, index)) throw new RangeError(`keeper ${index}: needs an index below ${n}`);
};
