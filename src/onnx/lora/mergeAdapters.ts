import type { Result } from '../../core/result.ts';
import { float32Tensor, joinColumns } from '../build/tensors.ts';
import { attemptAsync, refuse } from '../codec/refusal.ts';
import type { OnnxFault } from '../fault.ts';
import type { Tensor } from '../ir/types.ts';
import { taken } from '../merge/computedTensor.ts';
import { mergeTensors } from '../merge/mergeTensors.ts';
import { checkMethod, type MergeMethod, needsBase } from '../merge/methods.ts';
import { dimsOf, factorValues } from './factors.ts';
import type { LoraAdapter, LoraFactors } from './types.ts';

export type AdapterMerge =
  /**
   * The weighted sum of the products, exactly: [A₁ A₂ …]·[B₁; B₂; …] with the weights in B. The ranks add up. A weight that some
   * adapters don't name is changed by the others alone.
   */
  | { readonly kind: 'cat'; readonly weights: readonly number[] }
  /**
   * A's and B's each by a method, as averaging in federated learning does: not the sum of the products, and right only for
   * adapters that began alike and stayed near. Needs equal weights' names and ranks. Factors are what training changed, so
   * methods of task vectors have a base of zeros.
   */
  | { readonly kind: 'factors'; readonly method: MergeMethod };

/** Adapters of one model into one, in memory. */
export const mergeAdapters = (
  adapters: readonly LoraAdapter[],
  how: AdapterMerge,
): Promise<Result<LoraAdapter, OnnxFault>> =>
  attemptAsync(async () => {
    const [first] = adapters;
    if (first === undefined) throw refuse('invalid', 'there is no adapter');
    for (const { scale } of adapters)
      if (!Number.isFinite(scale)) throw refuse('invalid', `an adapter's scale is ${scale}`);
    return how.kind === 'cat'
      ? concatenate(adapters, how.weights)
      : mergeFactors(adapters, first, how.method);
  });

const concatenate = async (
  adapters: readonly LoraAdapter[],
  weights: readonly number[],
): Promise<LoraAdapter> => {
  if (weights.length !== adapters.length || !weights.every(Number.isFinite))
    throw refuse('invalid', `${adapters.length} adapters need as many finite weights`);
  const factors = new Map<string, LoraFactors>();
  for (const name of new Set(adapters.flatMap((adapter) => [...adapter.factors.keys()]))) {
    const parts = adapters.flatMap(({ factors, scale }, i) => {
      const one = factors.get(name);
      return one === undefined ? [] : [{ factors: one, weight: (weights[i] ?? 0) * scale }];
    });
    factors.set(name, await joinFactors(name, parts));
  }
  return { scale: 1, factors };
};

type Part = { readonly factors: LoraFactors; readonly weight: number };

const joinFactors = async (name: string, parts: readonly Part[]): Promise<LoraFactors> => {
  const dims = parts.map(({ factors }) => dimsOf(name, factors));
  const { inputs, outputs } = sameBorders(name, dims);
  const as: Float32Array[] = [];
  const bs: Float32Array[] = [];
  for (const { factors, weight } of parts) {
    as.push(await factorValues(name, factors.a));
    bs.push((await factorValues(name, factors.b)).map((value) => value * weight));
  }
  const rank = dims.reduce((sum, one) => sum + one.rank, 0);
  return {
    a: float32Tensor([inputs, rank], joinColumns(inputs, as)),
    b: float32Tensor([rank, outputs], joinColumns(1, bs)),
  };
};

const sameBorders = (name: string, [first, ...others]: readonly ReturnType<typeof dimsOf>[]) => {
  if (first === undefined) throw new Error(`${name} has no factors`);
  const { inputs, outputs } = first;
  const other = others.find((one) => one.inputs !== inputs || one.outputs !== outputs);
  if (other !== undefined)
    throw refuse(
      'invalid',
      `${name} is [${inputs}, ${outputs}] in one adapter and [${other.inputs}, ${other.outputs}] in another`,
    );
  return first;
};

/** Scales that differ go half into A and half into B. */
const mergeFactors = async (
  adapters: readonly LoraAdapter[],
  { scale, factors: ours }: LoraAdapter,
  method: MergeMethod,
): Promise<LoraAdapter> => {
  taken(checkMethod(method, adapters.length, true));
  const gains = adapters.map((adapter) => (adapter.scale === scale ? 1 : Math.sqrt(adapter.scale / scale)));
  if (!gains.every((gain) => Number.isFinite(gain) && gain > 0))
    throw refuse('invalid', 'the scales of adapters must have one sign for their factors to be merged');
  const factors = new Map<string, LoraFactors>();
  for (const name of new Set(adapters.flatMap((adapter) => [...adapter.factors.keys()]))) {
    const parts = adapters.map((adapter) => adapter.factors.get(name));
    const whole = parts.filter((part) => part !== undefined);
    const [first] = whole;
    if (first === undefined || whole.length < parts.length || !ours.has(name))
      throw refuse('invalid', `not every adapter has factors for ${name}`);
    const dims = whole.map((part) => dimsOf(name, part));
    const { rank } = sameBorders(name, dims);
    if (dims.some((one) => one.rank !== rank))
      throw refuse(
        'invalid',
        `${name} has ranks ${dims.map((one) => one.rank).join(', ')}: only equal ones are merged by factors, 'cat' takes any`,
      );
    const merge = (which: 'a' | 'b') =>
      mergeOne(
        `${name} ${which}`,
        whole.map((part) => part[which]),
        gains,
        method,
      );
    factors.set(name, { a: await merge('a'), b: await merge('b') });
  }
  return { scale, factors };
};

const mergeOne = async (
  name: string,
  tensors: readonly Tensor[],
  gains: readonly number[],
  method: MergeMethod,
): Promise<Tensor> => {
  const values: Float32Array[] = [];
  for (const [i, tensor] of tensors.entries()) {
    const gain = gains[i] ?? 1;
    const found = await factorValues(name, tensor);
    values.push(gain === 1 ? found : found.map((value) => value * gain));
  }
  const zeros = needsBase(method) ? new Float32Array(values[0]?.length ?? 0) : undefined;
  return float32Tensor(tensors[0]?.dims ?? [], taken(mergeTensors(method, zeros, values, { name })));
};
