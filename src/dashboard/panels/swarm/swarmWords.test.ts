import { describe, expect, it } from 'vitest';
import type { SwarmPerson } from '../../../app/readModels.ts';
import type { AccountId, DeviceId } from '../../../core/brand.ts';
import { actInWords, chainInWords, personInWords } from './swarmWords.ts';

const person = (changes: Partial<SwarmPerson> = {}): SwarmPerson => ({
  account: 'q7sVb2nTXXXXXXX' as AccountId,
  name: 'Ben',
  own: false,
  founder: false,
  ...changes,
});
const you = person({ own: true });
const account = you.account;

describe('people of a private swarm', () => {
  it('have names, and where nobody knows one, what is known of them', () => {
    expect(personInWords(you)).toBe('you');
    expect(personInWords(person())).toBe('Ben');
    expect(personInWords(person({ name: undefined, founder: true }))).toBe('the founder');
    expect(personInWords(person({ name: undefined }))).toBe('q7sVb2nT…');
  });
});

describe('an act in words', () => {
  it('says who did what to whom, and why', () => {
    const by = you;
    const about = person();
    expect(actInWords({ by, about, deed: { t: 'remove', account, reason: 'spam' } })).toBe(
      'You removed Ben: “spam”',
    );
    expect(actInWords({ by, about, deed: { t: 'readmit', account } })).toBe('You let Ben back in');
    expect(actInWords({ by, about, deed: { t: 'grant', account, role: 'keeper' } })).toBe(
      'You made Ben keeper',
    );
    expect(actInWords({ by: about, about: you, deed: { t: 'withdraw', account, role: 'operator' } })).toBe(
      'Ben ended your time as operator',
    );
    expect(actInWords({ by, about: undefined, deed: { t: 'rename', name: 'Lamps' } })).toBe(
      'You named this swarm “Lamps”',
    );
  });
});

describe('the chain in words', () => {
  it('holds, or names the device that broke it', () => {
    expect(chainInWords({ acts: [], chains: 1, forks: [] }).holds).toBe(true);
    const forks = [{ who: person(), device: 'mKfX3kQ9XXXX' as DeviceId, seq: 3 }];
    expect(chainInWords({ acts: [], chains: 1, forks })).toMatchObject({
      holds: false,
      text: expect.stringContaining('A device of Ben (mKfX3kQ9…) signed 1 act twice'),
    });
  });
});
