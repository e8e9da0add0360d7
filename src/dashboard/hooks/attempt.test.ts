import { expect, it } from 'vitest';
import { err, ok } from '../../core/result.ts';
import { attempt } from './attempt.ts';

it('passes answers on and turns a throw into a message', async () => {
  expect(await attempt(async () => ok(1))).toEqual(ok(1));
  expect(await attempt(async () => err('no'))).toEqual(err('no'));
  const thrown = await attempt(async () => {
    throw new Error('worker gone');
  });
  expect(thrown.ok ? '' : thrown.error).toContain('worker gone');
});
