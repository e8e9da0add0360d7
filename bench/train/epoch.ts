/** Training on a data set beside training on one batch that is always the same: what does feeding cost? */
import { median } from '../suite.ts';
import type { Say, Workers } from './contest.ts';

/** Together an epoch of 30,000 examples in batches of 50. */
const chunks = 10;
const chunkSteps = { fed: 60, bare: 30 };
const warmUpSteps = 20;

/** The time of a step that is fed with the same batch, as a part of the time of one that is fed with data. */
export const measureFeeding = async (workers: Workers, threads: string, say: Say) => {
  const trainer = await workers.open('ours');
  try {
    await trainer.prepare('cnn_b50', threads);
    await trainer.fedSteps(warmUpSteps);
    await trainer.bareSteps(warmUpSteps);
    const times = { bare: [] as number[], fed: [] as number[] };
    for (let chunk = 0; chunk < chunks; chunk++) {
      const order = chunk % 2 === 0 ? (['bare', 'fed'] as const) : (['fed', 'bare'] as const);
      for (const way of order) {
        const { ms, losses } = await trainer[`${way}Steps`](chunkSteps[way]);
        if (!losses.every(Number.isFinite)) throw new Error(`the loss of ${way} steps is no number`);
        times[way].push(ms / chunkSteps[way]);
      }
    }
    const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
    say(`an epoch: ${Math.round((sum(times.fed) * chunkSteps.fed) / 1e3)} s fed`);
    // The ratios of neighbours: whatever else the machine does changes both.
    const ratios = times.bare.map((bare, chunk) => bare / (times.fed[chunk] ?? Number.NaN));
    return { feeding_ratio: median(ratios), epoch_step_ms: median(times.fed) };
  } finally {
    await trainer.close();
  }
};
