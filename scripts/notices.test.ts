import { expect, it } from 'vitest';
import { isUpToDate } from './notices.mjs';

it('every runtime package has its notice (otherwise: node scripts/notices.mjs)', () => {
  expect(isUpToDate()).toBe(true);
});
