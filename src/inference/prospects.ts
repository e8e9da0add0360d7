import type { AccountId, PeerId } from '../core/brand.ts';
import type { Candidate } from './choosePeer.ts';
import type { Preference, Prospect } from './contracts.ts';
import { creditsFor } from './cost.ts';

/** Other accounts that take work now, each with all its nodes. Pure. */
export const prospectsOf = (
  candidates: readonly Candidate[],
  own: AccountId,
  lost: (peer: PeerId) => number,
): readonly Prospect[] => {
  const found = new Map<AccountId, Prospect>();
  for (const candidate of candidates) {
    const { account, closed, slots, peer } = candidate;
    if (account === own || closed !== undefined || slots < 1) continue;
    const known = found.get(account) ?? { account, speed: 0, lost: 0 };
    found.set(account, {
      account,
      speed: known.speed + creditSpeed(candidate),
      lost: known.lost + lost(peer),
    });
  }
  return [...found.values()];
};

/** As the job wants them asked: this account's own nodes are no strangers to it, and stay as they are. */
export const withPreferences = (
  candidates: readonly Candidate[],
  own: AccountId,
  preferences: ((account: AccountId) => Preference) | undefined,
): readonly Candidate[] => {
  if (!preferences) return candidates;
  return candidates.map((candidate) => {
    if (candidate.account === own) return candidate;
    const preference = preferences(candidate.account);
    return 'closed' in preference
      ? { ...candidate, closed: candidate.closed ?? preference.closed }
      : { ...candidate, weight: preference.weight };
  });
};

/** Reading lines is most of what a page costs, so a node counts as fast as it reads them. */
const creditSpeed = ({ slots, speeds }: Candidate): number =>
  Math.round(slots * (speeds['ocr.recognize'] ?? 0) * creditsPerMegapixel);
const creditsPerMegapixel = creditsFor('ocr.recognize', 1_000_000);
