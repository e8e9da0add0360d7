import type { RuntimeKind } from '../contracts.ts';

/** The part of onnxruntime-web that is used here; its two entries differ only in what they contain. */
export type OrtModule = Pick<typeof import('onnxruntime-web/wasm'), 'env' | 'InferenceSession' | 'Tensor'>;

/**
 * Dynamic on purpose: with a static import every WASM thread would evaluate the whole worker entry again and hang.
 */
export const loadOrt = (runtime: RuntimeKind): Promise<OrtModule> =>
  runtime === 'webgpu' ? import('onnxruntime-web/webgpu') : import('onnxruntime-web/wasm');
