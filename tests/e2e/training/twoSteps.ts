import type { HostTensor, HostTensors, Runtime } from '../../../src/compute/index.ts';
import { unwrap } from '../../../src/core/result.ts';
import type { TrainingModel } from '../../../src/onnx/index.ts';
import { batchFor } from '../../../src/onnx/testFamilies.ts';
import { createTrainStep } from '../../../src/training/index.ts';

/** After two steps, so that what one left behind went into the other. */
export type TwoSteps = {
  readonly losses: readonly number[];
  readonly state: Readonly<Record<string, readonly number[]>>;
};

/** The same numbers wherever it runs; what differs is the runtime's arithmetic. */
export const takeTwoSteps = async (runtime: Runtime, training: TrainingModel): Promise<TwoSteps> => {
  const step = unwrap(await createTrainStep(runtime, training));
  const batch = toBatch(training);
  const losses = [...unwrap(await step.run(batch)), ...unwrap(await step.run(batch))];
  const state = unwrap(await step.snapshot());
  await step.release();
  return {
    losses,
    state: Object.fromEntries([...state].map(([name, values]) => [name, [...values]])),
  };
};

const toBatch = ({ fed }: TrainingModel): HostTensors => {
  const numbers = batchFor(fed);
  return Object.fromEntries(
    fed.map(({ name, dtype, dims }): [string, HostTensor] => {
      const values = numbers.get(name) ?? [];
      if (dtype === 'int64') return [name, { dtype, dims, data: BigInt64Array.from(values, BigInt) }];
      return dtype === 'int32'
        ? [name, { dtype, dims, data: Int32Array.from(values) }]
        : [name, { dtype: 'float32', dims, data: Float32Array.from(values) }];
    }),
  );
};
