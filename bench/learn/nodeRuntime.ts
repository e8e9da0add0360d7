import { availableParallelism } from 'node:os';
import { createRuntime, type OrtModule, type Runtime } from '../../src/compute/index.ts';
import { unwrap } from '../../src/core/result.ts';

/**
 * The product's runtime on WebAssembly in Node: what a tab runs, without a browser between, so that another bench can use what was
 * trained. The package's main entry is the one whose threads start in Node; the product's fetches its own file for them.
 */
export const createNodeRuntime = async (): Promise<Runtime> =>
  unwrap(
    await createRuntime(
      {
        loadOrt: (): Promise<OrtModule> => import('onnxruntime-web'),
        assets: undefined,
        sharedMemory: true,
        requestAdapter: undefined,
      },
      { kind: 'wasm', threads: Math.min(4, availableParallelism()) },
    ),
  );
