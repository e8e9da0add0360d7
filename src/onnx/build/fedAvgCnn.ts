import { ok, type Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import { ints } from '../ir/attributes.ts';
import type { Model } from '../ir/types.ts';
import { checkSpec, divides, whole, wholes } from './bounds.ts';
import { createGraphBuilder } from './graphBuilder.ts';
import { addParameter, type ConvShape, convDims, convSame } from './layers.ts';
import { addStack, stackLayers } from './mlp.ts';
import { heNormal, type Parameter, resolveWeights, type Weights, zero } from './parameters.ts';

/**
 * The CNN of McMahan et al. 2017 (Communication-Efficient Learning of Deep Networks from Decentralized Data, §3): two 5×5
 * convolutions, each with ReLU and 2×2 max pooling, a hidden layer, and the classes. The paper's: 28×28×1, channels 32 and
 * 64, hidden 512, 10 classes, "SAME" padding: 1,663,370 parameters.
 */
export type FedAvgCnnSpec = {
  readonly family: 'fedavg-cnn';
  /** Height and width, a multiple of 4. */
  readonly image: number;
  readonly channels: number;
  readonly convolutions: readonly [number, number];
  readonly hidden: number;
  readonly classes: number;
};

export const paperCnn: FedAvgCnnSpec = {
  family: 'fedavg-cnn',
  image: 28,
  channels: 1,
  convolutions: [32, 64],
  hidden: 512,
  classes: 10,
};

export const checkFedAvgCnn = (spec: FedAvgCnnSpec): Result<void, OnnxFault> =>
  checkSpec('fedavg-cnn', [
    whole('image', spec.image, 4, 1024),
    divides('two poolings', 4, 'image', spec.image),
    whole('channels', spec.channels, 1, 1024),
    ...wholes('convolutions', spec.convolutions, 1, 4096, 2),
    whole('the number of convolutions', spec.convolutions?.length, 2, 2),
    whole('hidden', spec.hidden, 1, 2 ** 16),
    whole('classes', spec.classes, 1, 2 ** 16),
  ]);

export const fedAvgCnnParameters = (spec: FedAvgCnnSpec): readonly Parameter[] => [
  ...convolutions(spec).flatMap(({ weight, bias }) => [weight, bias]),
  ...stackLayers('fc', head(spec)).flatMap(({ weight, bias }) => [weight, bias]),
];

/** 'input' [batch, channels, image, image] → 'logits' [batch, classes]. */
export const buildFedAvgCnn = (spec: FedAvgCnnSpec, weights: Weights): Result<Model, OnnxFault> => {
  const checked = checkFedAvgCnn(spec);
  if (!checked.ok) return checked;
  const resolved = resolveWeights(fedAvgCnnParameters(spec), weights);
  if (!resolved.ok) return resolved;
  const values = resolved.value;
  const b = createGraphBuilder({ name: 'fedavg-cnn' });
  let x = b.input('input', 'float32', ['batch', spec.channels, spec.image, spec.image]);
  for (const { name, shape, weight, bias } of convolutions(spec)) {
    const scope = b.scope(name);
    const parameters = [addParameter(b, weight, values), addParameter(b, bias, values)];
    x = scope.node('Relu', [convSame(scope, shape, [x, ...parameters])]);
    x = scope.node('MaxPool', [x], { kernel_shape: ints(2, 2), strides: ints(2, 2) });
  }
  x = b.node('Reshape', [x, b.ints([0, head(spec).inputs])]);
  b.output(addStack(b, 'fc', head(spec), values, x), 'float32', ['batch', spec.classes]);
  return ok(b.build());
};

const convolutions = ({ channels, convolutions: [first, second] }: FedAvgCnnSpec) =>
  [
    { name: 'conv0', shape: { inputs: channels, outputs: first, kernel: 5 } },
    { name: 'conv1', shape: { inputs: first, outputs: second, kernel: 5 } },
  ].map(({ name, shape }: { readonly name: string; readonly shape: ConvShape }) => ({
    name,
    shape,
    weight: { name: `${name}.weight`, dims: convDims(shape), start: heNormal(shape.inputs * 25) },
    bias: { name: `${name}.bias`, dims: [shape.outputs], start: zero },
  }));

const head = ({ image, convolutions: [, second], hidden, classes }: FedAvgCnnSpec) => ({
  inputs: (image / 4) ** 2 * second,
  hidden: [hidden],
  outputs: classes,
  activation: 'relu' as const,
});
