import type { RuntimeKind } from '../contracts.ts';

/** Of package.json: cached measurements are only valid for the same runtime. A test compares them. */
export const runtimeVersion = 'onnxruntime-web 1.30.0';

// The bundler emits these under hashed names; nothing comes from another host.
const threadedModule = new URL(
  '../../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.mjs',
  import.meta.url,
);
const threadedBinary = new URL(
  '../../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm',
  import.meta.url,
);
const asyncifyModule = new URL(
  '../../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.mjs',
  import.meta.url,
);
const asyncifyBinary = new URL(
  '../../../node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.asyncify.wasm',
  import.meta.url,
);

export type RuntimeAssets = { readonly mjs: string; readonly wasm: string };

export const runtimeAssets: Readonly<Record<RuntimeKind, RuntimeAssets>> = {
  wasm: { mjs: threadedModule.href, wasm: threadedBinary.href },
  webgpu: { mjs: asyncifyModule.href, wasm: asyncifyBinary.href },
};
