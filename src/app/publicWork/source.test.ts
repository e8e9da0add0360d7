import { describe, expect, it } from 'vitest';
import { utf8 } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import { merkleRoot } from '../../ledger/merkle.ts';
import { outputOf } from './output.ts';
import { pageOf, readLists } from './source.ts';
import { createHost, listOf } from './testDoubles.ts';

const told = (body: unknown) => readLists(utf8(typeof body === 'string' ? body : JSON.stringify(body)));
const hash = (digit: string) => digit.repeat(64);

describe('a host’s list of pages', () => {
  it('has the root that a listing of them has', async () => {
    const list = await listOf(createHost(['a', 'b', 'c']).source);
    expect(list.root).toEqual(merkleRoot(list.pages.map((page) => page.hash)));
    expect(pageOf({ inputs: list.root, units: 3 }, 1, [list])).toBe(list.pages[1]);
    expect(pageOf({ inputs: list.root, units: 3 }, 3, [list])).toBeUndefined();
    expect(pageOf({ inputs: list.root, units: 4 }, 1, [list])).toBeUndefined();
    expect(pageOf({ inputs: merkleRoot([]), units: 3 }, 1, [list])).toBeUndefined();
  });

  it.each([
    ['no JSON', '{'],
    ['another version', { v: 2, lists: [] }],
    [
      'a hash that is none',
      { v: 1, lists: [{ name: 'x', inputs: Array(2).fill({ sha256: 'AB', bytes: 1 }) }] },
    ],
    [
      'a page of a gigabyte',
      { v: 1, lists: [{ name: 'x', inputs: Array(2).fill({ sha256: hash('a'), bytes: 2 ** 30 }) }] },
    ],
    ['too few pages', { v: 1, lists: [{ name: 'x', inputs: [{ sha256: hash('a'), bytes: 1 }] }] }],
    ['a list of nothing', null],
  ])('is refused with %s', (_, body) => {
    expect(told(body)).toMatchObject({ ok: false, error: { code: 'list' } });
  });

  it('may be empty', () => {
    expect(unwrap(told({ v: 1, lists: [] }))).toEqual([]);
  });
});

it('a page’s output is its text in order, whatever surrounds it', () => {
  expect(outputOf(['Dear all,', ' hello '])).toEqual(outputOf(['Dear all,', '', 'hello', ' ']));
  expect(outputOf(['hello', 'Dear all,'])).not.toEqual(outputOf(['Dear all,', 'hello']));
  expect(outputOf(['ab', 'c'])).not.toEqual(outputOf(['a', 'bc']));
});
