import type { Dim, Shape } from '../ir/types.ts';
import { float, form, int, misfit, type OpTable, required, type ShapeRule, shaped } from './schema.ts';
import {
  broadcastShapes,
  checkBroadcastsTo,
  checkRank,
  intOf,
  sameDim,
  shapeOf,
  show,
  textOf,
} from './shapes.ts';

/** numpy.matmul: a vector is a row on the left, a column on the right, and loses that dimension again. */
export const matMulShape = (a: Shape | undefined, b: Shape | undefined): Shape | undefined => {
  if (a === undefined || b === undefined) return undefined;
  if (a.length === 0 || b.length === 0) misfit(`${show(a)} times ${show(b)}: a scalar has no rows`);
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  sameDim(left.at(-1), right.at(-2), `${show(a)} times ${show(b)}`);
  const batch = broadcastShapes([left.slice(0, -2), right.slice(0, -2)]) ?? [];
  const rows = a.length === 1 ? [] : [left.at(-2)];
  const columns = b.length === 1 ? [] : [right.at(-1)];
  return [...batch, ...rows, ...columns];
};

const matMul: ShapeRule = (call) => [matMulShape(shapeOf(call, 0), shapeOf(call, 1))];

export const gemm: ShapeRule = (call) => {
  const [a, b] = [shapeOf(call, 0), shapeOf(call, 1)];
  checkRank(a, 2, 'A');
  checkRank(b, 2, 'B');
  const [m, k] = intOf(call, 'transA') ? [a?.[1], a?.[0]] : [a?.[0], a?.[1]];
  const [inner, n] = intOf(call, 'transB') ? [b?.[1], b?.[0]] : [b?.[0], b?.[1]];
  sameDim(k, inner, `A ${a ? show(a) : '?'} times B ${b ? show(b) : '?'}`);
  checkBroadcastsTo(shapeOf(call, 2), [m, n], 'C');
  return [[m, n]];
};

/** "ij,jk->ik", with the ellipsis of NumPy and the implicit output: letters that occur once, in order. */
const einsum: ShapeRule = (call) => {
  const equation = (textOf(call, 'equation') ?? '').replaceAll(' ', '');
  const [left = '', output] = equation.split('->');
  const terms = left.split(',');
  if (terms.length !== call.inputs.length)
    misfit(`equation ${equation} has ${terms.length} terms for ${call.inputs.length} inputs`);
  const byLetter = new Map<string, Dim>();
  const broadcast: (Shape | undefined)[] = [];
  terms.forEach((term, i) => {
    bindTerm(term, shapeOf(call, i), byLetter, broadcast);
  });
  const middle = broadcast.length === 0 ? [] : broadcastShapes(broadcast);
  return [outputOf(output ?? implicit(terms), byLetter, middle, equation)];
};

const bindTerm = (
  term: string,
  shape: Shape | undefined,
  byLetter: Map<string, Dim>,
  broadcast: (Shape | undefined)[],
): void => {
  const [before = '', after] = term.split('...');
  const letters = [...before, ...(after ?? '')];
  if (letters.some((letter) => !/[A-Za-z]/.test(letter))) misfit(`term ${term} has more than letters`);
  const extra = shape === undefined ? undefined : shape.length - letters.length;
  if (extra !== undefined && (extra < 0 || (after === undefined && extra > 0)))
    misfit(`term ${term} for an input of ${shape?.length} dimensions`);
  if (after !== undefined)
    broadcast.push(extra === undefined ? undefined : shape?.slice(before.length, before.length + extra));
  letters.forEach((letter, i) => {
    const dim = shape?.[i < before.length ? i : i + (extra ?? 0)];
    const bound = byLetter.get(letter);
    // A dimension of 1 stretches, as in NumPy.
    byLetter.set(
      letter,
      bound === 1 ? dim : dim === 1 ? (bound ?? 1) : sameDim(bound, dim, `letter ${letter}`),
    );
  });
};

const outputOf = (
  output: string,
  byLetter: ReadonlyMap<string, Dim>,
  middle: Shape | undefined,
  equation: string,
): Shape | undefined => {
  const [before = '', after] = output.split('...');
  const dimsOf = (letters: string) =>
    [...letters].map((letter) =>
      byLetter.has(letter) ? byLetter.get(letter) : misfit(`${letter} of ${equation} is in no input`),
    ) as Dim[];
  const [head, tail] = [dimsOf(before), dimsOf(after ?? '')];
  if (after === undefined) return head;
  return middle && [...head, ...middle, ...tail];
};

const implicit = (terms: readonly string[]): string => {
  const letters = [...terms.join('').replaceAll('.', '')];
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  return `${terms.some((term) => term.includes('...')) ? '...' : ''}${once.join('')}`;
};

const det: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape !== undefined && shape.length < 2) misfit(`${show(shape)} is no matrix`);
  if (shape !== undefined) sameDim(shape.at(-1), shape.at(-2), `${show(shape)} is not square`);
  return [shape?.slice(0, -2)];
};

export const gemmAttributes = { alpha: float(1), beta: float(1), transA: int(0), transB: int(0) };

export const linear: OpTable = {
  MatMul: [form([1, 9, 13], 'T T -> T', shaped(matMul), {}, { T: 'wide' })],
  Gemm: [
    form([1, 6], 'T T T -> T', shaped(gemm), { ...gemmAttributes, broadcast: int(0) }, { T: 'wide' }),
    form([7, 9], 'T T T -> T', shaped(gemm), gemmAttributes, { T: 'wide' }),
    form([11, 13], 'T T T? -> T', shaped(gemm), gemmAttributes, { T: 'wide' }),
  ],
  Einsum: [form([12, 28], 'T+ -> T', shaped(einsum), { equation: required('string') }, { T: 'numeric' })],
  Det: [form([11, 22], 'T -> T', shaped(det), {}, { T: 'float' })],
};
