import { expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { createManualTime } from '../testDoubles.ts';
import { createNarrowPaths } from './narrowPaths.ts';

it('a narrow path is remembered for ten minutes, for people move between networks', async () => {
  const time = createManualTime();
  const paths = createNarrowPaths(time);
  const [ana, ben] = ['ana', 'ben'] as PeerId[];
  paths.add(ana!);
  expect([paths.has(ana!), paths.has(ben!)]).toEqual([true, false]);
  await time.advance(9 * 60_000);
  expect(paths.has(ana!)).toBe(true);
  await time.advance(60_000);
  expect(paths.has(ana!)).toBe(false);
});
