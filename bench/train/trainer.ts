/** What a framework under test offers, in a worker of its own. */
import type { TaskName } from './tasks.ts';

export type Framework = 'ours' | 'jax' | 'tfjs';

export type Run = {
  /** Of each step, before its update. */
  readonly losses: readonly number[];
  /** Of all steps together, data and losses read included. */
  readonly ms: number;
};

export interface Trainer {
  /** Once, before anything else. `variant` is one of `variantsOf`. */
  prepare(task: TaskName, variant: string): Promise<void>;
  /** Goes on where it stopped: step i works on batch i modulo their number. `count`: a multiple of the task's `unroll`. */
  steps(count: number): Promise<Run>;
}

/** The trainer of ours, which can be fed from a data set as well. */
export interface FedTrainer extends Trainer {
  /** On one and the same batch. */
  bareSteps(count: number): Promise<Run>;
  /** On batches that are gathered and scaled, out of 30,000 shuffled images. */
  fedSteps(count: number): Promise<Run>;
}

/**
 * The ways to run a framework: threads, and for jax-js `blocking`, on one thread, which waits for each step, or `awaited`, on
 * its threads. Which is the fastest depends on the model; every framework gets its best.
 */
export const variantsOf = (framework: Framework, cores: number): readonly string[] => {
  if (framework === 'jax') return ['blocking', 'awaited'];
  return cores === 1 ? ['1'] : ['1', `${cores}`];
};

/** The way that the framework's own guide and examples take, where it isn't a question of threads. */
export const documentedVariant: Readonly<Partial<Record<Framework, string>>> = { jax: 'awaited' };

export const timed = async (run: () => Promise<readonly number[]>): Promise<Run> => {
  const start = performance.now();
  const losses = await run();
  return { losses, ms: performance.now() - start };
};
