import { int } from '../../ir/attributes.ts';
import { type Dims, type Emitter, type Name, sizeOf } from '../emitter.ts';
import { rowsAdded, rowsTaken } from '../lookup.ts';
import {
  add,
  addAll,
  compare,
  mul,
  reduce,
  reshape,
  sum,
  toFloat,
  transpose,
  transposeMatrix,
} from '../math.ts';

/**
 * What one use of a weight adds to its gradient, kept apart by example, B of them.
 *
 * `factored`: Σ_t rows[i, t] ⊗ columns[i, t] over `length` places t, the gradient of a linear layer (Goodfellow, "Efficient
 * Per-Example Gradient Computations", 2015), of an embedding, whose rows are one-hot, and of a convolution over patches.
 * `direct`: the gradient itself, [B, size of the weight].
 */
export type Contribution = Factored | Direct;
export type Factored = {
  readonly kind: 'factored';
  readonly rows: Side;
  readonly columns: Side;
  readonly length: number;
};
export type Direct = { readonly kind: 'direct'; readonly value: Name };

/** `dense`: float32 [B, length, size]. `one-hot`: int32 or int64 [B, length], where the one is among `size`. */
export type Side = { readonly kind: 'dense' | 'one-hot'; readonly value: Name; readonly size: number };

/**
 * Squared norms by example, [B], of the sum of all contributions, and what becomes of them. Two outer products are told by their
 * Grams, ⟨Σ a⊗b, Σ c⊗d⟩ = ⟨A·Cᵀ, B·Dᵀ⟩ (Li et al., "Large Language Models Can Be Strong Differentially Private Learners",
 * 2022, §4), unless the gradients by example take less room than the Grams. A weight that is used more than once has the cross
 * terms of its uses. Undefined if a gradient must be written out and has one-hot sides: it would have the size of a table
 * for every example.
 */
export const measured = (
  e: Emitter,
  contributions: readonly [Contribution, ...Contribution[]],
): { readonly squares: Name; readonly kept: readonly Contribution[] } | undefined => {
  const factored = contributions.filter((one) => one.kind === 'factored');
  const sparse = factored.some(({ rows, columns }) => rows.kind === 'one-hot' || columns.kind === 'one-hot');
  const places = factored.reduce((count, { length }) => count + length, 0);
  const [first] = factored;
  const size = first ? first.rows.size * first.columns.size : 0;
  const allFactored = factored.length === contributions.length;
  // A single place needs no Gram: the norm of an outer product is the product of the norms.
  if (allFactored && (sparse || places === 1 || 2 * places ** 2 < size))
    return { squares: squaresByGrams(e, factored), kept: factored };
  if (sparse) return undefined;
  const [value, ...others] = contributions.map((one) =>
    one.kind === 'direct' ? one.value : writtenOut(e, one),
  );
  if (value === undefined) return undefined;
  const total = addAll(e, [value, ...others]);
  return {
    squares: reduce(e, 'ReduceSumSquare', total, [1], false),
    kept: [{ kind: 'direct', value: total }],
  };
};

/** Σ_i c[i]·gradient[i], with the weight's dims; `factors` is [B]. */
export const weighed = (e: Emitter, one: Contribution, factors: Name, dims: Dims): Name => {
  const [batch = 1] = e.dims(factors);
  if (one.kind === 'direct') {
    const [, size = 1] = e.dims(one.value);
    return reshape(e, e.emit('MatMul', [reshape(e, factors, [1, batch]), one.value], [1, size]), dims);
  }
  const { rows, columns, length } = one;
  const by = reshape(e, factors, [batch, 1, 1]);
  const flat = (side: Side, value = side.value) => reshape(e, value, [batch * length, side.size]);
  const scattered = (hot: Side, other: Side) =>
    rowsAdded(e, {
      indices: reshape(e, hot.value, [batch * length]),
      updates: flat(other, mul(e, other.value, by)),
      dims: [hot.size, other.size],
    });
  if (rows.kind === 'one-hot') return reshape(e, scattered(rows, columns), dims);
  if (columns.kind === 'one-hot') return reshape(e, transposeMatrix(e, scattered(columns, rows)), dims);
  const slim = rows.size < columns.size;
  const [left, right] = slim
    ? [flat(rows, mul(e, rows.value, by)), flat(columns)]
    : [flat(rows), flat(columns, mul(e, columns.value, by))];
  const product = e.emit('Gemm', [left, right], [rows.size, columns.size], {
    attributes: { transA: int(1) },
  });
  return reshape(e, product, dims);
};

const squaresByGrams = (e: Emitter, all: readonly Factored[]): Name => {
  const terms = all.flatMap((one, at) =>
    all.slice(at).map((other, further) => {
      const product = further === 0 ? ownSquares(e, one) : crossTerm(e, one, other);
      return further === 0 ? product : add(e, product, product);
    }),
  );
  const [first = '', ...others] = terms;
  return addAll(e, [first, ...others]);
};

const ownSquares = (e: Emitter, one: Factored): Name => {
  if (one.length > 1) return crossTerm(e, one, one);
  const squares = ({ kind, value }: Side) =>
    kind === 'dense' ? reduce(e, 'ReduceSumSquare', value, [1, 2], false) : undefined;
  const [rows, columns] = [squares(one.rows), squares(one.columns)];
  if (rows === undefined || columns === undefined) return rows ?? columns ?? crossTerm(e, one, one);
  return mul(e, rows, columns);
};

const crossTerm = (e: Emitter, a: Factored, b: Factored): Name =>
  sum(e, mul(e, gram(e, a.rows, b.rows), gram(e, a.columns, b.columns)), [1, 2], false);

/** [B, places of a, places of b]. */
const gram = (e: Emitter, a: Side, b: Side): Name => {
  const [batch = 1, left = 1] = e.dims(a.value);
  const [, right = 1] = e.dims(b.value);
  if (a.kind === 'dense' && b.kind === 'dense')
    return e.emit('MatMul', [a.value, transposeMatrix(e, b.value)], [batch, left, right]);
  if (a.kind === 'dense') return transposeMatrix(e, gram(e, b, a));
  if (b.kind === 'dense') return rowsTaken(e, transposeMatrix(e, b.value), a.value);
  const [mine, theirs] = [numbered(e, a), numbered(e, b)];
  return toFloat(
    e,
    compare(e, 'Equal', reshape(e, mine, [batch, left, 1]), reshape(e, theirs, [batch, 1, right])),
  );
};

/**
 * Indices as float32, exact up to 2²⁴: WebGPU casts no int64, but takes from 0, 1, 2, … by any. An index from the end
 * becomes the one it stands for.
 */
const numbered = (e: Emitter, { value, size }: Side): Name => {
  const ones = e.emit('Expand', [e.scalar(1), e.ints([size])], [size]);
  const counted = e.emit('CumSum', [ones, e.ints([0])], [size], { attributes: { exclusive: int(1) } });
  return e.emit('Gather', [counted, value], e.dims(value));
};

/** [B, rows · columns]. */
const writtenOut = (e: Emitter, { rows, columns }: Factored): Name => {
  const [batch = 1] = e.dims(rows.value);
  const product = e.emit(
    'MatMul',
    [transposeMatrix(e, rows.value), columns.value],
    [batch, rows.size, columns.size],
  );
  return reshape(e, product, [batch, rows.size * columns.size]);
};

/** With its rows and columns changed places: the gradient of the transposed weight. */
export const turned = (one: Contribution): Contribution | undefined =>
  one.kind === 'factored' ? { ...one, rows: one.columns, columns: one.rows } : undefined;

/** x as [B, places, size of its last `kept` axes]: the examples' axis is brought to the front. */
export const byExample = (
  e: Emitter,
  x: Name,
  place: { readonly axis: number; readonly inner: number },
  kept: number,
): Name => {
  const dims = e.dims(x);
  const others = dims.map((_, axis) => axis).filter((axis) => axis !== place.axis);
  const front = transpose(e, x, [place.axis, ...others]);
  const batch = (dims[place.axis] ?? 1) / place.inner;
  const size = sizeOf(dims.slice(dims.length - kept));
  return reshape(e, front, [batch, sizeOf(dims) / batch / size, size]);
};
