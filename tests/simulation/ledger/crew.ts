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
 * Batches of a range of seeds, no thread waiting for another; `done` hears of a batch once all before it are through. Stops
 * before the end of the range when it is `enough`.
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
  let first = range.first;
  let told: Promise<void> = Promise.resolve();
  const work = async (): Promise<void> => {
    while (first < end && !range.enough?.()) {
      const from = first;
      first = Math.min(end, from + range.batch);
      const seeds = Array.from({ length: first - from }, (_, index) => from + index);
      const result = crew.run({ seeds, stopAtFirst: false });
      told = told.then(async () => done(await result));
      await result;
    }
  };
  try {
    await Promise.all(Array.from({ length: crew.size }, work));
  } finally {
    await told;
  }
};
