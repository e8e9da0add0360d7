export type Combination = {
  readonly weights: readonly number[];
  readonly lambda: number;
  /** By model and element, from `sparsify.ts`; undefined keeps all. */
  readonly factors: readonly (Float32Array | undefined)[];
  /**
   * TIES' "elect sign & merge" (Yadav et al. 2023, algorithm 1): the sign of the weighted sum is elected, and the mean taken of
   * what has it. A sum of 0 counts as positive. Otherwise all are added.
   */
  readonly elects: boolean;
};

/** base + λ·(sum or elected mean of the kept task vectors), an element at a time in float64. */
export const addTaskVectors = (
  base: Float32Array,
  tensors: readonly Float32Array[],
  { weights, lambda, factors, elects }: Combination,
): Float32Array => {
  const result = new Float32Array(base.length);
  const parts = new Float64Array(tensors.length);
  for (let i = 0; i < base.length; i++) {
    const origin = base[i] ?? 0;
    let sum = 0;
    for (let m = 0; m < parts.length; m++) {
      const factor = factors[m]?.[i] ?? 1;
      const part = (weights[m] ?? 0) * factor * ((tensors[m]?.[i] ?? 0) - origin);
      parts[m] = part;
      sum += part;
    }
    result[i] = origin + lambda * (elects ? electedMean(parts, weights, sum) : sum);
  }
  return result;
};

const electedMean = (parts: Float64Array, weights: readonly number[], sum: number): number => {
  let total = 0;
  let weight = 0;
  for (let m = 0; m < parts.length; m++) {
    const part = parts[m] ?? 0;
    if (part === 0 || part > 0 !== sum >= 0) continue;
    total += part;
    weight += weights[m] ?? 0;
  }
  return weight === 0 ? 0 : total / weight;
};
