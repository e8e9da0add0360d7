/** Examples and texts out of files, as training takes them. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { readFloat32 } from '../../src/onnx/build/tensors.ts';
import { createStream, resolveTensor, type Tensor } from '../../src/onnx/index.ts';
import { typedViewOf } from '../../src/onnx/ir/tensor.ts';
import type { Column, Examples } from '../../src/training/index.ts';
import type { Inputs } from './files.ts';
import { Stop, taken } from './io.ts';

export type TrainData =
  /** Columns by the names of inputs, and `training.labels` or `training.target`; `images` for an input of any name. */
  | { readonly kind: 'examples'; readonly examples: Examples }
  /** A byte is a token. */
  | { readonly kind: 'text'; readonly tokens: Uint8Array };

/** `.txt`, `.safetensors`, or two IDX files with a comma between them: images and labels, also packed by gzip. */
export const readData = async (inputs: Inputs, data: string): Promise<TrainData> => {
  if (data.endsWith('.txt')) return { kind: 'text', tokens: await readWhole(inputs, data) };
  if (data.endsWith('.safetensors')) return { kind: 'examples', examples: await readColumns(inputs, data) };
  const [images, labels, more] = data.split(',');
  if (images && labels && more === undefined)
    return { kind: 'examples', examples: await readIdxPair(inputs, images, labels) };
  throw new Stop(
    `'${data}' is no data for training: a .safetensors, a .txt, or IDX files as IMAGES,LABELS are taken.`,
  );
};

/** A part of the examples, drawn by chance, and the rest; of a text its end. */
export const holdOut = (
  data: TrainData,
  share: number,
  seed: number,
): { readonly training: TrainData; readonly validation: TrainData | undefined } => {
  if (data.kind === 'text') {
    const kept = data.tokens.length - Math.floor(data.tokens.length * share);
    const part = (from: number, to?: number) =>
      ({ kind: 'text', tokens: data.tokens.subarray(from, to) }) as const;
    return { training: part(0, kept), validation: share > 0 ? part(kept) : undefined };
  }
  const { examples } = data;
  const count = Math.floor(examples.count * share);
  if (count === 0) return { training: data, validation: undefined };
  const order = shuffled(examples.count, seed);
  const part = (from: number, to?: number) =>
    ({ kind: 'examples', examples: chosen(examples, order.subarray(from, to)) }) as const;
  return { training: part(count), validation: part(0, count) };
};

const chosen = ({ columns }: Examples, rows: Uint32Array): Examples => ({
  count: rows.length,
  columns: columns.map((column) => {
    const size = column.dims.reduce((product, dim) => product * dim, 1);
    const data = column.data.slice(0, rows.length * size);
    rows.forEach((row, at) => {
      data.set(column.data.subarray(row * size, (row + 1) * size), at * size);
    });
    return { ...column, data };
  }),
});

/** Durstenfeld, 1964. */
const shuffled = (count: number, seed: number): Uint32Array => {
  const order = Uint32Array.from({ length: count }, (_, at) => at);
  const stream = createStream(seed, 'validation');
  for (let last = count - 1; last > 0; last--) {
    const word = stream(last >> 2)[last % 4] ?? 0;
    const other = Math.floor((word / 2 ** 32) * (last + 1));
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
};

const readColumns = async (inputs: Inputs, path: string): Promise<Examples> => {
  const { tensors } = await inputs.safetensors(path);
  const columns: Column[] = [];
  let count: number | undefined;
  for (const [name, tensor] of tensors) {
    const [rows, ...dims] = tensor.dims;
    if (rows === undefined) throw new Stop(`${path}: '${name}' has no axis of examples.`);
    count ??= rows;
    if (rows !== count)
      throw new Stop(`${path}: '${name}' has ${rows} examples, and ${[...tensors.keys()][0]} ${count}.`);
    columns.push({ name: columnNames[name] ?? name, dims, data: await readNumbers(path, name, tensor) });
  }
  if (count === undefined) throw new Stop(`${path} has no tensors.`);
  return { count, columns };
};

const columnNames: Readonly<Partial<Record<string, string>>> = {
  labels: 'training.labels',
  target: 'training.target',
};

const readNumbers = async (path: string, name: string, tensor: Tensor): Promise<Column['data']> => {
  const about = `${path}: '${name}'`;
  const bytes = taken(await resolveTensor(tensor, async () => undefined), about);
  const whole: Tensor = { ...tensor, data: { kind: 'bytes', bytes } };
  const { dtype } = whole;
  switch (dtype) {
    case 'uint8':
    case 'bool':
      return bytes;
    case 'int32':
      return taken(typedViewOf({ ...whole, dtype }), about);
    case 'uint16':
      return taken(typedViewOf({ ...whole, dtype }), about);
    case 'int64':
      return Int32Array.from(taken(typedViewOf({ ...whole, dtype }), about), (value) => {
        if (BigInt.asIntN(32, value) === value) return Number(value);
        throw new Stop(`${about} has ${value}: whole numbers of 32 bits are taken.`);
      });
    default:
      return taken(readFloat32(whole), about);
  }
};

const readIdxPair = async (inputs: Inputs, imagesPath: string, labelsPath: string): Promise<Examples> => {
  const images = readIdx(await readWhole(inputs, imagesPath), imagesPath);
  const labels = readIdx(await readWhole(inputs, labelsPath), labelsPath);
  const [count = 0, ...dims] = images.dims;
  if (labels.dims.length !== 1 || labels.dims[0] !== count)
    throw new Stop(`${labelsPath} has labels [${labels.dims}] for ${count} images in ${imagesPath}.`);
  return {
    count,
    columns: [
      { name: 'images', dims, data: images.data, scale: 1 / 255 },
      { name: 'training.labels', dims: [], data: labels.data },
    ],
  };
};

/** http://yann.lecun.com/exdb/mnist: two zeros, the type, the rank, dims as 32 bits, big-endian, and the elements. */
const readIdx = (bytes: Uint8Array, path: string) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rank = bytes[3] ?? 0;
  if (bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 8 || rank < 1 || bytes.length < 4 + 4 * rank)
    throw new Stop(`${path} is no IDX file of bytes: it must begin with 0, 0, 8 and the number of dims.`);
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = dims.reduce((product, dim) => product * dim, 1);
  const data = bytes.subarray(4 + 4 * rank);
  if (data.length !== size)
    throw new Stop(`${path} says [${dims}], which are ${size} bytes, and has ${data.length}.`);
  return { dims, data };
};

/** Unpacked or not: what a file may be in memory. */
const mostBytes = 2 ** 30;

const readWhole = async (inputs: Inputs, path: string): Promise<Uint8Array> => {
  const source = await inputs.source(path);
  if (source.size > mostBytes)
    throw new Stop(`${path} has ${source.size} bytes, at most ${mostBytes} are read: take a part of it.`);
  const bytes = await source.read(0, source.size);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const unpacked = await promisify(gunzip)(bytes, { maxOutputLength: mostBytes }).catch((cause: Error) => {
    throw new Stop(`${path} can't be unpacked: ${cause.message}.`);
  });
  // No Buffer: its slices are views, and those of other arrays copies.
  return new Uint8Array(unpacked.buffer, unpacked.byteOffset, unpacked.byteLength);
};
