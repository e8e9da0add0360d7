import { describe, expect, it } from 'vitest';
import type { HostTensors } from '../compute/index.ts';
import { unwrap } from '../core/result.ts';
import { createBatches, createWindows, type Examples } from './batches.ts';

const fed = (lead: readonly number[]) =>
  [
    { name: 'input', dtype: 'float32', dims: [...lead, 2] },
    { name: 'training.labels', dtype: 'int32', dims: lead },
    { name: 'training.rate', dtype: 'float32', dims: [] },
  ] as const;

/** Example i is the pixels [i, 2i] of class i. */
const examples = (count: number): Examples => ({
  count,
  columns: [
    {
      name: 'input',
      dims: [2],
      data: Uint8Array.from({ length: 2 * count }, (_, at) => (at >> 1) * (1 + (at % 2))),
      scale: 0.5,
      offset: -1,
    },
    { name: 'training.labels', dims: [], data: Uint8Array.from({ length: count }, (_, at) => at) },
  ],
});

const labelsOf = (feeds: HostTensors): number[] => [...(feeds['training.labels']?.data ?? [])].map(Number);

describe('batches of examples', () => {
  it('bring every example once in each epoch, each time in another order', () => {
    const batches = unwrap(createBatches(fed([3]), examples(9), 1));
    expect(batches.perRun).toBe(3);
    const epochs = [0, 1].map(() => [0, 1, 2].flatMap(() => labelsOf(batches.next())));
    for (const epoch of epochs) expect(epoch.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(epochs[0]).not.toEqual(epochs[1]);
  });

  it('leave none out when a run reaches over the end of an epoch', () => {
    const batches = unwrap(createBatches(fed([3]), examples(4), 7));
    const drawn = Array.from({ length: 4 }, () => labelsOf(batches.next())).flat();
    for (const from of [0, 4, 8]) expect(drawn.slice(from, from + 4).toSorted()).toEqual([0, 1, 2, 3]);
  });

  it('keep the columns of an example together, scaled as it says', () => {
    const batches = unwrap(createBatches(fed([2, 2]), examples(8), 3));
    const feeds = batches.next();
    expect(feeds['input']).toMatchObject({ dtype: 'float32', dims: [2, 2, 2] });
    const labels = labelsOf(feeds);
    expect([...(feeds['input']?.data ?? [])]).toEqual(
      labels.flatMap((label) => [label * 0.5 - 1, label - 1]),
    );
  });

  it('are the same from the same seed', () => {
    const drawn = (seed: number) => {
      const batches = unwrap(createBatches(fed([3]), examples(20), seed));
      return [0, 1, 2].map(() => labelsOf(batches.next()));
    };
    expect(drawn(5)).toEqual(drawn(5));
    expect(drawn(5)).not.toEqual(drawn(6));
  });

  it.each<readonly [string, Examples, string]>([
    ['without a column', { count: 1, columns: [] }, "no 'input'"],
    [
      'of another shape',
      { count: 1, columns: [{ name: 'input', dims: [3], data: new Float32Array(3) }] },
      "an example's 'input' is [3], and the step takes [3,2]",
    ],
    [
      'with too few numbers',
      { count: 2, columns: [{ name: 'input', dims: [2], data: new Float32Array(3) }] },
      '2 examples need 4',
    ],
    [
      'with floats for classes',
      {
        count: 1,
        columns: [
          { name: 'input', dims: [2], data: new Float32Array(2) },
          { name: 'training.labels', dims: [], data: new Float32Array(1) },
        ],
      },
      "'training.labels' is int32",
    ],
  ])('are refused %s', (_what, wrong, words) => {
    expect(createBatches(fed([3]), wrong, 1)).toMatchObject({
      error: { message: expect.stringContaining(words) },
    });
  });
});

describe('windows of a text', () => {
  const step = [
    { name: 'input_ids', dtype: 'int32', dims: [4, 5] },
    { name: 'training.labels', dtype: 'int32', dims: [4, 5] },
    { name: 'training.rate', dtype: 'float32', dims: [] },
  ] as const;

  it('are followed by their labels, and come from everywhere', () => {
    const tokens = Uint16Array.from({ length: 12 }, (_, at) => at);
    const windows = unwrap(createWindows(step, tokens, 2));
    const starts = new Set<number>();
    for (let run = 0; run < 50; run++) {
      const feeds = windows.next();
      const ids = [...(feeds['input_ids']?.data ?? [])].map(Number);
      expect(labelsOf(feeds)).toEqual(ids.map((id) => id + 1));
      for (let row = 0; row < 4; row++) {
        const window = ids.slice(row * 5, row * 5 + 5);
        expect(window).toEqual(window.map((_, at) => (window[0] ?? 0) + at));
        starts.add(window[0] ?? -1);
      }
    }
    expect([...starts].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('need a text that is longer than a window', () => {
    expect(createWindows(step, new Uint8Array(5), 1)).toMatchObject({
      error: { message: '5 tokens: a window takes 6' },
    });
  });
});
