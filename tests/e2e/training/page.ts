/** A page that opens training graphs on WebGPU, and takes steps with them: see training.spec.ts. */
import { createRuntime, loadOrt, runtimeAssets } from '../../../src/compute/index.ts';
import { unwrap } from '../../../src/core/result.ts';
import { trainings } from '../../../src/onnx/testFamilies.ts';
import { createTrainStep } from '../../../src/training/index.ts';
import { type TwoSteps, takeTwoSteps } from './twoSteps.ts';

declare global {
  interface Window {
    /** Undefined, or why not. */
    openOnGpu(training: string): Promise<string | undefined>;
    stepOnGpu(training: string): Promise<TwoSteps>;
  }
}

const gpu = navigator.gpu;
const opened = createRuntime(
  {
    loadOrt,
    assets: runtimeAssets,
    sharedMemory: crossOriginIsolated,
    requestAdapter: gpu && (() => gpu.requestAdapter()),
  },
  { kind: 'webgpu', threads: 1 },
);

const trainingOf = (name: string) => {
  const training = trainings.find((one) => one.name === name);
  if (!training) throw new Error(`no training ${name}`);
  return training.build();
};

window.openOnGpu = async (name) => {
  const step = await createTrainStep(unwrap(await opened), trainingOf(name));
  if (!step.ok) return step.error.message;
  await step.value.release();
  return undefined;
};
window.stepOnGpu = async (name) => takeTwoSteps(unwrap(await opened), trainingOf(name));
