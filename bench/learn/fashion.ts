import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Examples } from '../../src/training/index.ts';

/** Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): pictures of clothes, 28×28 in grey, of ten classes. */
export type Fashion = {
  /** All of it, or what is committed. */
  readonly extent: 'all' | 'part';
  readonly train: LabelledImages;
  readonly test: LabelledImages;
};

export type LabelledImages = {
  readonly count: number;
  readonly pixels: Uint8Array;
  readonly labels: Uint8Array;
};

/** Debian's dataset-fashion-mnist: 60,000 and 10,000 pictures. */
export const debianFolder = '/usr/share/datasets/fashion-mnist';
/** 2,000 and 500 of them; see data/README.md. */
export const committedFolder = fileURLToPath(new URL('./data', import.meta.url));

export type Part = 'train' | 't10k';
export const partFiles: Readonly<Record<Part, readonly [images: string, labels: string]>> = {
  train: ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz'],
  t10k: ['t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz'],
};

/** All of it where Debian's package is installed, else what is committed. */
export const readFashion = (): Fashion =>
  existsSync(join(debianFolder, partFiles.train[0]))
    ? { extent: 'all', ...readFolder(debianFolder) }
    : readCommittedFashion();

export const readCommittedFashion = (): Fashion => ({
  extent: 'part',
  ...readFolder(committedFolder),
});

/** As a step of the FedAvg CNN is fed: pixels with mean 0 and deviation 1 over the training set. */
export const examplesOf = ({ count, pixels, labels }: LabelledImages): Examples => ({
  count,
  columns: [
    { name: 'input', dims: [1, 28, 28], data: pixels, ...pixelScale },
    { name: 'training.labels', dims: [], data: labels },
  ],
});

export const pixelScale = { scale: 1 / 255 / 0.353, offset: -0.286 / 0.353 } as const;

const readFolder = (folder: string) => ({
  train: readPart(folder, 'train'),
  test: readPart(folder, 't10k'),
});

const readPart = (folder: string, part: Part): LabelledImages => {
  const [imageFile, labelFile] = partFiles[part];
  const images = readIdx(join(folder, imageFile));
  const labels = readIdx(join(folder, labelFile));
  const [count = 0] = labels.dims;
  if (images.dims.join() !== `${count},28,28`)
    throw new Error(`${imageFile} is [${images.dims}], and there are ${count} labels`);
  return { count, pixels: images.data, labels: labels.data };
};

type Idx = { readonly dims: readonly number[]; readonly data: Uint8Array };

/** LeCun's format for MNIST: two zeros, the type (8: bytes), how many dims, the dims as big-endian words, the numbers. */
export const readIdx = (file: string): Idx => {
  const bytes = gunzipSync(readFileSync(file));
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0 || bytes[2] !== 8)
    throw new Error(`${file} is no IDX file of bytes`);
  const rank = bytes[3] ?? 0;
  const start = 4 + 4 * rank;
  if (bytes.length < start) throw new Error(`${file} ends in its head`);
  const dims = Array.from({ length: rank }, (_, at) => bytes.readUInt32BE(4 + 4 * at));
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (bytes.length !== start + size)
    throw new Error(`${file} has ${bytes.length - start} numbers for [${dims}]`);
  return { dims, data: new Uint8Array(bytes.subarray(start)) };
};

export const writeIdx = (file: string, { dims, data }: Idx): void => {
  const head = Buffer.alloc(4 + 4 * dims.length);
  head[2] = 8;
  head[3] = dims.length;
  for (const [at, dim] of dims.entries()) head.writeUInt32BE(dim, 4 + 4 * at);
  writeFileSync(file, gzipSync(Buffer.concat([head, data]), { level: 9 }));
};
