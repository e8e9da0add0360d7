import { dataTypeOf } from '../../ir/dataTypes.ts';
import {
  axisOf,
  type Call,
  claim,
  dimAt,
  floatInput,
  input,
  intAttribute,
  integers,
  invalid,
  type Operator,
  optionalFloat,
  optionalInput,
  realInput,
  requireDims,
  requiredInt,
  stored,
  unsupported,
  zeros,
} from '../call.ts';
import { at, gridIndices, indexAt, itemAt, ramp, scaledAxis, stridesOf } from '../indexing.ts';
import {
  isFloat,
  isInteger,
  isReal,
  isRealArray,
  type NdArray,
  ndArray,
  type RealArray,
  type RealType,
  rangeOf,
} from '../ndArray.ts';
import { roundHalfEven } from '../rounding.ts';
import { wrapIndices } from './gather.ts';
import { matmul, transposed } from './matmul.ts';

/** For each element of an array of `dims`, which scale is its own: one for all, one along an axis, or one per block of it. */
const scaleIndices = (call: Call, dims: readonly number[], scale: NdArray): Int32Array => {
  claim(call, dims);
  const rank = dims.length;
  const block = intAttribute(call, 'block_size', 0);
  if (scale.values.length === 1 && block === 0)
    return new Int32Array(dims.reduce((all, dim) => all * dim, 1));
  const axis = axisOf(intAttribute(call, 'axis', 1), rank);
  const dim = itemAt(dims, axis);
  if (block === 0) {
    requireDims(scale, 1, [dim]);
    return gridIndices(dims.map((size, i) => (i === axis ? ramp(size) : new Int32Array(size))));
  }
  if (block < 0) throw invalid(`block_size ${block}`);
  requireDims(scale, 1, dims.with(axis, Math.ceil(dim / block)));
  const strides = stridesOf(scale.dims);
  return gridIndices(
    dims.map((size, i) => {
      const positions = i === axis ? ramp(size).map((position) => Math.floor(position / block)) : ramp(size);
      return scaledAxis(positions, itemAt(strides, i));
    }),
  );
};

const zeroPointsOf = (call: Call, scale: NdArray, dtype: RealType | undefined): Float64Array | undefined => {
  const points = optionalInput(call, 2);
  if (points === undefined) return undefined;
  if (points.values.length !== scale.values.length)
    throw invalid(`${points.values.length} zero points for ${scale.values.length} scales`);
  if (!isRealArray(points)) throw invalid(`zero points of ${points.dtype}`);
  if (dtype !== undefined && points.dtype !== dtype)
    throw invalid(`zero points of ${points.dtype} for ${dtype}`);
  return points.values;
};

/** (x - zero point) · scale. */
const dequantizeLinear: Operator = (call) => {
  const x = realInput(call, 0);
  if (!isInteger(x.dtype)) throw invalid(`input 0 is of ${x.dtype}`);
  const scale = floatInput(call, 1);
  const points = zeroPointsOf(call, scale, x.dtype);
  const source = scaleIndices(call, x.dims, scale);
  const result = zeros(call, outputType(call, 'output_dtype') ?? scale.dtype, x.dims);
  for (let i = 0; i < source.length; i++) {
    const index = indexAt(source, i);
    result.values[i] = (at(x.values, i) - (points ? at(points, index) : 0)) * at(scale.values, index);
  }
  return [result];
};

const outputType = (call: Call, name: string): RealType | undefined => {
  const number = intAttribute(call, name, 0);
  if (number === 0) return undefined;
  const dtype = dataTypeOf(number);
  if (dtype === undefined || !isReal(dtype)) throw unsupported(`output of ${dtype ?? number}`);
  return dtype;
};

/** x / scale, rounded (halves to even), plus the zero point, cut off at what the type holds. */
const quantizeLinear: Operator = (call) => {
  const x = realInput(call, 0);
  const scale = floatInput(call, 1);
  const points = zeroPointsOf(call, scale, undefined);
  const ofPoints = optionalInput(call, 2)?.dtype;
  const dtype =
    (ofPoints !== undefined && isReal(ofPoints) ? ofPoints : outputType(call, 'output_dtype')) ?? 'uint8';
  if (!isInteger(dtype)) throw unsupported(`quantization to ${dtype}`);
  const source = scaleIndices(call, x.dims, scale);
  const result = zeros(call, dtype, x.dims);
  for (let i = 0; i < source.length; i++) {
    const index = indexAt(source, i);
    const divisor = at(scale.values, index);
    if (divisor === 0 || Number.isNaN(at(x.values, i)))
      throw invalid(`${at(x.values, i)} by a scale of ${divisor}`);
    result.values[i] = saturate(
      dtype,
      roundHalfEven(stored(call, scale.dtype, at(x.values, i) / divisor)) + (points ? at(points, index) : 0),
    );
  }
  return [result];
};

const saturate = (dtype: RealType, value: number): number => {
  const [low, high] = rangeOf(dtype);
  return Math.min(Math.max(value, low), high) + 0;
};

/** To uint8 with a scale that makes the range of `x`, 0 with it, fill it. Of zeros alone the scale is 1. */
const dynamicQuantizeLinear: Operator = (call) => {
  const x = floatInput(call, 0);
  const low = x.values.reduce((least, value) => Math.min(least, value), 0);
  const high = x.values.reduce((most, value) => Math.max(most, value), 0);
  if (!Number.isFinite(high - low)) throw invalid('not all of its input is finite');
  const scale = high === low ? 1 : stored(call, x.dtype, (high - low) / 255);
  const point = saturate('uint8', roundHalfEven(stored(call, x.dtype, -low / scale)));
  const result = zeros(call, 'uint8', x.dims);
  x.values.forEach((value, i) => {
    result.values[i] = saturate('uint8', roundHalfEven(stored(call, x.dtype, value / scale)) + point);
  });
  return [result, ndArray('float32', [], [scale]), ndArray('uint8', [], [point])];
};

/** Number `i` of those packed into a row of bytes, the first in the lowest bits. */
const unpack = (bytes: Float64Array, start: number, i: number, bits: number): number => {
  const shift = (i * bits) & 7;
  return (at(bytes, start + ((i * bits) >> 3)) >> shift) & (2 ** bits - 1);
};

const bitsOf = (call: Call): number => {
  const bits = intAttribute(call, 'bits', 4);
  if (bits !== 2 && bits !== 4 && bits !== 8) throw unsupported(`${bits} bits`);
  return bits;
};

type NBits = {
  readonly k: number;
  readonly n: number;
  readonly bits: number;
  readonly blockSize: number;
  /** Per column. */
  readonly blocks: number;
};

/** Zero points of MatMulNBits: packed like the weights, each column in bytes of its own; or floats, one per block. */
const nBitsPoints = (call: Call, { n, blocks, bits }: NBits): ((column: number, block: number) => number) => {
  const points = optionalInput(call, 3);
  if (points === undefined) return () => 2 ** (bits - 1);
  if (!isRealArray(points)) throw invalid(`zero points of ${points.dtype}`);
  const { values } = points;
  const isPacked = points.dtype === 'uint8';
  const row = isPacked ? Math.ceil((blocks * bits) / 8) : blocks;
  if (values.length !== n * row) throw invalid(`${values.length} zero points, not ${n * row}`);
  if (isPacked) return (column, block) => unpack(values, column * row, block, bits);
  if (isFloat(points.dtype)) return (column, block) => at(values, column * row + block);
  throw invalid(`zero points of ${points.dtype}`);
};

/** The weights [n, k] of MatMulNBits: column n's elements are in blocks of bytes with a scale and a zero point each. */
const dequantizeNBits = (call: Call, shape: NBits): RealArray => {
  const { k, n, bits, blockSize, blocks } = shape;
  const packed = realInput(call, 1);
  const scales = floatInput(call, 2);
  const bytes = (blockSize * bits) / 8;
  if (packed.dtype !== 'uint8' || packed.values.length !== n * blocks * bytes)
    throw invalid(`weights ${packed.dtype} [${packed.dims}], not uint8 [${n},${blocks},${bytes}]`);
  if (scales.values.length !== n * blocks) throw invalid(`${scales.values.length} scales, not ${n * blocks}`);
  const pointOf = nBitsPoints(call, shape);
  const order = optionalInput(call, 4) && integers(call, 4);
  if (order && (order.length < k || order.some((block) => block < 0 || block >= blocks)))
    throw invalid('g_idx does not name a block for each row');
  const result = zeros(call, scales.dtype, [n, k]);
  for (let column = 0; column < n; column++)
    for (let row = 0; row < k; row++) {
      const block = order ? itemAt(order, row) : Math.floor(row / blockSize);
      const value = unpack(packed.values, column * blocks * bytes, row, bits);
      result.values[column * k + row] =
        (value - pointOf(column, block)) * at(scales.values, column * blocks + block);
    }
  return result;
};

const matmulNBits: Operator = (call) => {
  const x = floatInput(call, 0);
  const [k, n, blockSize] = [requiredInt(call, 'K'), requiredInt(call, 'N'), requiredInt(call, 'block_size')];
  if (k < 1 || n < 1 || blockSize < 8 || blockSize > 2 ** 20 || blockSize % 8 !== 0)
    throw invalid(`K ${k}, N ${n}, block_size ${blockSize}`);
  if (x.dims.at(-1) !== k) throw invalid(`input 0 [${x.dims}] has no last dim of ${k}`);
  if (intAttribute(call, 'weight_prepacked', 0) !== 0) throw unsupported('weights packed for one machine');
  const shape = { k, n, blockSize, bits: bitsOf(call), blocks: Math.ceil(k / blockSize) };
  const product = matmul(call, x, transposed(call, dequantizeNBits(call, shape)));
  const bias = optionalFloat(call, 5);
  if (!bias) return [product];
  requireDims(bias, 5, [n]);
  return [{ ...product, values: product.values.map((value, i) => value + at(bias.values, i % n)) }];
};

/** Data of 4 bits, or of `bits` packed into bytes along the last axis, as [rows of whole numbers] and its dims. */
const unpackData = (call: Call): { data: RealArray; defaultPoint: number; packed: boolean } => {
  const data = realInput(call, 0);
  if (data.dtype === 'int4' || data.dtype === 'uint4') return { data, defaultPoint: 0, packed: false };
  if (data.dtype !== 'uint8') throw unsupported(`data of ${data.dtype}`);
  return {
    data: unpackLast(call, data, Number.POSITIVE_INFINITY),
    defaultPoint: 2 ** (bitsOf(call) - 1),
    packed: true,
  };
};

/** A last axis of bytes as numbers of `bits`, at most `length` of them. */
const unpackLast = (call: Call, { dims, values }: RealArray, length: number): RealArray => {
  const bits = bitsOf(call);
  const bytes = dims.at(-1) ?? 0;
  const last = Math.min(bytes * (8 / bits), length);
  const result = zeros(call, 'uint8', dims.with(-1, last));
  for (let i = 0; i < result.values.length; i++)
    result.values[i] = unpack(values, Math.floor(i / last) * bytes, i % last, bits);
  return result;
};

/** Gather of data in blocks along one axis, which are dequantized: (data - zero point) · scale. */
const gatherBlockQuantized: Operator = (call) => {
  if (realInput(call, 0).dims.length < 1) throw invalid('data is a scalar');
  const { data, defaultPoint, packed } = unpackData(call);
  const rank = data.dims.length;
  const gatherAxis = axisOf(intAttribute(call, 'gather_axis', 0), rank);
  const quantizeAxis = axisOf(intAttribute(call, 'quantize_axis', 1), rank);
  if (packed && (gatherAxis !== 0 || quantizeAxis !== rank - 1))
    throw unsupported('packed data that is not gathered along the first axis and quantized along the last');
  const block = intAttribute(call, 'block_size', 128);
  if (block < 1) throw invalid(`block_size ${block}`);
  const scales = floatInput(call, 2);
  const blocks = Math.ceil(dimAt(data, quantizeAxis) / block);
  requireDims(scales, 2, data.dims.with(quantizeAxis, blocks));
  const given = optionalInput(call, 3) && realInput(call, 3);
  const points = given && packed && given.dims.length > 0 ? unpackLast(call, given, blocks) : given;
  if (points) requireDims(points, 3, scales.dims);
  const indices = wrapIndices(integers(call, 1), dimAt(data, gatherAxis));
  const dims = data.dims.toSpliced(gatherAxis, 1, ...input(call, 1).dims);
  const axes = data.dims.map((dim, axis) => (axis === gatherAxis ? indices : ramp(dim)));
  const result = zeros(call, scales.dtype, dims);
  const inData = strided(axes, stridesOf(data.dims));
  const inScales = strided(
    axes.map((axis, i) => (i === quantizeAxis ? axis.map((position) => Math.floor(position / block)) : axis)),
    stridesOf(scales.dims),
  );
  for (let i = 0; i < inData.length; i++) {
    const index = indexAt(inScales, i);
    const point = points ? at(points.values, index) : defaultPoint;
    result.values[i] = (at(data.values, indexAt(inData, i)) - point) * at(scales.values, index);
  }
  return [result];
};

const strided = (axes: readonly Int32Array[], strides: readonly number[]): Int32Array =>
  gridIndices(axes.map((axis, i) => scaledAxis(axis, itemAt(strides, i))));

export const quantizationOperators = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
} satisfies Record<string, Operator>;

/** com.microsoft. */
export const microsoftQuantizationOperators = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  MatMulNBits: matmulNBits,
  GatherBlockQuantized: gatherBlockQuantized,
} satisfies Record<string, Operator>;
