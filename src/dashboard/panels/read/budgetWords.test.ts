import { describe, expect, it } from 'vitest';
import type { ReadingEstimate } from '../../../app/readModels.ts';
import { budgetOf } from './budget.ts';
import { estimateInWords, shortfallInWords, strategies } from './budgetWords.ts';

const plain = (text: string | undefined) => text?.replace(/[\u00a0\u2009\u202f]/g, ' ');
const estimate: ReadingEstimate = {
  price: 250_000_000,
  median: 250_000_000,
  epochs: 0,
  pages: {
    measured: 12,
    leastUnits: 3_400,
    mostUnits: 4_400,
    least: 1_700_000,
    most: 2_200_000,
    enough: 2_475_000,
  },
};

it('no budget, or none that is anything, is a favour asked', () => {
  expect(budgetOf(' ')).toEqual({ budget: undefined });
  expect(budgetOf('0')).toEqual({ budget: undefined });
  expect(budgetOf('1.5')).toEqual({ budget: 1_500_000 });
  expect(budgetOf('much').problem).toBeDefined();
});

describe('the estimate', () => {
  const said = (of: ReadingEstimate, count: number) => {
    const { headline, basis } = estimateInWords(of, count);
    return plain(`${headline} ${basis}`);
  };

  it('says from what to what, and what that rests on', () => {
    const words = said(estimate, 2);
    expect(words).toContain('2 pages should cost 1.7 to 2.2 VC if others read them all.');
    expect(words).toContain('From the 12 pages read here lately (3,400 to 4,400 units each)');
    expect(words).toContain('price of 250 VC per million units.');
    expect(said({ ...estimate, epochs: 6, median: 240_000_000 }, 2)).toContain(
      '(median of the last 6 epochs: 240 VC)',
    );
  });

  it('names no figure while nothing was measured', () => {
    const words = said({ ...estimate, pages: undefined }, 1);
    expect(words).toContain(
      'What this page will cost isn’t known yet. No page was read on this device so far',
    );
    expect(words?.match(/[\d.]+ VC/g)).toEqual(['250 VC']);
  });
});

describe('a budget below it', () => {
  const said = (budget: number, of: ReadingEstimate | undefined = estimate) =>
    plain(shortfallInWords(budget, 9_000_000, of));

  it('comes with what to do', () => {
    expect(said(1_000_000)).toContain('Less than the pages should cost');
    expect(said(1_000_000)).toContain('set aside 2.48 VC, or send fewer pages');
    expect(said(2_200_000)).toContain('may fall short');
    expect(said(2_475_000)).toBeUndefined();
    expect(said(10_000_000)).toContain('more than there is: you have 9 VC');
  });

  it('is not said without an estimate', () => {
    expect(shortfallInWords(1, 9, undefined)).toBeUndefined();
    expect(said(1, { ...estimate, pages: undefined })).toBeUndefined();
  });
});

it('every strategy has a name and one sentence', () => {
  expect(new Set(strategies.map(({ label }) => label)).size).toBe(5);
  expect(strategies.every(({ sentence }) => sentence.endsWith('.'))).toBe(true);
});
