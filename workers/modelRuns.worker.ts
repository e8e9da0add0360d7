import { loadOrt } from '../src/compute/runtimes/ort.ts';
import { createRuntime } from '../src/compute/runtimes/runtime.ts';
import { exposeApi } from './expose.ts';
import { createModelRunsApi } from './modelRunsApi.ts';

const gpu: GPU | undefined = navigator.gpu;

exposeApi((openScope) =>
  createModelRunsApi({
    openScope,
    monotonic: () => performance.now(),
    createRuntime: (options, assets) =>
      createRuntime(
        {
          loadOrt,
          assets,
          crossOriginIsolated: globalThis.crossOriginIsolated,
          requestAdapter: gpu && (() => gpu.requestAdapter()),
        },
        options,
      ),
  }),
);
