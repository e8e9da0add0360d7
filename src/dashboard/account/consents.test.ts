import { describe, expect, it } from 'vitest';
import { consentOrder, consentTexts, mayUseRoom } from './consents.ts';

describe('consent', () => {
  it('offers every choice once', () => {
    expect(consentOrder.toSorted()).toEqual(Object.keys(consentTexts).sort());
  });

  it('lets pages leave only where the text says that others receive them', () => {
    for (const consent of consentOrder)
      expect(mayUseRoom(consent)).toBe(!consentTexts[consent].sees.startsWith('Nobody receives your pages'));
    expect(mayUseRoom(undefined)).toBe(false);
  });
});
