import { Worker } from 'node:worker_threads';
import { type Built, buildSimulation } from './build.ts';
import type { Mutant } from './mutants.ts';
import type { Batch, BatchResult } from './worker.ts';

/** Threads that run histories, each over the same build. */
export interface Crew {
  readonly size: number;
  run(batch: Batch): Promise<BatchResult>;
  close(): Promise<void>;
}

export const createCrew = async (size: number, mutant?: Mutant): Promise<Crew> => {
  const built: Built = await buildSimulation('worker.ts', mutant);
  const workers = Array.from(
    { length: size },
    () => new Worker(built.file, { resourceLimits: { maxYoungGenerationSizeMb: 64 } }),
  );
  const idle = [...workers];
  const waiting: ((worker: Worker) => void)[] = [];
  const take = (): Promise<Worker> => {
    const worker = idle.pop();
    return worker ? Promise.resolve(worker) : new Promise((resolve) => waiting.push(resolve));
  };
  const give = (worker: Worker) => {
    const next = waiting.shift();
    if (next) next(worker);
    else idle.push(worker);
  };
  return {
    size,
    async run(batch) {
      const worker = await take();
      try {
        return await answerOf(worker, batch);
      } finally {
        give(worker);
      }
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.terminate()));
      await built.remove();
    },
  };
};

const answerOf = (worker: Worker, batch: Batch): Promise<BatchResult> =>
  new Promise((resolve, reject) => {
    const answered = (result: BatchResult) => {
      worker.off('error', reject);
      resolve(result);
    };
    worker.once('message', answered);
    worker.once('error', reject);
    worker.postMessage(batch);
  });

/**
 * Batches of a range of seeds, all threads busy; `done` hears of each round once all before it is through. Stops before the end
 * of the range when it is `enough`.
 */
export const runRange = async (
  crew: Crew,
  range: {
    readonly first: number;
    readonly count: number;
    readonly batch: number;
    readonly enough?: () => boolean;
  },
  done: (result: BatchResult) => void | Promise<void>,
): Promise<void> => {
  const end = range.first + range.count;
  for (let first = range.first; first < end && !range.enough?.(); ) {
    const round: Promise<BatchResult>[] = [];
    for (let thread = 0; thread < crew.size && first < end; thread++) {
      const count = Math.min(range.batch, end - first);
      const from = first;
      const seeds = Array.from({ length: count }, (_, index) => from + index);
      round.push(crew.run({ seeds, stopAtFirst: false }));
      first += count;
    }
    for (const result of await Promise.all(round)) await done(result);
  }
};
