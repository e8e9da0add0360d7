import {
  type Call,
  commonDims,
  floatAttribute,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalInput,
  realInput,
  requireRank,
  requireSameType,
  spend,
  unsupported,
  zeros,
} from '../call.ts';
import { at, broadcastIndices, indexAt, itemAt, product, stridedIndices } from '../indexing.ts';
import { isFloat, type RealArray, wrapTo } from '../ndArray.ts';

/** out[m,n] += a[m,k] · b[k,n], each a part of a bigger array from an offset on. */
type Product = {
  readonly a: Float64Array;
  readonly aOffset: number;
  readonly b: Float64Array;
  readonly bOffset: number;
  readonly out: Float64Array;
  readonly outOffset: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
};

/**
 * The inner loop of every matrix product: along rows of `b`, so that memory is read in order; each sum still runs over k in
 * order. With `single` each step is rounded once, as a fused multiply-add does.
 */
const multiplyInto = (
  single: boolean,
  { a, aOffset, b, bOffset, out, outOffset, m, k, n }: Product,
): void => {
  for (let row = 0; row < m; row++)
    for (let inner = 0; inner < k; inner++) {
      const factor = at(a, aOffset + row * k + inner);
      const from = bOffset + inner * n;
      const to = outOffset + row * n;
      for (let column = 0; column < n; column++) {
        const sum = at(out, to + column) + factor * at(b, from + column);
        out[to + column] = single ? Math.fround(sum) : sum;
      }
    }
};

/** numpy's matmul: the last two axes are matrices, a vector is a row on the left and a column on the right. */
export const matmul = (call: Call, a: RealArray, b: RealArray): RealArray => {
  requireRank(a, 0, 1, 64);
  requireRank(b, 1, 1, 64);
  const left = a.dims.length === 1 ? [1, ...a.dims] : a.dims;
  const right = b.dims.length === 1 ? [...b.dims, 1] : b.dims;
  const [m, k, n] = [
    itemAt(left, left.length - 2),
    itemAt(left, left.length - 1),
    itemAt(right, right.length - 1),
  ];
  if (k !== itemAt(right, right.length - 2))
    throw invalid(`[${a.dims}] and [${b.dims}] have no inner dimension in common`);
  const batches = { a: left.slice(0, -2), b: right.slice(0, -2) };
  const common = commonDims(batches.a, batches.b);
  const rows = a.dims.length === 1 ? [] : [m];
  const columns = b.dims.length === 1 ? [] : [n];
  const result = zeros(call, a.dtype, [...common, ...rows, ...columns]);
  spend(call, product(common) * m * k * n);
  const inA = broadcastIndices(batches.a, common);
  const inB = broadcastIndices(batches.b, common);
  for (let batch = 0; batch < inA.length; batch++)
    multiplyInto(call.single && isFloat(a.dtype), {
      a: a.values,
      aOffset: indexAt(inA, batch) * m * k,
      b: b.values,
      bOffset: indexAt(inB, batch) * k * n,
      out: result.values,
      outOffset: batch * m * n,
      m,
      k,
      n,
    });
  return isFloat(a.dtype)
    ? result
    : { ...result, values: result.values.map((value) => wrapTo(a.dtype, value)) };
};

/** With the last two axes exchanged. */
export const transposed = (call: Call, { dtype, dims, values }: RealArray): RealArray => {
  const rank = dims.length;
  const [rows, columns] = [itemAt(dims, rank - 2), itemAt(dims, rank - 1)];
  const batch = dims.slice(0, -2);
  const result = zeros(call, dtype, [...batch, columns, rows]);
  const count = product(batch);
  const source = stridedIndices([count, columns, rows], [rows * columns, 1, columns]);
  for (let i = 0; i < source.length; i++) result.values[i] = at(values, indexAt(source, i));
  return result;
};

const sameReals = (call: Call): readonly [RealArray, RealArray] => {
  requireSameType(call, [0, 1]);
  return [realInput(call, 0), realInput(call, 1)];
};

/** alpha · A' · B' + beta · C, C broadcast to the product. */
const gemm: Operator = (call) => {
  const [a, b] = sameReals(call);
  requireRank(a, 0, 2);
  requireRank(b, 1, 2);
  const left = intAttribute(call, 'transA', 0) ? transposed(call, a) : a;
  const right = intAttribute(call, 'transB', 0) ? transposed(call, b) : b;
  const { dtype, dims, values: products } = matmul(call, left, right);
  const alpha = floatAttribute(call, 'alpha', 1);
  const values = products.map((value) => alpha * value);
  const result: RealArray = { dtype, dims, values };
  if (optionalInput(call, 2) === undefined) return [result];
  const c = realInput(call, 2);
  if (c.dtype !== dtype) throw invalid(`input 2 is of ${c.dtype}, the others of ${dtype}`);
  if (commonDims(c.dims, dims).some((dim, axis) => dim !== dims[axis]))
    throw invalid(`input 2 [${c.dims}] doesn't broadcast to [${dims}]`);
  const beta = floatAttribute(call, 'beta', 1);
  const source = broadcastIndices(c.dims, dims);
  for (let i = 0; i < values.length; i++) values[i] = at(values, i) + beta * at(c.values, indexAt(source, i));
  return [result];
};

/** A zero point for everything, or one for each row of A (its axis before the last) or column of B (its last). */
const withoutZeroPoint = (call: Call, position: number, axisFromEnd: number): RealArray => {
  const array = realInput(call, position);
  if (array.dtype !== 'int8' && array.dtype !== 'uint8')
    throw invalid(`input ${position} is of ${array.dtype}`);
  const { dims } = array;
  const result = zeros(call, 'int32', dims);
  if (optionalInput(call, position + 2) === undefined) {
    result.values.set(array.values);
    return result;
  }
  const points = integers(call, position + 2);
  const axis = Math.max(0, dims.length - axisFromEnd);
  const every = product(dims.slice(axis + 1));
  const count = dims[axis] ?? 1;
  if (points.length !== 1 && points.length !== count)
    throw invalid(`input ${position + 2} has ${points.length} zero points for ${count}`);
  for (let i = 0; i < result.values.length; i++) {
    const point = points.length === 1 ? 0 : Math.floor(i / every) % count;
    result.values[i] = at(array.values, i) - itemAt(points, point);
  }
  return result;
};

const matmulInteger: Operator = (call) => [
  matmul(call, withoutZeroPoint(call, 0, 2), withoutZeroPoint(call, 1, 1)),
];

/** MatMul with a scale, either side transposed first. */
const fusedMatmul: Operator = (call) => {
  const [a, b] = sameReals(call);
  if (intAttribute(call, 'transBatchA', 0) || intAttribute(call, 'transBatchB', 0))
    throw unsupported('transposed batches');
  const left = intAttribute(call, 'transA', 0) && a.dims.length > 1 ? transposed(call, a) : a;
  const right = intAttribute(call, 'transB', 0) && b.dims.length > 1 ? transposed(call, b) : b;
  const result = matmul(call, left, right);
  const alpha = floatAttribute(call, 'alpha', 1);
  return [{ ...result, values: result.values.map((value) => alpha * value) }];
};

export const matmulOperators = {
  MatMul: (call) => [matmul(call, ...sameReals(call))],
  Gemm: gemm,
  MatMulInteger: matmulInteger,
} satisfies Record<string, Operator>;

/** com.microsoft. */
export const microsoftMatmulOperators = {
  FusedMatMul: fusedMatmul,
} satisfies Record<string, Operator>;
