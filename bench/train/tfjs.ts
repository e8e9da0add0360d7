/** Training steps of TensorFlow.js on its WebAssembly backend, with SIMD and threads; batches already in its memory. */
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
// Without it no operator has a gradient: the package leaves that to the bundle of all its parts.
import '@tensorflow/tfjs-core/dist/register_all_gradients.js';
import { type Task, taskOf, weightsOf } from './tasks.ts';
import { type TfLoss, type TfParameters, tfLossOf, toTfLayout } from './tfjsModels.ts';
import { type Trainer, timed } from './trainer.ts';

// The bundler emits these under hashed names.
const binaries = {
  'tfjs-backend-wasm.wasm': new URL(
    '../../node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm.wasm',
    import.meta.url,
  ).href,
  'tfjs-backend-wasm-simd.wasm': new URL(
    '../../node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-simd.wasm',
    import.meta.url,
  ).href,
  'tfjs-backend-wasm-threaded-simd.wasm': new URL(
    '../../node_modules/@tensorflow/tfjs-backend-wasm/wasm-out/tfjs-backend-wasm-threaded-simd.wasm',
    import.meta.url,
  ).href,
};

export const createTfjs = (): Trainer => {
  let prepared: { readonly run: (count: number) => readonly number[] } | undefined;
  return {
    async prepare(name, variant) {
      const threads = Number(variant);
      setWasmPaths(binaries);
      // Without: also no second thread that waits for work.
      if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
      else setThreadsCount(threads);
      if (!(await tf.setBackend('wasm'))) throw new Error('its wasm backend could not be started');
      await tf.ready();
      prepared = prepare(taskOf(name), tfLossOf[name]);
    },
    async steps(count) {
      if (!prepared) throw new Error('prepare comes first');
      const { run } = prepared;
      return timed(async () => run(count));
    },
  };
};

const prepare = (task: Task, loss: TfLoss) => {
  const { parameters, trained } = parametersOf(task);
  const batches = task.batches.map(({ input, labels }): readonly [tf.Tensor, tf.Tensor] => [
    tf.tensor(input, [...task.inputDims], task.input.dtype === 'int32' ? 'int32' : 'float32'),
    tf.tensor(labels, [...task.labelDims], 'int32'),
  ]);
  const optimizer = tf.train.sgd(task.rate);
  let done = 0;
  const step = (): number => {
    const [input, labels] = batches[done++ % batches.length] ?? [];
    if (!input || !labels) throw new Error('a task has batches');
    const value = optimizer.minimize(() => loss(parameters, input, labels), true, trained);
    const [number = Number.NaN] = value?.dataSync() ?? [];
    value?.dispose();
    return number;
  };
  return { run: (count: number) => Array.from({ length: count }, step) };
};

const parametersOf = (task: Task) => {
  const trainable = new Set(task.trainable);
  const parameters: TfParameters = new Map();
  const trained: tf.Variable[] = [];
  for (const [name, { dims, data }] of weightsOf(task)) {
    const tensor = toTfLayout(name, tf.tensor(data, [...dims]));
    const variable = trainable.has(name) ? tf.variable(tensor) : undefined;
    if (variable) trained.push(variable);
    parameters.set(name, variable ?? tensor);
  }
  return { parameters, trained };
};
