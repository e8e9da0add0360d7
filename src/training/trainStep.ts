import type { HostTensor, HostTensors, Runtime, RuntimeError, StatefulSession } from '../compute/index.ts';
import { err, fault, ok, type Result } from '../core/result.ts';
import { bytesOf, encodeModel, joinChunks, type OnnxFault, type TrainingModel } from '../onnx/index.ts';

export type TrainingFault = RuntimeError | OnnxFault;

/**
 * A training step, made ready on this device. Knows how weights and optimiser get from step to step (IO binding on WebGPU, copies
 * on WebAssembly; see `StatefulSession`); doesn't know where batches come from, nor when training is over.
 */
export interface TrainStep {
  /** What a run takes besides the weights, with dims; `training.rate` among it. */
  readonly fed: TrainingModel['fed'];
  /** How many steps a run does: each has a batch of its own, and a rate. */
  readonly steps: number;
  /** One run. The loss of each step before its update. After a failure, weights and optimiser are what they were. */
  run(batch: HostTensors): Promise<Result<Float32Array, TrainingFault>>;
  /** The weights by name: copies. */
  weights(): Promise<Result<ReadonlyMap<string, Float32Array>, TrainingFault>>;
  /** Weights, what the optimiser remembers, and its count of steps: all that `restore` needs to go on exactly so. */
  snapshot(): Promise<Result<ReadonlyMap<string, Float32Array>, TrainingFault>>;
  /** Of a snapshot, or only of weights: what isn't named stays as it is. */
  restore(state: ReadonlyMap<string, Float32Array>): Promise<Result<void, TrainingFault>>;
  release(): Promise<void>;
}

export const createTrainStep = async (
  runtime: Pick<Runtime, 'createStatefulSession'>,
  training: TrainingModel,
): Promise<Result<TrainStep, TrainingFault>> => {
  const encoded = encodeModel(training.model);
  if (!encoded.ok) return encoded;
  const state = [];
  for (const { input, output, dims, initial } of training.carried) {
    const values = initial === undefined ? ok(undefined) : bytesOf(initial);
    if (!values.ok) return values;
    state.push({ input, output, dims, initial: values.value && toFloats(values.value) });
  }
  const opened = await runtime.createStatefulSession(joinChunks(encoded.value), {
    outputs: training.model.graph.outputs.map(({ name }) => name),
    state,
  });
  return opened.ok ? ok(stepOf(opened.value, training)) : opened;
};

const stepOf = (session: StatefulSession, { fed, carried, loss }: TrainingModel): TrainStep => {
  const weightNames = new Set(carried.flatMap(({ input, role }) => (role === 'weight' ? [input] : [])));
  const rate = fed.find(({ name }) => name === 'training.rate');
  return {
    fed,
    steps: rate?.dims[0] ?? 1,
    async run(batch) {
      const misfit = whyNot(batch, fed);
      if (misfit) return err(fault('failed', misfit));
      const outputs = await session.run(batch);
      if (!outputs.ok) return outputs;
      const losses = outputs.value[loss];
      return losses?.dtype === 'float32'
        ? ok(losses.data)
        : err(fault('failed', `the runtime gave no loss '${loss}'`));
    },
    async weights() {
      const all = await session.read();
      return all.ok ? ok(new Map([...all.value].filter(([name]) => weightNames.has(name)))) : all;
    },
    snapshot: () => session.read(),
    restore: (state) => session.write(state),
    release: () => session.release(),
  };
};

/** The runtime's own words for a wrong batch name no limit, and on WebGPU may come after the GPU has worked on it. */
const whyNot = (batch: HostTensors, fed: TrainingModel['fed']): string | undefined => {
  for (const { name, dtype, dims } of fed) {
    const given: HostTensor | undefined = batch[name];
    if (!given) return `the batch has no '${name}': ${dtype}[${dims}]`;
    if (given.dtype !== dtype || given.dims.join() !== dims.join())
      return `'${name}' is ${given.dtype}[${given.dims}], and ${dtype}[${dims}] is needed`;
  }
  const stranger = Object.keys(batch).find((name) => !fed.some((one) => one.name === name));
  return stranger === undefined ? undefined : `the step takes no '${stranger}'`;
};

const toFloats = (bytes: Uint8Array): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);
