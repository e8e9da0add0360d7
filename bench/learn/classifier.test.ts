import { describe, expect, it } from 'vitest';
import { createRuntime, loadOrt } from '../../src/compute/index.ts';
import { unwrap } from '../../src/core/result.ts';
import { learnFashion } from './classifier.ts';
import { readCommittedFashion } from './fashion.ts';

describe('what is committed of Fashion-MNIST', () => {
  const fashion = readCommittedFashion();

  it('has as many pictures of each class', () => {
    for (const [part, each] of [
      [fashion.train, 200],
      [fashion.test, 50],
    ] as const) {
      const counts = Array.from(
        { length: 10 },
        (_, label) => part.labels.filter((one) => one === label).length,
      );
      expect(counts).toEqual(Array.from({ length: 10 }, () => each));
      expect(part.pixels).toHaveLength(part.count * 28 * 28);
    }
  });

  it('teaches a small network to tell clothes apart that it has not seen', async () => {
    const runtime = unwrap(
      await createRuntime(
        { loadOrt, assets: undefined, sharedMemory: false, requestAdapter: undefined },
        { kind: 'wasm', threads: 1 },
      ),
    );
    const spec = {
      family: 'fedavg-cnn',
      image: 28,
      channels: 1,
      convolutions: [4, 8],
      hidden: 32,
      classes: 10,
    } as const;
    const recipe = { spec, batch: 20, peak: 5e-3, warmup: 5, seed: 1 };
    const losses: number[] = [];
    const { accuracy, count } = await learnFashion(runtime, fashion, { ...recipe, updates: 40 }, (progress) =>
      losses.push(...progress.losses),
    );
    await runtime.release();
    expect(count).toBe(500);
    expect(losses[0]).toBeGreaterThan(2);
    // By chance it is 0.1.
    expect(accuracy).toBeGreaterThan(0.55);
  }, 60_000);
});
