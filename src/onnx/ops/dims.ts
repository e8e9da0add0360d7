import type { Dim } from '../ir/types.ts';

/**
 * Arithmetic on dimensions that may be names. A name of identifiers, whole numbers, +, - and * is read as the polynomial it
 * spells ("past+seq", "2*seq"), every other one as a single unknown; results are written in one canonical order, so that
 * equal expressions are equal strings. What can't be written so, or gets too long, is undefined: not known.
 */

/** Coefficient by monomial: factors in order, joined by '*'; '' is the constant. */
type Polynomial = ReadonlyMap<string, number>;

const maxTerms = 8;
const maxFactors = 6;
const maxLength = 200;

export const addDims = (a: Dim, b: Dim): Dim => combine(a, b, plus);
export const subtractDims = (a: Dim, b: Dim): Dim => combine(a, b, (p, q) => plus(p, scale(q, -1)));
export const multiplyDims = (a: Dim, b: Dim): Dim => (a === 0 || b === 0 ? 0 : combine(a, b, times));

/** Exactly, or undefined. */
export const divideDims = (a: Dim, b: Dim): Dim => {
  if (a === undefined || b === undefined || b === 0) return undefined;
  if (typeof a === 'number' && typeof b === 'number') return a % b === 0 ? a / b : undefined;
  const dividend = polynomialOf(a);
  const divisor = polynomialOf(b);
  if (write(dividend) === write(divisor)) return 1;
  const [only, ...more] = divisor;
  return only === undefined || more.length > 0 ? undefined : write(divideByTerm(dividend, ...only));
};

export const productOf = (dims: readonly Dim[]): Dim => {
  let product: Dim = 1;
  for (const dim of dims) product = multiplyDims(product, dim);
  return product;
};

/** Certainly the same number. */
export const isSameDim = (a: Dim, b: Dim): boolean =>
  a !== undefined && b !== undefined && (a === b || canonical(a) === canonical(b));

/** Certainly not the same number: two numbers that differ, or expressions that differ by a number. */
export const isOtherDim = (a: Dim, b: Dim): boolean => {
  if (typeof a === 'number' && typeof b === 'number') return a !== b;
  if (typeof a !== 'string' || typeof b !== 'string' || a === b) return false;
  const difference = subtractDims(a, b);
  return typeof difference === 'number' && difference !== 0;
};

/** The one way in which this module writes it. */
export const canonical = (dim: Dim): Dim => (typeof dim === 'string' ? write(polynomialOf(dim)) : dim);

const combine = (a: Dim, b: Dim, operation: (p: Polynomial, q: Polynomial) => Polynomial | undefined): Dim =>
  a === undefined || b === undefined ? undefined : write(operation(polynomialOf(a), polynomialOf(b)));

const identifier = /^[A-Za-z_][A-Za-z0-9_.]*$/;
const wholeNumber = /^[0-9]{1,15}$/;
const expression = /^[A-Za-z0-9_. +*-]*$/;

const polynomialOf = (dim: number | string): Polynomial => {
  if (typeof dim === 'number') return new Map(dim === 0 ? [] : [['', dim]]);
  return (expression.test(dim) ? parse(dim) : undefined) ?? new Map([[dim, 1]]);
};

const parse = (name: string): Polynomial | undefined => {
  if (name.length > maxLength) return undefined;
  let sum: Polynomial | undefined = new Map();
  const terms = name.match(/[+-]?[^+-]+/g) ?? [];
  if (terms.join('') !== name || terms.length === 0) return undefined;
  for (const term of terms) {
    const parsed = parseTerm(term);
    if (parsed === undefined || sum === undefined) return undefined;
    sum = plus(sum, parsed);
  }
  return sum;
};

const parseTerm = (term: string): Polynomial | undefined => {
  const [sign, body] = /^[+-]/.test(term) ? [term[0], term.slice(1)] : ['+', term];
  let coefficient = sign === '-' ? -1 : 1;
  const factors: string[] = [];
  for (const factor of body.split('*').map((part) => part.trim())) {
    if (wholeNumber.test(factor)) coefficient *= Number(factor);
    else if (identifier.test(factor)) factors.push(factor);
    else return undefined;
  }
  if (!Number.isSafeInteger(coefficient)) return undefined;
  return new Map([[factors.sort().join('*'), coefficient]]);
};

const plus = (p: Polynomial, q: Polynomial): Polynomial | undefined => {
  const sum = new Map(p);
  for (const [monomial, coefficient] of q) {
    const total = (sum.get(monomial) ?? 0) + coefficient;
    if (total === 0) sum.delete(monomial);
    else sum.set(monomial, total);
  }
  return checked(sum);
};

const times = (p: Polynomial, q: Polynomial): Polynomial | undefined => {
  let sum: Polynomial | undefined = new Map();
  for (const [monomial, coefficient] of p) {
    const part = new Map<string, number>();
    for (const [other, by] of q) part.set(joinFactors(monomial, other), coefficient * by);
    sum = sum && plus(sum, part);
  }
  return sum;
};

const scale = (p: Polynomial, by: number): Polynomial => new Map([...p].map(([name, n]) => [name, n * by]));

const divideByTerm = (p: Polynomial, monomial: string, by: number): Polynomial | undefined => {
  const quotient = new Map<string, number>();
  for (const [name, coefficient] of p) {
    const rest = removeFactors(name, monomial);
    if (rest === undefined || coefficient % by !== 0) return undefined;
    quotient.set(rest, coefficient / by);
  }
  return quotient;
};

const factorsOf = (monomial: string): string[] => (monomial === '' ? [] : monomial.split('*'));
const joinFactors = (a: string, b: string): string => [...factorsOf(a), ...factorsOf(b)].sort().join('*');

const removeFactors = (from: string, what: string): string | undefined => {
  const factors = factorsOf(from);
  for (const factor of factorsOf(what)) {
    const at = factors.indexOf(factor);
    if (at < 0) return undefined;
    factors.splice(at, 1);
  }
  return factors.join('*');
};

const checked = (p: Polynomial): Polynomial | undefined => {
  if (p.size > maxTerms) return undefined;
  for (const [monomial, coefficient] of p)
    if (!Number.isSafeInteger(coefficient) || factorsOf(monomial).length > maxFactors) return undefined;
  return p;
};

/** Terms by name, the constant last: "past+seq-1". A sum that starts with a negative term has a positive one put first. */
const write = (p: Polynomial | undefined): Dim => {
  if (p === undefined) return undefined;
  const constant = p.get('') ?? 0;
  const terms = [...p].filter(([name]) => name !== '').sort(([a], [b]) => (a < b ? -1 : 1));
  if (terms.length === 0) return constant;
  const ordered = [...terms.filter(([, n]) => n > 0), ...terms.filter(([, n]) => n < 0)];
  let out = '';
  for (const [name, n] of ordered)
    out += `${n < 0 ? '-' : out === '' ? '' : '+'}${Math.abs(n) === 1 ? '' : `${Math.abs(n)}*`}${name}`;
  if (constant !== 0) out += constant < 0 ? `${constant}` : `+${constant}`;
  // A long name that the file has is no expression, and stays.
  return out.length > maxLength && !p.has(out) ? undefined : out;
};
