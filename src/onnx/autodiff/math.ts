import { int, ints } from '../ir/attributes.ts';
import type { Dims, Emitter, Name } from './emitter.ts';

/** Short words for what most rules say. Each returns the value it emitted; none emits what changes nothing. */

/** Numpy's rules, as ONNX has them (Broadcasting in ONNX). Both are known to fit. */
export const broadcast = (a: Dims, b: Dims): Dims => {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [one, other] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return one === 1 ? other : one;
  });
};

const binary =
  (op: string) =>
  (e: Emitter, a: Name, b: Name): Name =>
    e.emit(op, [a, b], broadcast(e.dims(a), e.dims(b)));
export const add = binary('Add');
export const sub = binary('Sub');
export const mul = binary('Mul');
export const div = binary('Div');

/** By twos: not every runtime has `Sum`. */
export const addAll = (e: Emitter, all: readonly [Name, ...Name[]]): Name =>
  all.slice(1).reduce((total, next) => add(e, total, next), all[0]);

export const unary = (e: Emitter, op: string, x: Name): Name => e.emit(op, [x], e.dims(x));
export const neg = (e: Emitter, x: Name): Name => unary(e, 'Neg', x);
export const scale = (e: Emitter, x: Name, factor: number): Name =>
  factor === 1 ? x : mul(e, x, e.scalar(factor));

export const isSame = (a: Dims, b: Dims): boolean =>
  a.length === b.length && a.every((dim, axis) => dim === b[axis]);

/** What moves values about leaves their dtype. */
const likewise = (e: Emitter, x: Name) => ({ dtype: e.known(x)?.dtype ?? 'float32' }) as const;

export const reshape = (e: Emitter, x: Name, dims: Dims): Name =>
  isSame(e.dims(x), dims) ? x : e.emit('Reshape', [x, e.ints(dims)], dims, likewise(e, x));

export const transpose = (e: Emitter, x: Name, permutation: readonly number[]): Name => {
  if (permutation.every((axis, index) => axis === index)) return x;
  const dims = e.dims(x);
  return e.emit(
    'Transpose',
    [x],
    permutation.map((axis) => dims[axis] ?? 1),
    { attributes: { perm: ints(...permutation) }, ...likewise(e, x) },
  );
};

/** The last two axes. */
export const transposeMatrix = (e: Emitter, x: Name): Name => {
  const rank = e.dims(x).length;
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return transpose(e, x, [...axes.slice(0, -2), rank - 1, rank - 2]);
};

export const expand = (e: Emitter, x: Name, dims: Dims): Name =>
  isSame(e.dims(x), dims) ? x : e.emit('Expand', [x, e.ints(dims)], dims);

/** Opset 13 and later; `op`: ReduceSum, and from opset 18 on ReduceMean and the others. Axes are not negative. */
export const reduce = (e: Emitter, op: string, x: Name, axes: readonly number[], keep = true): Name => {
  if (axes.length === 0) return x;
  const dims = e.dims(x);
  const reduced = dims.flatMap((dim, axis) => (axes.includes(axis) ? (keep ? [1] : []) : [dim]));
  return e.emit(op, [x, e.ints(axes)], reduced, { attributes: { keepdims: int(keep ? 1 : 0) } });
};
export const sum = (e: Emitter, x: Name, axes: readonly number[], keep = true): Name =>
  reduce(e, 'ReduceSum', x, axes, keep);

/** Zeros that take no room in the file. */
export const zeros = (e: Emitter, dims: Dims): Name => expand(e, e.scalar(0), dims);

/** From `start` on, `length` long, along each of the axes. */
export const slice = (
  e: Emitter,
  x: Name,
  parts: readonly { readonly axis: number; readonly start: number; readonly length: number }[],
): Name => {
  const dims = e.dims(x);
  const cut = parts.filter(({ axis, start, length }) => start > 0 || length !== dims[axis]);
  if (cut.length === 0) return x;
  const result = dims.map((dim, axis) => cut.find((part) => part.axis === axis)?.length ?? dim);
  return e.emit(
    'Slice',
    [
      x,
      e.ints(cut.map(({ start }) => start)),
      e.ints(cut.map(({ start, length }) => start + length)),
      e.ints(cut.map(({ axis }) => axis)),
    ],
    result,
    likewise(e, x),
  );
};

/**
 * What flows back into an operand that was broadcast: the sum over everywhere it was used. `x` has the dims of the result.
 */
export const unbroadcast = (e: Emitter, x: Name, dims: Dims): Name => {
  const from = e.dims(x);
  if (isSame(from, dims)) return x;
  const lead = from.length - dims.length;
  const axes = from.flatMap((dim, axis) =>
    axis < lead || (dims[axis - lead] === 1 && dim !== 1) ? [axis] : [],
  );
  return reshape(e, sum(e, x, axes), dims);
};

/** float32 from a condition: 1 where it holds. */
export const toFloat = (e: Emitter, condition: Name): Name =>
  e.emit('Cast', [condition], e.dims(condition), { attributes: { to: int(1) } });

export const compare = (e: Emitter, op: 'Equal' | 'Greater' | 'Less', a: Name, b: Name): Name =>
  e.emit(op, [a, b], broadcast(e.dims(a), e.dims(b)), { dtype: 'bool' });

export const where = (e: Emitter, condition: Name, yes: Name, no: Name): Name =>
  e.emit('Where', [condition, yes, no], broadcast(e.dims(condition), broadcast(e.dims(yes), e.dims(no))));

/** Axes as ONNX counts them, from the end if negative. */
export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
