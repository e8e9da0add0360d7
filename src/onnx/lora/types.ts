import type { Tensor } from '../ir/types.ts';

/**
 * A low-rank adapter of a model (Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021): each weight W that it
 * names acts as W + scale·A·B. As a value: it knows factors and their weights' names, not the model.
 */
export type LoraAdapter = {
  /** α ÷ r of the paper. */
  readonly scale: number;
  /**
   * By the name of the weight in the graph: of a `MatMul` the initializer, of a `MatMulNBits` its packed one. All float32, and W
   * as ONNX multiplies it, x·W with W [in, out].
   */
  readonly factors: ReadonlyMap<string, LoraFactors>;
};

export type LoraFactors = {
  /** [in, r]. */
  readonly a: Tensor;
  /** [r, out]. */
  readonly b: Tensor;
};
