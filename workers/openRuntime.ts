import type { RuntimeKind } from '../src/compute/contracts.ts';
import type { RuntimeAssets } from '../src/compute/runtimes/assets.ts';
import { loadOrt } from '../src/compute/runtimes/ort.ts';
import { createRuntime } from '../src/compute/runtimes/runtime.ts';
import { sharesMemory } from '../src/platform/browser/sharedMemory.ts';

const gpu: GPU | undefined = navigator.gpu;

/** onnxruntime-web with what this worker's browser has. */
export const openRuntime = (
  options: { readonly kind: RuntimeKind; readonly threads: number },
  assets: Readonly<Record<RuntimeKind, RuntimeAssets>>,
) =>
  createRuntime(
    {
      loadOrt,
      assets,
      sharedMemory: sharesMemory(),
      requestAdapter: gpu && (() => gpu.requestAdapter()),
    },
    options,
  );
