import { ok, type Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import type { Model } from '../ir/types.ts';
import { checkSpec, oneOf, whole, wholes } from './bounds.ts';
import { createGraphBuilder, type GraphBuilder } from './graphBuilder.ts';
import { type Activation, activate, activations, linear, linearParameters } from './layers.ts';
import {
  glorotUniform,
  heNormal,
  type Parameter,
  resolveWeights,
  type Values,
  type Weights,
} from './parameters.ts';

export type MlpSpec = {
  readonly family: 'mlp';
  readonly inputs: number;
  /** Width of each hidden layer. None: logistic regression. */
  readonly hidden: readonly number[];
  readonly outputs: number;
  readonly activation: Activation;
};

export const checkMlp = (spec: MlpSpec): Result<void, OnnxFault> =>
  checkSpec('mlp', [
    whole('inputs', spec.inputs, 1, 2 ** 20),
    ...wholes('hidden', spec.hidden, 1, 2 ** 16, 64),
    whole('outputs', spec.outputs, 1, 2 ** 20),
    oneOf('activation', spec.activation, activations),
  ]);

export const mlpParameters = (spec: MlpSpec): readonly Parameter[] =>
  stackLayers('fc', spec).flatMap(({ weight, bias }) => [weight, bias]);

/** 'input' [batch, inputs] → 'logits' [batch, outputs]. Parameters `fc<i>.weight` [out, in] and `fc<i>.bias`. */
export const buildMlp = (spec: MlpSpec, weights: Weights): Result<Model, OnnxFault> => {
  const checked = checkMlp(spec);
  if (!checked.ok) return checked;
  const values = resolveWeights(mlpParameters(spec), weights);
  if (!values.ok) return values;
  const b = createGraphBuilder({ name: 'mlp' });
  const x = b.input('input', 'float32', ['batch', spec.inputs]);
  b.output(addStack(b, 'fc', spec, values.value, x), 'float32', ['batch', spec.outputs]);
  return ok(b.build());
};

type Stack = Omit<MlpSpec, 'family'>;

/** He's start before a ReLU, Glorot's otherwise and for the last layer. */
export const stackLayers = (name: string, { inputs, hidden, outputs, activation }: Stack) => {
  const widths = [...hidden, outputs];
  return widths.map((width, i) => {
    const fanIn = i === 0 ? inputs : (hidden[i - 1] ?? inputs);
    const rectified = activation === 'relu' && i < hidden.length;
    return linearParameters(
      `${name}${i}`,
      fanIn,
      width,
      rectified ? heNormal(fanIn) : glorotUniform(fanIn, width),
    );
  });
};

/** A stack of linear layers with an activation between each two; its result is named 'logits'. */
export const addStack = (b: GraphBuilder, name: string, stack: Stack, values: Values, input: string) =>
  stackLayers(name, stack).reduce((x, layer, i, layers) => {
    const scope = b.scope(`${name}${i}`);
    return i === layers.length - 1
      ? linear(scope, layer, values, x, 'logits')
      : activate(scope, stack.activation, linear(scope, layer, values, x));
  }, input);
