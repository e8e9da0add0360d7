/**
 * Training steps of ours beside those of jax-js and TensorFlow.js, on the processor, in one Chromium and by turns: the same
 * models, weights and batches, and the same losses before anything is timed. Then an epoch that is fed from a data set.
 */
import type { BenchOptions, BenchResult, BenchRow } from '../suite.ts';
import { compete } from './contest.ts';
import { measureFeeding } from './epoch.ts';
import { taskNames } from './tasks.ts';
import { documentedVariant } from './trainer.ts';
import { openWorkers } from './workers.ts';

export const floors = {
  // Against jax-js as it is documented, waiting for each step. Its synchronous mode does the MLP on one thread without messages, at
  // the speed of its matrix products: there nobody is twice as fast.
  mlp_b50_speedup_over_jax_awaited: 2,
  cnn_b10_speedup_over_jax: 20,
  cnn_b50_speedup_over_jax: 20,
  lora_gpt_speedup_over_jax: 2,
  feeding_ratio: 0.9,
};

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const workers = await openWorkers();
  try {
    const models: BenchRow[] = [];
    const speedups: Record<string, number | null> = {};
    let threads = '1';
    for (const name of taskNames) {
      const standing = await compete(workers, name, say);
      const [ours, jax, tfjs] = (['ours', 'jax', 'tfjs'] as const).map((which) =>
        standing.find(({ framework }) => framework === which),
      );
      if (!ours) throw new Error(`${name}: ours has no time`);
      const documented = standing.find(
        ({ framework, variant }) => framework === 'jax' && variant === documentedVariant.jax,
      );
      models.push({
        name,
        ours_ms: round3(ours.ms),
        jax_ms: jax ? round3(jax.ms) : null,
        tfjs_ms: tfjs ? round3(tfjs.ms) : null,
        ours_threads: Number(ours.variant),
        jax_awaited_ms: documented ? round3(documented.ms) : null,
      });
      speedups[`${name}_speedup_over_jax`] = jax ? round3(jax.ms / ours.ms) : null;
      speedups[`${name}_speedup_over_jax_awaited`] = documented ? round3(documented.ms / ours.ms) : null;
      if (name === 'cnn_b50') threads = ours.variant;
    }
    const { feeding_ratio, epoch_step_ms } = await measureFeeding(workers, threads, say);
    return {
      models,
      ...speedups,
      feeding_ratio: round3(feeding_ratio),
      epoch_step_ms: round3(epoch_step_ms),
    };
  } finally {
    await workers.close();
  }
};

const round3 = (value: number) => Math.round(value * 1_000) / 1_000;
