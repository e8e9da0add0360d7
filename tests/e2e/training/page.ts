/** A page that takes training steps on WebGPU: see training.spec.ts. */
import { createRuntime, loadOrt, runtimeAssets } from '../../../src/compute/index.ts';
import { unwrap } from '../../../src/core/result.ts';
import { families, trainingOf } from '../../../src/onnx/testFamilies.ts';
import { type TwoSteps, takeTwoSteps } from './twoSteps.ts';

declare global {
  interface Window {
    stepsOnGpu(family: string): Promise<TwoSteps>;
  }
}

const gpu = navigator.gpu;
const opened = createRuntime(
  {
    loadOrt,
    assets: runtimeAssets,
    crossOriginIsolated,
    requestAdapter: gpu && (() => gpu.requestAdapter()),
  },
  { kind: 'webgpu', threads: 1 },
);

window.stepsOnGpu = async (name) => {
  const family = families.find((one) => one.name === name);
  if (!family) throw new Error(`no family ${name}`);
  return takeTwoSteps(unwrap(await opened), trainingOf(family.build()));
};
