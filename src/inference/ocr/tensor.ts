/** Dense float32 values, row-major; images are 1 or N × 3 × height × width. */
export type Tensor = { readonly data: Float32Array; readonly dims: readonly number[] };

/** One model behind one runtime: a single input, a single output. */
export type RunModel = (input: Tensor) => Promise<Tensor>;
