import { beforeAll, describe, expect, it } from 'vitest';
import { createRuntime, type HostTensors, loadOrt, type Runtime } from '../compute/index.ts';
import { err, fault, ok, unwrap } from '../core/result.ts';
import { buildMlp } from '../onnx/build/mlp.ts';
import { buildTrainingModel, withWeights } from '../onnx/index.ts';
import { createBatches, type Examples } from './batches.ts';
import { createEvaluator } from './evaluate.ts';
import { constantRate, cosineRate } from './schedule.ts';
import { type TrainOptions, train } from './train.ts';
import { createTrainStep, type TrainStep } from './trainStep.ts';

/** A step that tells what it was fed, and answers as it is told to. */
const createStep = (losses: readonly number[] = [], steps = 2) => {
  const record = { rates: [] as number[], runs: 0 };
  const step: TrainStep = {
    fed: [{ name: 'training.rate', dtype: 'float32', dims: [steps] }],
    steps,
    async run(batch: HostTensors) {
      record.rates.push(...[...(batch['training.rate']?.data ?? [])].map(Number));
      const first = record.runs++ * steps;
      if (losses[first] === -1) return err(fault('failed', 'the runtime is gone'));
      return ok(Float32Array.from({ length: steps }, (_, at) => losses[first + at] ?? 1));
    },
    weights: async () => ok(new Map()),
    snapshot: async () => ok(new Map()),
    restore: async () => ok(undefined),
    release: async () => {},
  };
  return { step, record };
};
const options: TrainOptions = {
  batches: { perRun: 1, next: () => ({}) },
  schedule: (update) => update,
  updates: 5,
};

describe('training', () => {
  it('gives each update its rate, in whole runs', async () => {
    const { step, record } = createStep();
    const done: number[] = [];
    const losses = unwrap(
      await train(step, { ...options, from: 10, onRun: (progress) => void done.push(progress.done) }),
    );
    expect(record.rates).toEqual([10, 11, 12, 13, 14, 15]);
    expect(done).toEqual([2, 4, 6]);
    expect(losses).toHaveLength(6);
  });

  it('stops when it is asked to, after a whole run', async () => {
    const { step, record } = createStep();
    const abort = new AbortController();
    const stopped = await train(step, {
      ...options,
      signal: abort.signal,
      onRun: ({ done }) => {
        if (done === 4) abort.abort();
      },
    });
    expect(stopped).toMatchObject({ error: { code: 'cancelled', message: 'stopped after 4 of 5 updates' } });
    expect(record.runs).toBe(2);
  });

  it('says at which update the loss was no number any more', async () => {
    const stopped = await train(createStep([1, 1, 1, Number.NaN]).step, options);
    expect(stopped).toMatchObject({ error: { code: 'diverged', message: /NaN at update 4/ } });
  });

  it('passes on what the runtime says', async () => {
    expect(await train(createStep([1, 1, -1]).step, options)).toMatchObject({
      error: { message: 'the runtime is gone' },
    });
  });
});

describe('a schedule', () => {
  it('rises in a line, falls along a cosine, and stays at its least', () => {
    const rate = cosineRate({ peak: 1, warmup: 4, total: 12, least: 0.1 });
    expect([0, 1, 3].map(rate)).toEqual([0.25, 0.5, 1]);
    expect(rate(4)).toBe(1);
    expect(rate(8)).toBeCloseTo(0.55);
    expect([rate(12), rate(100)]).toEqual([0.1, 0.1]);
    expect(constantRate(0.3)(7)).toBe(0.3);
  });
});

describe('a model that was trained', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = unwrap(
      await createRuntime(
        { loadOrt, assets: undefined, sharedMemory: false, requestAdapter: undefined },
        { kind: 'wasm', threads: 1 },
      ),
    );
  });

  it('tells apart what it had not seen, and its evaluation says how well', async () => {
    const model = unwrap(
      buildMlp(
        { family: 'mlp', inputs: 2, hidden: [16], outputs: 2, activation: 'tanh' },
        { kind: 'seed', seed: 1 },
      ),
    );
    // Inside or outside a circle.
    const pointsOf = (count: number, from: number) => {
      const points = Float32Array.from({ length: 2 * count }, (_, at) =>
        Math.sin((at + from) * (at % 2 === 0 ? 12.9898 : 78.233)),
      );
      const labels = Int32Array.from({ length: count }, (_, at) =>
        Math.hypot(points[2 * at] ?? 0, points[2 * at + 1] ?? 0) < 0.8 ? 1 : 0,
      );
      const examples: Examples = {
        count,
        columns: [
          { name: 'input', dims: [2], data: points },
          { name: 'training.labels', dims: [], data: labels },
        ],
      };
      return { examples, points, labels };
    };
    const training = unwrap(
      buildTrainingModel(model, {
        sizes: { batch: 32 },
        loss: { kind: 'softmax-cross-entropy', logits: 'logits' },
        optimizer: { kind: 'adamw' },
        steps: 10,
      }),
    );
    const step = unwrap(await createTrainStep(runtime, training));
    const batches = unwrap(createBatches(step.fed, pointsOf(400, 0).examples, 1));
    unwrap(await train(step, { batches, schedule: constantRate(0.02), updates: 400 }));
    const trained = unwrap(withWeights(model, unwrap(await step.weights())));
    const unseen = pointsOf(100, 1_000);
    const evaluate = async (subject: typeof model) => {
      const evaluator = unwrap(
        await createEvaluator(runtime, subject, { logits: 'logits', sizes: { batch: 64 } }),
      );
      // A hundred points in two batches of 64: what is over counts for nothing.
      for (const from of [0, 64]) {
        const data = new Float32Array(128);
        data.set(unseen.points.subarray(from * 2, (from + 64) * 2));
        const labels = new Int32Array(64).fill(-1);
        labels.set(unseen.labels.subarray(from, from + 64));
        unwrap(await evaluator.add({ input: { dtype: 'float32', dims: [64, 2], data } }, labels));
      }
      await evaluator.release();
      return evaluator.result();
    };
    const [before, after] = [await evaluate(model), await evaluate(trained)];
    expect(after.count).toBe(100);
    expect(before.accuracy).toBeLessThan(0.8);
    expect(after.accuracy).toBeGreaterThan(0.85);
    expect(after.loss).toBeLessThan(before.loss / 2);
    await step.release();
  });

  it('is not evaluated with labels that it has no class for', async () => {
    const model = unwrap(
      buildMlp(
        { family: 'mlp', inputs: 2, hidden: [], outputs: 2, activation: 'relu' },
        { kind: 'seed', seed: 1 },
      ),
    );
    const evaluator = unwrap(
      await createEvaluator(runtime, model, { logits: 'logits', sizes: { batch: 1 } }),
    );
    const input = { dtype: 'float32', dims: [1, 2], data: new Float32Array(2) } as const;
    expect(await evaluator.add({ input }, Int32Array.of(2))).toMatchObject({
      error: { message: 'the label 2 is none of 2 classes' },
    });
    expect(await evaluator.add({ input }, Int32Array.of(0, 1))).toMatchObject({ ok: false });
  });
});
