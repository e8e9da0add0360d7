import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { Silence } from './types.ts';
import { sayTime } from './words.ts';

export const silenceLimits = { count: 100, longestMs: 90 * 86_400_000, reason: 200 } as const;

export type SilenceFault = Fault<'silence'>;

/** The silences with one more; those that are over are forgotten. */
export const addSilence = (
  silences: readonly Silence[],
  silence: Silence,
  now: number,
): Result<readonly Silence[], SilenceFault> => {
  const { from, until, reason } = silence;
  const kept = silences.filter((each) => each.until > now);
  if (!Number.isFinite(from) || !Number.isFinite(until) || until <= Math.max(from, now))
    return err(fault('silence', 'a silence has to end after it begins, and later than now'));
  if (until - Math.min(from, now) > silenceLimits.longestMs)
    return err(
      fault(
        'silence',
        `a silence lasts at most ${sayTime(silenceLimits.longestMs)}: switch the rule off instead`,
      ),
    );
  if (reason.length > silenceLimits.reason)
    return err(
      fault('silence', `a reason has at most ${silenceLimits.reason} characters, not ${reason.length}`),
    );
  if (kept.length >= silenceLimits.count)
    return err(fault('silence', `there are ${kept.length} silences already: end one first`));
  return ok([...kept, silence]);
};
