import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import {
  addAmounts,
  formatAmount,
  isAmount,
  largestRemainder,
  maxAmount,
  microVCoin,
  mulDivCeil,
  mulDivFloor,
  parseAmount,
  subtractAmounts,
} from './amounts.ts';

const seed = 20_260_101;
/** Lone surrogates too. */
const anyText = fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)) });
const safe = fc.oneof(fc.maxSafeNat(), fc.nat(1_000), fc.constantFrom(0, 1, maxAmount - 1, maxAmount));
const amount = safe.map(microVCoin);

describe('an amount', () => {
  it.each([0, 1, 1_000_000, maxAmount])('may be %d', (value) => {
    expect(isAmount(value)).toBe(true);
    expect(microVCoin(value)).toBe(value);
  });

  it.each([Number.NaN, -0, -1, 0.5, 2 ** 53, 2 ** 63, Number.POSITIVE_INFINITY])('may not be %d', (value) => {
    expect(isAmount(value)).toBe(false);
    expect(() => microVCoin(value)).toThrow(RangeError);
  });

  it.each([['1'], [1n], [null], [undefined], [[1]], [{}], [true]])('may not be %o', (value) => {
    expect(isAmount(value)).toBe(false);
  });

  it('is added and subtracted exactly or not at all', () => {
    fc.assert(
      fc.property(amount, amount, (a, b) => {
        const sum = BigInt(a) + BigInt(b);
        const rest = BigInt(a) - BigInt(b);
        expect(addAmounts(a, b)).toBe(sum <= BigInt(maxAmount) ? Number(sum) : undefined);
        expect(subtractAmounts(a, b)).toBe(rest >= 0n ? Number(rest) : undefined);
      }),
      { seed, numRuns: 500 },
    );
  });
});

describe('an amount as people type it', () => {
  it.each([
    ['12', 12_000_000],
    ['0', 0],
    ['0.5', 500_000],
    ['0,5', 500_000],
    ['1 000.25', 1_000_250_000],
    ['1\u00a0000\u00a0000', 1_000_000_000_000],
    ['1\u2009000,25', 1_000_250_000],
    ['1\u202f000', 1_000_000_000],
    ['  7 ', 7_000_000],
    ['007', 7_000_000],
    ['0.000001', 1],
    ['1.125', 1_125_000],
    // Nothing before these commas could be thousands.
    ['0,125', 125_000],
    ['1234,567', 1_234_567_000],
    ['1 000,125', 1_000_125_000],
    ['9007199254.740991', maxAmount],
  ])('is read from "%s"', (text, micro) => {
    expect(unwrap(parseAmount(text))).toBe(micro);
  });

  it.each([
    ['', 'empty', 'there is no amount'],
    [' \u00a0', 'empty', 'there is no amount'],
    ['1,000', 'ambiguous', 'decimals after a dot, as in 1 000.5'],
    ['12,345,678', 'ambiguous', 'thousands with spaces'],
    ['1.000,5', 'ambiguous', 'two amounts'],
    ['1,000.5', 'ambiguous', 'two amounts'],
    ['1.000.000', 'ambiguous', 'two amounts'],
    ['-1', 'not-an-amount', 'without a sign'],
    ['+1', 'not-an-amount', 'without a sign'],
    ['\u22121', 'not-an-amount', 'without a sign'],
    ['1e3', 'not-an-amount', 'without an exponent'],
    ['.5', 'not-an-amount', 'both sides'],
    ['5.', 'not-an-amount', 'both sides'],
    ['1 00', 'not-an-amount', 'groups of three'],
    ['1000 000', 'not-an-amount', 'groups of three'],
    ['1  000', 'not-an-amount', 'groups of three'],
    ['1.2.3', 'not-an-amount', 'at most one dot'],
    ['0x10', 'not-an-amount', 'write digits'],
    ['NaN', 'not-an-amount', 'write digits'],
    ['١٢', 'not-an-amount', 'write digits'],
    ['0.0000001', 'too-precise', '7 decimals'],
    ['9007199254.740992', 'too-large', '9007199254.740991'],
    ['9'.repeat(60), 'too-large', 'more than there can be'],
    ['9'.repeat(100_000), 'not-an-amount', 'at most 60 characters'],
  ])('is not read from "%.20s"', (text, code, words) => {
    const parsed = parseAmount(text);
    expect(parsed).toMatchObject({ ok: false, error: { code, message: expect.stringContaining(words) } });
  });

  it('is read as it was written, grouped or not', () => {
    fc.assert(
      fc.property(amount, fc.boolean(), (value, grouping) => {
        expect(unwrap(parseAmount(formatAmount(value, { grouping })))).toBe(value);
      }),
      { seed, numRuns: 500 },
    );
  });

  it('never throws, whatever is typed', () => {
    const typed = fc.string({ unit: fc.constantFrom(...'0123456789.,- \u2009e'), maxLength: 70 });
    fc.assert(
      fc.property(fc.oneof(typed, anyText), (text) => {
        const parsed = parseAmount(text);
        if (parsed.ok) expect(isAmount(parsed.value)).toBe(true);
        else expect(parsed.error.message).not.toBe('');
      }),
      { seed, numRuns: 500 },
    );
  });

  it.each([
    [0, '0'],
    [1, '0.000001'],
    [1_500_000, '1.5'],
    [100_000_000, '100'],
    [1_234_567_000_010, '1\u2009234\u2009567.00001'],
    [maxAmount, '9\u2009007\u2009199\u2009254.740991'],
  ])('is written exactly: %d', (value, text) => {
    expect(formatAmount(microVCoin(value), { grouping: true })).toBe(text);
    expect(formatAmount(microVCoin(value))).toBe(text.replaceAll('\u2009', ''));
  });
});

describe('a product over a divisor', () => {
  const exact = (a: number, b: number, c: number) => ({
    floor: (BigInt(a) * BigInt(b)) / BigInt(c),
    ceil: (BigInt(a) * BigInt(b) + BigInt(c) - 1n) / BigInt(c),
  });
  const orThrow = (value: bigint, compute: () => number) => {
    if (value > BigInt(maxAmount)) expect(compute).toThrow(RangeError);
    else expect(BigInt(compute())).toBe(value);
  };

  it('is exact wherever the product lies', () => {
    fc.assert(
      fc.property(safe, safe, safe, (a, b, divisor) => {
        const c = Math.max(1, divisor);
        const { floor, ceil } = exact(a, b, c);
        orThrow(floor, () => mulDivFloor(a, b, c));
        orThrow(ceil, () => mulDivCeil(a, b, c));
      }),
      { seed, numRuns: 1_000 },
    );
  });

  it('keeps what doubles would lose', () => {
    expect(mulDivFloor(maxAmount, maxAmount - 1, maxAmount)).toBe(maxAmount - 1);
    expect(mulDivCeil(maxAmount, 1, 2)).toBe(2 ** 52);
    expect(mulDivFloor(3, 333_333, 1_000_000)).toBe(0);
    expect(mulDivCeil(3, 333_333, 1_000_000)).toBe(1);
    expect(mulDivCeil(0, 5, 7)).toBe(0);
  });

  it.each([
    [1, 1, 0],
    [-1, 1, 1],
    [1, 0.5, 1],
    [1, 2 ** 53, 1],
    [1, 1, Number.NaN],
    [maxAmount, 2, 1],
  ])('throws on %d · %d / %d', (a, b, c) => {
    expect(() => mulDivFloor(a, b, c)).toThrow(RangeError);
    expect(() => mulDivCeil(a, b, c)).toThrow(RangeError);
  });
});

describe('shares by largest remainder', () => {
  const keysOf = (weights: readonly number[]) => weights.map((_, i) => `key${i}`);

  it('gives the rest to the largest remainders', () => {
    expect(unwrap(largestRemainder(10, [3, 3, 1], ['a', 'b', 'c']))).toEqual([4, 4, 2]);
    expect(unwrap(largestRemainder(7, [1, 2, 4], ['a', 'b', 'c']))).toEqual([1, 2, 4]);
  });

  it('decides between equal remainders by the smaller key, wherever it stands', () => {
    expect(unwrap(largestRemainder(1, [1, 1, 1], ['c', 'a', 'b']))).toEqual([0, 1, 0]);
    expect(unwrap(largestRemainder(2, [1, 1, 1], ['c', 'a', 'b']))).toEqual([0, 1, 1]);
  });

  it('gives nothing of nothing, and nothing to a weight of 0', () => {
    expect(unwrap(largestRemainder(0, [1, 2], ['a', 'b']))).toEqual([0, 0]);
    expect(unwrap(largestRemainder(5, [0, 2, 0], ['a', 'b', 'c']))).toEqual([0, 5, 0]);
  });

  it('gives all, to each its quota rounded down or up, in whatever order they are given', () => {
    const weights = fc.array(fc.oneof(fc.nat(5), fc.nat(2 ** 40)), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(amount, weights, fc.nat(), (total, some, turn) => {
        fc.pre(some.some((weight) => weight > 0));
        const shares = unwrap(largestRemainder(total, some, keysOf(some)));
        expect(shares.reduce((sum, share) => sum + BigInt(share), 0n)).toBe(BigInt(total));
        const sum = some.reduce((a, b) => a + b, 0);
        for (const [i, weight] of some.entries()) {
          expect([mulDivFloor(total, weight, sum), mulDivCeil(total, weight, sum)]).toContain(shares[i]);
        }
        const turned = <T>(items: readonly T[]): T[] => [
          ...items.slice(turn % some.length),
          ...items.slice(0, turn % some.length),
        ];
        const again = unwrap(largestRemainder(total, turned(some), turned(keysOf(some))));
        expect(again).toEqual(turned(shares));
      }),
      { seed, numRuns: 300 },
    );
  });

  it.each([
    ['all weights 0', 5, [0, 0], ['a', 'b'], 'none of 2 weights is above 0'],
    ['no weights', 0, [], [], 'none of 0 weights'],
    ['a negative weight', 5, [1, -1], ['a', 'b'], 'which -1 breaks'],
    ['a fraction', 5, [0.5], ['a'], 'which 0.5 breaks'],
    ['weights beyond exact sums', 5, [maxAmount, 1], ['a', 'b'], 'their sum'],
    ['a total that is no amount', -1, [1], ['a'], "-1 can't be parted"],
    ['equal tie keys', 5, [1, 1], ['a', 'a'], 'each different'],
    ['a missing tie key', 5, [1, 1], ['a'], 'as many tie keys'],
  ])('refuses %s', (_, total, weights, tieKeys, words) => {
    expect(largestRemainder(total, weights, tieKeys)).toMatchObject({
      ok: false,
      error: { code: 'shares', message: expect.stringContaining(words) },
    });
  });
});
