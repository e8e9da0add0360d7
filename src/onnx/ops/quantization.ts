import type { DataType, Shape } from '../ir/types.ts';
import { dtypeNamed } from './elementwise.ts';
import { matMulShape } from './linear.ts';
import {
  type Call,
  form,
  type Infer,
  int,
  misfit,
  type OpTable,
  type ShapeRule,
  shaped,
  tensorType,
} from './schema.ts';
import { axisIn, dtypeOf, intOf, sameDim, shapeOf, show } from './shapes.ts';

/** A scale for the whole tensor, one for each slice along `axis`, or one for each block of `block_size` along it. */
export const checkScale = (call: Call, scaleAt = 1): Shape | undefined => {
  const [x, scale] = [shapeOf(call, 0), shapeOf(call, scaleAt)];
  if (x === undefined || scale === undefined || scale.length === 0) return x;
  if (scale.length === 1) {
    if (scale[0] === 1) return x;
    const axis = axisIn(intOf(call, 'axis') ?? 1, x.length);
    sameDim(x[axis], scale[0], `axis ${axis} of ${show(x)} and the scale ${show(scale)}`);
    return x;
  }
  if (scale.length !== x.length) misfit(`scale ${show(scale)} for ${show(x)}`);
  return x;
};

const quantizedType = (call: Call): DataType =>
  dtypeOf(call, 2) ?? dtypeNamed(intOf(call, 'output_dtype') || undefined) ?? 'uint8';
const quantize: Infer = (call) => [tensorType(quantizedType(call), checkScale(call))];

const dequantize: Infer = (call) => [
  tensorType(
    // Before opset 19 the result is float32, which is then the scale's type as well.
    dtypeNamed(intOf(call, 'output_dtype') || undefined) ?? dtypeOf(call, 1) ?? 'float32',
    checkScale(call),
  ),
];

const dynamic: ShapeRule = (call) => [shapeOf(call, 0), [], []];
const product =
  (a: number, b: number): ShapeRule =>
  (call) => [matMulShape(shapeOf(call, a), shapeOf(call, b))];

const axis = { axis: int(1) };
const block = { ...axis, block_size: int(0) };
const saturate = { saturate: int(1) };
const output = { output_dtype: int(0) };
const ZQ = { Z: 'quantized', X: 'scale', S: 'scale' } as const;
const XS = { X: 'quantizedOrSum', S: 'scale' } as const;

export const quantization: OpTable = {
  QuantizeLinear: [
    form([10], 'X S Z? -> Z', quantize, {}, ZQ),
    form([13], 'X S Z? -> Z', quantize, axis, ZQ),
    form([19], 'X S Z? -> Z', quantize, { ...axis, ...saturate }, ZQ),
    form([21], 'X S Z? -> Z', quantize, { ...block, ...saturate, ...output }, ZQ),
    form(
      [23, 24, 25, 28],
      'X S Z? -> Z',
      quantize,
      { ...block, ...saturate, ...output, precision: int(0) },
      ZQ,
    ),
  ],
  DequantizeLinear: [
    form([10], 'X S X? -> float', dequantize, {}, XS),
    form([13, 19], 'X S X? -> float', dequantize, axis, XS),
    form([21], 'X S X? -> float', dequantize, block, XS),
    form([23, 24, 25, 28], 'X S X? -> float', dequantize, { ...block, ...output }, XS),
  ],
  DynamicQuantizeLinear: [form([11], 'float32 -> uint8 float32 uint8', shaped(dynamic))],
  MatMulInteger: [form([10], 'A B A? B? -> int32', shaped(product(0, 1)), {}, { A: 'byte', B: 'byte' })],
  QLinearMatMul: [
    form(
      [10, 21],
      'A S A B S B S C -> C',
      shaped(product(0, 3)),
      {},
      {
        A: 'quantized',
        B: 'quantized',
        C: 'quantized',
        S: 'float',
      },
    ),
  ],
};
