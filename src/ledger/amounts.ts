import type { Brand } from '../core/brand.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';

/** A sum of money: an integer of millionths of a VCoin, from 0 to `maxAmount`. */
export type MicroVCoin = Brand<number, 'MicroVCoin'>;

export const microPerVCoin = 1_000_000;

/** 2^53 - 1 micro-VCoin, about nine thousand million VCoin: up to here numbers are exact. All there is must stay below. */
export const maxAmount = Number.MAX_SAFE_INTEGER as MicroVCoin;

/** Refuses -0 too: one amount, one value. */
export const isAmount = (value: unknown): value is MicroVCoin =>
  Number.isSafeInteger(value) && typeof value === 'number' && value >= 0 && !Object.is(value, -0);

/** For amounts that code writes down. Throws RangeError on what `isAmount` refuses. */
export const microVCoin = (value: number): MicroVCoin => {
  if (!isAmount(value)) throw new RangeError(`an amount is an integer from 0 to ${maxAmount}, not ${value}`);
  return value;
};

/** Undefined if the sum is beyond `maxAmount`. */
export const addAmounts = (a: MicroVCoin, b: MicroVCoin): MicroVCoin | undefined => {
  const sum = a + b; // two integers below 2^53: if the sum is rounded, it is not safe either
  return isAmount(sum) ? sum : undefined;
};

/** Undefined if `b` is more than `a`. */
export const subtractAmounts = (a: MicroVCoin, b: MicroVCoin): MicroVCoin | undefined => {
  const rest = a - b;
  return isAmount(rest) ? rest : undefined;
};

export type AmountFault = Fault<'empty' | 'not-an-amount' | 'ambiguous' | 'too-precise' | 'too-large'>;

/**
 * An amount of VCoin as people type it: "12", "0.5", "1 000.25". Spaces (plain, no-break, thin) part groups of three
 * digits; one dot or comma stands before at most six decimals. What may mean two amounts in two countries is refused: a
 * comma before exactly three digits where it could part thousands, and a dot together with a comma. A dot alone is always
 * decimal, so that what `formatAmount` writes is read back. 0 is an amount; callers that want more say so.
 */
export const parseAmount = (text: string): Result<MicroVCoin, AmountFault> => {
  const typed = text.slice(0, maxTypedLength).trim();
  if (text.length > maxTypedLength)
    return err(
      fault('not-an-amount', `an amount has at most ${maxTypedLength} characters, not ${text.length}`),
    );
  if (typed === '') return err(fault('empty', 'there is no amount: write one like 12 or 0.5'));
  if (/^[\d .,\u00a0\u2009\u202f]*$/.test(typed) && mayMeanTwo(typed))
    return err(
      fault(
        'ambiguous',
        `"${typed}" may mean two amounts: write thousands with spaces or nothing, and decimals after a dot, as in 1 000.5`,
      ),
    );
  const parts = amountText.exec(typed);
  if (!parts) return err(fault('not-an-amount', `"${typed}" is no amount: ${whyNoAmount(typed)}`));
  const [, whole = '', decimals = ''] = parts;
  if (decimals.length > decimalPlaces)
    return err(
      fault(
        'too-precise',
        `"${typed}" has ${decimals.length} decimals, a VCoin has at most ${decimalPlaces}`,
      ),
    );
  const micro = BigInt(whole.replace(/\D/g, '') + decimals.padEnd(decimalPlaces, '0'));
  if (micro > BigInt(maxAmount))
    return err(fault('too-large', `"${typed}" is more than there can be: ${formatAmount(maxAmount)}`));
  return ok(Number(micro) as MicroVCoin);
};

/** Exactly, in VCoin, with a dot and no trailing zeros: "1000.25", or with thin spaces between thousands "1 000.25". */
export const formatAmount = (amount: MicroVCoin, { grouping = false } = {}): string => {
  const rest = amount % microPerVCoin;
  const whole = String((amount - rest) / microPerVCoin);
  const decimals = String(rest).padStart(decimalPlaces, '0').replace(/0+$/, '');
  const grouped = grouping ? whole.replace(/\B(?=(\d{3})+$)/g, '\u2009') : whole;
  return decimals === '' ? grouped : `${grouped}.${decimals}`;
};

const decimalPlaces = 6;
const maxTypedLength = 60;
const amountText = /^(\d+|\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+)(?:[.,](\d+))?$/;

const mayMeanTwo = (typed: string): boolean =>
  (typed.includes('.') && typed.includes(',')) ||
  /^[1-9]\d{0,2}(,\d{3})+$/.test(typed) ||
  /^\d+(\.\d{3}){2,}$/.test(typed);

const whyNoAmount = (typed: string): string => {
  if (/^[+\-\u2212]/.test(typed)) return 'write it without a sign';
  if (/^[\d.,]+e[+-]?\d+$/i.test(typed)) return 'write all its digits, without an exponent';
  if (/^[.,]\d|\d[.,]$/.test(typed)) return 'write digits on both sides of the dot, as in 0.5';
  if (/^[\d\s]+([.,]\d*)?$/.test(typed)) return 'spaces part groups of three digits, as in 1 000.25';
  return 'write digits and at most one dot, as in 12 or 0.5';
};

/** ⌊a·b/c⌋, exactly. Throws RangeError on operands that are no safe integers from 0, on c = 0, on a result beyond them. */
export const mulDivFloor = (a: number, b: number, c: number): number => mulDiv(a, b, c, 'floor');

/** ⌈a·b/c⌉, exactly. Throws as `mulDivFloor` does. */
export const mulDivCeil = (a: number, b: number, c: number): number => mulDiv(a, b, c, 'ceil');

const mulDiv = (a: number, b: number, c: number, rounding: 'floor' | 'ceil'): number => {
  if (!isAmount(a) || !isAmount(b) || !isAmount(c) || Number(c) === 0)
    throw new RangeError(`${a} · ${b} / ${c}: operands are safe integers from 0, the divisor from 1`);
  const product = a * b;
  const result = Number.isSafeInteger(product)
    ? divide(product, c, rounding)
    : Number(divideBig(BigInt(a) * BigInt(b), BigInt(c), rounding));
  if (!Number.isSafeInteger(result)) throw new RangeError(`${a} · ${b} / ${c} is beyond exact integers`);
  return result;
};

/** The remainder of safe integers is exact, and so is the quotient of what it divides evenly. */
const divide = (product: number, c: number, rounding: 'floor' | 'ceil'): number => {
  const rest = product % c;
  const floor = (product - rest) / c;
  return rounding === 'ceil' && rest > 0 ? floor + 1 : floor;
};

const divideBig = (product: bigint, c: bigint, rounding: 'floor' | 'ceil'): bigint =>
  rounding === 'ceil' ? (product + c - 1n) / c : product / c;

/**
 * Parts an integer by weights: a_i = ⌊total · w_i / W⌋, then one more for those with the largest remainders until all is
 * given (Hamilton's method); of equal remainders the smaller tie key comes first, by UTF-16 units. A weight of 0 gets
 * nothing. An error if total, weights or their sum are no safe integers from 0, if tie keys are not different, or if no
 * weight is above 0, whatever the total.
 */
export const largestRemainder = (
  total: number,
  weights: readonly number[],
  tieKeys: readonly string[],
): Result<readonly number[], Fault<'shares'>> => {
  const objection = whyNoShares(total, weights, tieKeys);
  if (objection) return err(fault('shares', objection));
  const sum = BigInt(weights.reduce((a, b) => a + b, 0));
  const parts = weights.map((weight, index) => {
    const product = BigInt(total) * BigInt(weight);
    return { index, tieKey: tieKeys[index] ?? '', share: Number(product / sum), remainder: product % sum };
  });
  const left = parts.reduce((rest, { share }) => rest - share, total);
  const shares = parts.map(({ share }) => share);
  const first = parts.toSorted((a, b) => compare(b.remainder, a.remainder) || compare(a.tieKey, b.tieKey));
  for (const { index, share } of first.slice(0, left)) shares[index] = share + 1;
  return ok(shares);
};

const whyNoShares = (
  total: number,
  weights: readonly number[],
  tieKeys: readonly string[],
): string | undefined => {
  if (!isAmount(total)) return `${total} can't be parted: it is no integer from 0 to ${maxAmount}`;
  if (tieKeys.length !== weights.length || new Set(tieKeys).size !== tieKeys.length)
    return `${weights.length} weights need as many tie keys, each different`;
  let sum = 0;
  for (const weight of weights) {
    sum += weight;
    if (!isAmount(weight) || !isAmount(sum))
      return `weights and their sum are integers from 0 to ${maxAmount}, which ${weight} breaks`;
  }
  return sum === 0 ? `none of ${weights.length} weights is above 0, so ${total} can't be shared` : undefined;
};

const compare = <T extends bigint | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);
