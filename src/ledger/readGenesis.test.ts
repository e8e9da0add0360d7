import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { genesisBytes } from './genesis.ts';
import { readGenesis } from './readGenesis.ts';
import { createTestGenesis } from './testDoubles.ts';

/** A price as a stranger may write it: a member of its own, whatever it is called. */
const withPrice = (name: string) => {
  const genesis = createTestGenesis({});
  const prices = Object.defineProperty({ ...genesis.prices }, name, {
    value: 5,
    enumerable: true,
    configurable: true,
    writable: true,
  });
  return genesisBytes({ ...genesis, prices });
};

describe('a genesis', () => {
  it('has one byte form: what was read is written as it came', () => {
    const bytes = withPrice('toString');
    expect(genesisBytes(unwrap(readGenesis(bytes)))).toEqual(bytes);
  });

  it.each(['__proto__', 'constructor', 'prototype'])(
    'is refused if a class of work is called %s, which would be lost in reading',
    (name) => {
      expect(readGenesis(withPrice(name))).toMatchObject({ error: { code: 'genesis' } });
    },
  );
});
