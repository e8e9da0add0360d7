/**
 * Training steps of jax-js on its WebAssembly backend, as its own examples do them: loss, gradients and update compiled
 * together, batches already in its memory. Every use of an array but the last is a `ref`.
 */
import { blockUntilReady, defaultDevice, init, jit, numpy as np, valueAndGrad } from '@jax-js/jax';
import { type JaxArray, type JaxParameters, jaxLossOf } from './jaxModels.ts';
import { type Task, taskOf, weightsOf } from './tasks.ts';
import { type Trainer, timed } from './trainer.ts';

export const createJax = (): Trainer => {
  let prepared: Awaited<ReturnType<typeof prepare>> | undefined;
  return {
    async prepare(name, variant) {
      const loss = jaxLossOf[name];
      prepared = await prepare(taskOf(name), loss, variant);
    },
    steps(count) {
      if (!prepared) throw new Error('prepare comes first');
      const { run } = prepared;
      return timed(() => run(count));
    },
  };
};

type Loss = (typeof jaxLossOf)[keyof typeof jaxLossOf];

const prepare = async (task: Task, loss: Loss, variant: string) => {
  await init('wasm');
  defaultDevice('wasm');
  const { trained, frozen } = await parametersOf(task);
  const batches = await batchesOf(task);
  const update = updateOf(loss, task.rate);
  let now = trained;
  let done = 0;
  const next = (): JaxArray => {
    const [input, labels] = batches[done++ % batches.length] ?? [];
    if (!input || !labels) throw new Error('a task has batches');
    const [value, updated] = update(now, refsOf(frozen), input.ref, labels.ref);
    now = updated;
    return value;
  };
  return { run: (count: number) => read(variant, count, next, () => now) };
};

/** The whole step. Doesn't keep the old weights. */
const updateOf = (loss: Loss, rate: number) =>
  jit(
    (
      trained: JaxParameters,
      frozen: JaxParameters,
      input: JaxArray,
      labels: JaxArray,
    ): [JaxArray, JaxParameters] => {
      const [value, gradients] = valueAndGrad(loss)(refsOf(trained), frozen, input, labels);
      const updated = Object.entries(trained).map(([name, weight]) => {
        const gradient = gradients[name];
        if (!gradient) throw new Error(`no gradient of ${name}`);
        return [name, weight.sub(gradient.mul(rate))] as const;
      });
      return [value, Object.fromEntries(updated)];
    },
  );

const read = async (
  variant: string,
  count: number,
  next: () => JaxArray,
  weights: () => JaxParameters,
): Promise<readonly number[]> => {
  const losses: number[] = [];
  for (let step = 0; step < count; step++) {
    const loss = next();
    if (variant === 'awaited') await blockUntilReady(weights());
    const [value = Number.NaN] = variant === 'awaited' ? await loss.data() : loss.dataSync();
    losses.push(value);
  }
  if (variant === 'blocking') for (const weight of Object.values(weights())) weight.ref.dataSync();
  return losses;
};

const refsOf = (parameters: JaxParameters): JaxParameters =>
  Object.fromEntries(Object.entries(parameters).map(([name, array]) => [name, array.ref]));

const parametersOf = async (task: Task) => {
  const trainable = new Set(task.trainable);
  const trained: JaxParameters = {};
  const frozen: JaxParameters = {};
  for (const [name, { dims, data }] of weightsOf(task))
    (trainable.has(name) ? trained : frozen)[name] = np.array(Float32Array.from(data), { shape: [...dims] });
  await blockUntilReady([trained, frozen]);
  return { trained, frozen };
};

const batchesOf = async ({ batches, inputDims, labelDims, input: { dtype } }: Task) => {
  const arrays = batches.map(({ input, labels }): [JaxArray, JaxArray] => [
    dtype === 'int32'
      ? np.array(Int32Array.from(input), { shape: [...inputDims], dtype: np.int32 })
      : np.array(Float32Array.from(input), { shape: [...inputDims] }),
    np.array(Int32Array.from(labels), { shape: [...labelDims], dtype: np.int32 }),
  ]);
  await blockUntilReady(arrays);
  return arrays;
};
