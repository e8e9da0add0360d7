import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { modelStock, slerp, weightedSum } from './interpolation.ts';
import { checkMethod, type MergeMethod } from './methods.ts';
import { keepByChance, keepLargest, type Neurons, rankChances } from './sparsify.ts';
import { addTaskVectors } from './taskVectors.ts';

/** What a method may ask of a tensor beside its numbers. */
export type TensorPlace = {
  /** Together with the seed and the model's number it decides what is drawn: the order of tensors doesn't matter. */
  readonly name: string;
  /** DELLA ranks within a neuron. Default: all elements are one neuron's. */
  readonly neurons?: Neurons;
};

/**
 * One tensor of several models into one, in float64 and back to float32. `invalid` if lengths differ, a number is not finite,
 * the method doesn't fit or SLERP finds opposite directions.
 */
export const mergeTensors = (
  method: MergeMethod,
  base: Float32Array | undefined,
  tensors: readonly Float32Array[],
  place: TensorPlace,
): Result<Float32Array, OnnxFault> => {
  const fits = checkMethod(method, tensors.length, base !== undefined);
  if (!fits.ok) return fits;
  const problem = inputProblem(base, tensors);
  if (problem !== undefined) return err(onnxFault('invalid', `${place.name}: ${problem}`));
  const merged = merge(method, base ?? new Float32Array(), tensors, place);
  return merged.ok ? merged : err({ ...merged.error, message: `${place.name}: ${merged.error.message}` });
};

/** `base` is empty where the method needs none. */
const merge = (
  method: MergeMethod,
  base: Float32Array,
  tensors: readonly Float32Array[],
  place: TensorPlace,
): Result<Float32Array, OnnxFault> => {
  switch (method.kind) {
    case 'linear':
      return ok(weightedSum(tensors, shares(method.weights, method.normalize ?? true)));
    case 'slerp': {
      const [a = base, b = base] = tensors;
      return slerp(a, b, method.t);
    }
    case 'model-stock':
      return ok(modelStock(base, tensors));
    case 'task-arithmetic':
    case 'ties':
    case 'dare':
    case 'della':
      return ok(
        addTaskVectors(base, tensors, {
          weights: method.weights,
          lambda: method.lambda ?? 1,
          factors: tensors.map((tensor, model) => factorsOf(method, base, tensor, { ...place, model })),
          elects: method.kind === 'ties' || (method.kind !== 'task-arithmetic' && method.sign !== 'linear'),
        }),
      );
    default:
      return method satisfies never;
  }
};

type TaskVectorMethod = Extract<MergeMethod, { kind: 'task-arithmetic' | 'ties' | 'dare' | 'della' }>;

const factorsOf = (
  method: TaskVectorMethod,
  base: Float32Array,
  tensor: Float32Array,
  place: TensorPlace & { readonly model: number },
): Float32Array | undefined => {
  if (method.kind === 'task-arithmetic' || method.density === 1) return undefined;
  const { density } = method;
  if (method.kind === 'ties') return keepLargest(base, tensor, density);
  const neurons = place.neurons ?? { kind: 'rows', width: tensor.length };
  const chances =
    method.kind === 'dare'
      ? new Float64Array(tensor.length).fill(density)
      : rankChances(base, tensor, { density, epsilon: method.epsilon, neurons });
  const stream = `merge ${place.model} ${place.name}`;
  return keepByChance(chances, { seed: method.seed, stream, rescale: method.rescale ?? true });
};

const shares = (weights: readonly number[], normalize: boolean): readonly number[] => {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return normalize ? weights.map((weight) => weight / total) : weights;
};

const inputProblem = (base: Float32Array | undefined, tensors: readonly Float32Array[]) => {
  const length = tensors[0]?.length;
  for (const [index, tensor] of [...tensors, ...(base ? [base] : [])].entries()) {
    const whose = index < tensors.length ? `model ${index}` : 'the base';
    if (tensor.length !== length) return `${whose} has ${tensor.length} elements, and model 0 ${length}`;
    const wrong = tensor.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) return `element ${wrong} of ${whose} is ${tensor[wrong]}`;
  }
  return undefined;
};
