import { describe, expect, it } from 'vitest';
import { readText, shareOfWords, toText, toTokens } from './text.ts';

describe('the text', () => {
  it('is of characters that a token each stands for, a tenth of them held out', () => {
    const { training, heldOut } = readText();
    expect(toText(training.subarray(0, 28))).toBe('In the beginning God created');
    expect(toText(heldOut)).toMatch(/no man forbidding him\.\n$/);
    expect(heldOut.length / (training.length + heldOut.length)).toBeCloseTo(0.1, 5);
    expect([...toTokens('Amen.')]).toEqual([65, 109, 101, 110, 46]);
  });
});

describe('the share of words that are known', () => {
  it('takes words as they stand between spaces, whatever case and marks they have', () => {
    expect(shareOfWords('And he said, (Behold) the\nlamd of', 'Behold the lamb of God: and he said;')).toBe(
      6 / 7,
    );
    expect(shareOfWords("man's men", 'man men')).toBe(0.5);
  });
});
