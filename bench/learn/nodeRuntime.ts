import { availableParallelism, loadavg } from 'node:os';
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
        crossOriginIsolated: true,
        requestAdapter: undefined,
      },
      { kind: 'wasm', threads: idleCores() },
    ),
  );

/** Threads that share a core wait for each other with all their might: no more of them than cores that are free. */
const idleCores = (): number => {
  const [load = 0] = loadavg();
  return Math.max(1, Math.min(4, Math.round(availableParallelism() - load)));
};
