import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';

/**
 * How the weights of several models of one architecture become those of one, tensor by tensor. `weights` are one number per
 * model. A task vector is what training changed: model − base. Stacking layers is `stackCheckpoints` and `stackDecoders`.
 */
export type MergeMethod =
  /** Σ wᵢxᵢ ÷ Σ wᵢ (Wortsman et al., "Model soups", 2022); without `normalize` the sum alone. Default: true. */
  | { readonly kind: 'linear'; readonly weights: readonly number[]; readonly normalize?: boolean }
  /** base + λ·Σ wᵢδᵢ (Ilharco et al., "Editing Models with Task Arithmetic", 2023). A negative weight unlearns. */
  | { readonly kind: 'task-arithmetic'; readonly weights: readonly number[]; readonly lambda?: number }
  /** From the first of two models (t = 0) to the second (t = 1) along the arc between them (Shoemake, 1985). */
  | { readonly kind: 'slerp'; readonly t: number }
  /** Of each task vector the largest elements; of these, where signs differ, the heavier side (Yadav et al., 2023). */
  | (Sparse & { readonly kind: 'ties' })
  /** Of each task vector a random part, made larger by as much as is dropped (Yu et al., 2024). */
  | (Sparse & Sampled & { readonly kind: 'dare' })
  /**
   * As DARE, with chances that grow with an element's rank among those of its neuron, from density − ε to density + ε (Deep,
   * Bhardwaj, Poria, "DELLA-Merging", 2024).
   */
  | (Sparse & Sampled & { readonly kind: 'della'; readonly epsilon: number })
  /** Between base and mean, nearer to the base the less the models agree (Jang, Yun, Han, "Model Stock", 2024). */
  | { readonly kind: 'model-stock' };

type Sparse = {
  readonly weights: readonly number[];
  /** The part of each task vector that is kept, in (0, 1]. */
  readonly density: number;
  /** Scales the merged task vector. Default: 1. */
  readonly lambda?: number;
};
type Sampled = {
  /** A safe integer from 0 on. */
  readonly seed: number;
  /**
   * 'ties' drops what goes against the elected sign and takes the mean of the rest, as both papers do (mergekit adds the rest
   * unless it is told to normalise); 'linear' adds all. Default: 'ties'.
   */
  readonly sign?: 'ties' | 'linear';
  /** Divides what is kept by its chance, so that the expectation stays. Default: true. */
  readonly rescale?: boolean;
};

/** Another method for the tensors whose whole name matches: `*` stands for any characters. The first that matches counts. */
export type TensorOverride = { readonly match: string; readonly method: MergeMethod };

export const needsBase = ({ kind }: MergeMethod): boolean => kind !== 'linear' && kind !== 'slerp';

/** Whether `method` is one, for so many models beside the base. */
export const checkMethod = (
  method: MergeMethod,
  models: number,
  hasBase: boolean,
): Result<void, OnnxFault> => {
  const problem =
    models < 1 ? 'there is no model' : (countProblem(method, models, hasBase) ?? problemOf(method));
  return problem === undefined ? ok(undefined) : err(onnxFault('invalid', `${method.kind}: ${problem}`));
};

/** The method of a tensor of this name. */
export const methodOf = (
  name: string,
  method: MergeMethod,
  overrides: readonly TensorOverride[] | undefined,
): MergeMethod => overrides?.find(({ match }) => matches(match, name))?.method ?? method;

const countProblem = (method: MergeMethod, models: number, hasBase: boolean): string | undefined => {
  if (needsBase(method) && !hasBase) return 'task vectors need the base model';
  if (method.kind === 'slerp')
    return models === 2 ? undefined : `goes between 2 models, and there are ${models}`;
  if (method.kind === 'model-stock')
    return models >= 2 ? undefined : 'needs 2 models or more, for an angle between them';
  return method.weights.length === models
    ? undefined
    : `${method.weights.length} weights for ${models} models beside the base`;
};

const problemOf = (method: MergeMethod): string | undefined => {
  switch (method.kind) {
    case 'slerp':
      return isWithin(method.t, 0, 1) ? undefined : `t is ${method.t}: 0 to 1`;
    case 'model-stock':
      return undefined;
    case 'linear':
      return finiteProblem(method.weights) ?? linearProblem(method.weights, method.normalize ?? true);
    case 'task-arithmetic':
      return finiteProblem([...method.weights, method.lambda ?? 1]);
    case 'ties':
      return sparseProblem(method) ?? positiveProblem(method.weights);
    case 'dare':
      return sparseProblem(method) ?? sampledProblem(method);
    case 'della':
      return sparseProblem(method) ?? sampledProblem(method) ?? chanceProblem(method.density, method.epsilon);
    default:
      return method satisfies never;
  }
};

const linearProblem = (weights: readonly number[], normalize: boolean) =>
  normalize && Math.abs(sum(weights)) < 1e-8
    ? 'the weights add to 0, by which nothing can be divided'
    : undefined;

const sparseProblem = ({ weights, density, lambda = 1 }: Sparse) =>
  density > 0 && density <= 1
    ? finiteProblem([...weights, lambda])
    : `the density is ${density}: above 0, at most 1`;

const sampledProblem = ({ seed, sign = 'ties', weights }: Sparse & Sampled) => {
  if (!Number.isSafeInteger(seed) || seed < 0) return `the seed is ${seed}: a safe integer from 0 on`;
  return sign === 'ties' ? positiveProblem(weights) : undefined;
};

const chanceProblem = (density: number, epsilon: number) =>
  density === 1 || (epsilon >= 0 && density - epsilon > 0 && density + epsilon <= 1)
    ? undefined
    : `density ± epsilon is ${density - epsilon} to ${density + epsilon}: chances above 0, at most 1`;

const finiteProblem = (numbers: readonly number[]) =>
  numbers.every(Number.isFinite) ? undefined : 'the weights and lambda must be finite';

/** The mean over those of the elected sign divides by their weights. */
const positiveProblem = (weights: readonly number[]) =>
  weights.every((weight) => weight > 0) ? undefined : 'weights must be above 0 where signs are elected';

const isWithin = (value: number, least: number, most: number) => value >= least && value <= most;
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

/** Without backtracking: the pieces between stars are found from left to right, each as early as can be. */
const matches = (pattern: string, name: string): boolean => {
  const pieces = pattern.split('*');
  const [first = '', ...others] = pieces;
  const last = others.pop();
  if (last === undefined) return name === pattern;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of others) {
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
};
