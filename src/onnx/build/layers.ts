import { int, ints, text } from '../ir/attributes.ts';
import type { GraphBuilder } from './graphBuilder.ts';
import { type Parameter, parameterTensor, type Start, type Values, zero } from './parameters.ts';

/** What several families are made of. Plain ONNX operators that have a gradient; no shapes are worked out at run time. */

export type Activation = 'relu' | 'gelu' | 'tanh';
export const activations: readonly Activation[] = ['relu', 'gelu', 'tanh'];

export const activate = (b: GraphBuilder, activation: Activation, x: string): string => {
  switch (activation) {
    case 'relu':
      return b.node('Relu', [x]);
    case 'gelu':
      return b.node('Gelu', [x], { approximate: text('none') });
    case 'tanh':
      return b.node('Tanh', [x]);
    default:
      return activation satisfies never;
  }
};

/** PyTorch's layout and names: `<name>.weight` is [out, in], `<name>.bias` [out]. */
export const linearParameters = (name: string, inputs: number, outputs: number, start: Start) =>
  ({
    weight: { name: `${name}.weight`, dims: [outputs, inputs], start },
    bias: { name: `${name}.bias`, dims: [outputs], start: zero },
  }) satisfies Record<string, Parameter>;

/** [batch, in] → [batch, out]. */
export const linear = (
  b: GraphBuilder,
  { weight, bias }: ReturnType<typeof linearParameters>,
  values: Values,
  x: string,
  output?: string,
): string =>
  b.node(
    'Gemm',
    [x, addParameter(b, weight, values), addParameter(b, bias, values)],
    { transB: int(1) },
    output === undefined ? {} : { outputs: [output] },
  );

export const addParameter = (b: GraphBuilder, parameter: Parameter, values: Values): string =>
  b.initializer(parameter.name, parameterTensor(parameter, values));

export type ConvShape = {
  readonly inputs: number;
  readonly outputs: number;
  /** Odd, so that the padding is the same on both sides. */
  readonly kernel: number;
  readonly stride?: number;
};

export const convDims = ({ inputs, outputs, kernel }: ConvShape): readonly number[] => [
  outputs,
  inputs,
  kernel,
  kernel,
];

/** What keeps the size at stride 1, and is ⌈size / stride⌉ otherwise. [batch, in, h, w] → [batch, out, h', w']. */
export const convSame = (
  b: GraphBuilder,
  { kernel, stride = 1 }: ConvShape,
  inputs: readonly string[],
): string => {
  const pad = (kernel - 1) / 2;
  return b.node('Conv', inputs, {
    kernel_shape: ints(kernel, kernel),
    pads: ints(pad, pad, pad, pad),
    strides: ints(stride, stride),
  });
};
