import { describe, expect, it } from 'vitest';
import type { OpenPublicWorkView } from '../../../app/readModels.ts';
import { fixturePublicWork, publicWorkScenarios } from '../../publicWorkDoubles.ts';
import { progressInWords, trustInWords, vestingInWords, workerInWords } from './publicWorkWords.ts';

const open = (scenario: (typeof publicWorkScenarios)[number]): OpenPublicWorkView => {
  const view = fixturePublicWork(scenario);
  if (view.phase !== 'open') throw new Error(view.phase);
  return view;
};
const { worker, earnings, listings } = open('working');

describe('what a device does of public work', () => {
  it('is said with how much it has before it', () => {
    expect(workerInWords(worker)).toBe(
      'Reading page 407 of “Parish registers of Upper Marsh, 1803–1861”. 6 pages asked for, 3 in hand. A page takes 2.34 s here.',
    );
    expect(workerInWords({ ...worker, asked: 1, held: 0, pageMs: undefined })).toContain('1 page asked for.');
  });

  it('is nothing when switched off, but for what was promised', () => {
    expect(workerInWords(open('listed').worker)).toBe('This device does no public work.');
    const revealing = { ...worker, wanted: false, phase: 'signing' as const, doing: 'revealing page 3' };
    expect(workerInWords(revealing)).toContain('Stopping. Revealing page 3.');
  });

  it('may be done by another tab', () => {
    expect(workerInWords({ ...worker, phase: 'other-tab' })).toBe('Another tab of this device does it.');
  });

  it('has words in every state', () => {
    for (const scenario of publicWorkScenarios) {
      const view = fixturePublicWork(scenario);
      if (view.phase === 'open') expect(workerInWords(view.worker)).toMatch(/^[A-Z].*\.$/);
    }
  });
});

it('a listing says how far it is, and whether it goes on', () => {
  const [listing] = listings;
  if (!listing) throw new Error('no listing');
  expect(progressInWords(listing)).toBe(
    '312 of 1,240 pages read and accepted, 2 given up without an answer.',
  );
  expect(progressInWords({ ...listing, closed: true, voided: 0 })).toContain('accepted. Closed: ');
});

it('earnings say what is next', () => {
  expect(vestingInWords(earnings)).toBe('after 4 more accepted pages');
  expect(vestingInWords({ ...earnings, next: undefined })).toBe('nothing waits');
  expect(vestingInWords(open('listed').earnings)).toBe('after the first accepted page');
  expect(trustInWords(earnings)).toBe('trusted to work alone');
  expect(trustInWords({ ...earnings, streak: 2 })).toBe('works in pairs until 10 are accepted in a row');
});
