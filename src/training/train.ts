import type { HostTensor } from '../compute/index.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import type { Batches } from './batches.ts';
import type { Schedule } from './schedule.ts';
import type { TrainingFault, TrainStep } from './trainStep.ts';

export type TrainOptions = {
  readonly batches: Batches;
  readonly schedule: Schedule;
  /** How many updates in all, rounded up to whole runs. */
  readonly updates: number;
  /** Of the first, when training goes on: where the schedule is. 0 if it isn't given. */
  readonly from?: number;
  readonly signal?: AbortSignal | undefined;
  /** After each run. What it waits for, training waits for: a turn of the event loop, a snapshot on disk. */
  readonly onRun?: ((progress: Progress) => void | Promise<void>) | undefined;
};

export type Progress = {
  /** Updates done. */
  readonly done: number;
  /** Of this run, one for each update. */
  readonly losses: Float32Array;
};

export type TrainFault = TrainingFault | Fault<'cancelled' | 'diverged'>;

/**
 * Updates until they are done, one run after the other. Knows when to stop: at the end, when asked to, and when the loss is no
 * number any more. The weights stay in the step; after a `diverged` they are useless, after all else they are those of the
 * last whole run.
 */
export const train = async (
  step: TrainStep,
  options: TrainOptions,
): Promise<Result<Float32Array, TrainFault>> => {
  const { batches, schedule, from = 0, signal } = options;
  const runs = Math.ceil(options.updates / step.steps);
  const losses = new Float32Array(runs * step.steps);
  for (let run = 0; run < runs; run++) {
    const first = run * step.steps;
    if (signal?.aborted)
      return err(fault('cancelled', `stopped after ${first} of ${options.updates} updates`));
    const ran = await step.run({ ...batches.next(), 'training.rate': rateOf(step, schedule, from + first) });
    if (!ran.ok) return ran;
    losses.set(ran.value, first);
    const lost = ran.value.findIndex((loss) => !Number.isFinite(loss));
    if (lost >= 0)
      return err(
        fault(
          'diverged',
          `the loss is ${ran.value[lost]} at update ${from + first + lost + 1}: a smaller step size or clipping may help`,
        ),
      );
    await options.onRun?.({ done: first + step.steps, losses: ran.value });
  }
  return ok(losses);
};

const rateOf = (step: TrainStep, schedule: Schedule, update: number): HostTensor => {
  const dims = step.fed.find(({ name }) => name === 'training.rate')?.dims ?? [];
  const data = Float32Array.from({ length: step.steps }, (_, at) => schedule(update + at));
  return { dtype: 'float32', dims, data };
};
