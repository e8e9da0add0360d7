/** A data set of images in memory, and batches out of it as a training step takes them. */
import type { HostTensors } from '../../src/compute/index.ts';
import { classes, pixels, wordsBelow } from './tasks.ts';

export type Examples = {
  /** A byte a pixel. */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
};

export const examplesOf = (count: number): Examples => ({
  images: Uint8Array.from(wordsBelow(256, count * pixels, 'examples')),
  labels: Uint8Array.from(wordsBelow(classes, count, 'labels of examples')),
});

/** Numbers of examples, shuffled (Fisher & Yates, as Durstenfeld 1964). */
export const shuffled = (count: number): Uint32Array => {
  const order = Uint32Array.from({ length: count }, (_, at) => at);
  const words = wordsBelow(2 ** 31, count, 'order');
  for (let at = count - 1; at > 0; at--) {
    const other = (words[at] ?? 0) % (at + 1);
    [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
  }
  return order;
};

/** The `index`-th batch of the order, pixels scaled to [−1, 1]; at the end it begins again. */
export const batchOf = (
  { images, labels }: Examples,
  order: Uint32Array,
  { index, size }: { readonly index: number; readonly size: number },
): HostTensors => {
  const input = new Float32Array(size * pixels);
  const classNumbers = new BigInt64Array(size);
  for (let row = 0; row < size; row++) {
    const example = order[(index * size + row) % order.length] ?? 0;
    const from = example * pixels;
    const to = row * pixels;
    for (let pixel = 0; pixel < pixels; pixel++) input[to + pixel] = (images[from + pixel] ?? 0) / 127.5 - 1;
    classNumbers[row] = BigInt(labels[example] ?? 0);
  }
  return {
    input: { dtype: 'float32', dims: [size, 1, 28, 28], data: input },
    'training.labels': { dtype: 'int64', dims: [size], data: classNumbers },
  };
};
