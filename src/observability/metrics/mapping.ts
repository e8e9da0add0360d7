/**
 * The logarithmic mapping of DDSketch (Masson, Rim, Lee 2019, §2.1): bin i holds the values in (γ^(i−1), γ^i] and stands for
 * 2γ^i / (γ+1), which no value of the bin differs from by more than `alpha` of itself. γ = (1+α) / (1−α).
 */
export type Mapping = {
  readonly alpha: number;
  /** `value` is at least `smallest`. */
  indexOf(value: number): number;
  valueOf(index: number): number;
};

/** Values nearer to zero count as zero: the smallest normal number. */
export const smallest = 2 ** -1022;

export const createMapping = (alpha: number): Mapping => {
  const logGamma = Math.log1p((2 * alpha) / (1 - alpha));
  const scale = 1 / logGamma;
  return {
    alpha,
    indexOf: (value) => Math.ceil(Math.log(value) * scale),
    valueOf: (index) => (1 - alpha) * Math.exp(index * logGamma), // 2 / (γ+1) = 1 − α
  };
};
