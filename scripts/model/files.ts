/** Models and checkpoints out of files, and into files. */
import { access, constants, type FileHandle, open, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { inlineExternal } from '../../src/onnx/codec/external.ts';
import { attemptAsync } from '../../src/onnx/codec/refusal.ts';
import type { ByteSource } from '../../src/onnx/index.ts';
import {
  inspectModel,
  type Model,
  type OpenExternal,
  readModel,
  readSafetensors,
  type Safetensors,
  splitExternal,
  type Write,
  writeModel,
} from '../../src/onnx/index.ts';
import {
  type AtomicFiles,
  type BesideFiles,
  createAtomicFiles,
  createBesideFiles,
  createFileSource,
} from '../../src/platform/node/index.ts';
import { type Io, Stop, stopIfAsked, taken } from './io.ts';
import { createProgress } from './progress.ts';

export type ModelFile = { readonly path: string; readonly model: Model; readonly open: OpenExternal };

/** Files that are read from as long as a command works. */
export type Inputs = {
  source(path: string): Promise<ByteSource>;
  /** With tensors of more than `lazyAbove` bytes left in the file. */
  model(path: string, lazyAbove?: number): Promise<ModelFile>;
  safetensors(path: string): Promise<Safetensors>;
};

export const withInputs = async <T>(use: (inputs: Inputs) => Promise<T>): Promise<T> => {
  const handles: FileHandle[] = [];
  const folders: BesideFiles[] = [];
  const source = async (path: string): Promise<ByteSource> => {
    const handle = await open(path);
    handles.push(handle);
    if ((await handle.stat()).isFile()) return createFileSource(handle);
    throw new Stop(`${path} is no file: a model or a checkpoint is needed.`);
  };
  try {
    return await use({
      source,
      async model(path, lazyAbove) {
        const model = await readModel(await source(path), lazyAbove === undefined ? {} : { lazyAbove });
        const beside = createBesideFiles(path);
        folders.push(beside);
        return { path, model: taken(model, path), open: (location) => beside.open(location) };
      },
      safetensors: async (path) => taken(await readSafetensors(await source(path)), path),
    });
  } finally {
    for (const folder of folders) await folder.close();
    for (const handle of handles) await handle.close();
  }
};

/** All that is created gets its name when `use` is over, and none of it if it fails or is stopped. */
export const withOutputs = async <T>(io: Io, use: (files: AtomicFiles) => Promise<T>): Promise<T> => {
  const files = createAtomicFiles();
  try {
    const result = await use(files);
    stopIfAsked(io);
    await files.commit();
    return result;
  } catch (cause) {
    await files.discard();
    throw cause;
  }
};

/** Refuses a place that nothing could be written to, before hours of work for it. */
export const requirePlace = async (path: string): Promise<void> => {
  const folder = dirname(path);
  await access(folder).catch(() => {
    throw new Stop(`There is no folder ${folder}: make it first.`);
  });
  await access(folder, constants.W_OK);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw new Stop(`${path} is a folder: name a file in it.`);
};

export type WriteModelOptions = {
  readonly open?: OpenExternal;
  /** Weights in `<path>.data`; in any case where one file would be larger than protobuf can be. */
  readonly external?: boolean;
  /** On the progress bar. */
  readonly label?: string;
};

export type WrittenModel = { readonly files: readonly string[]; readonly bytes: number };

/** The whole model, also what lay beside it. Its tensors may be computed while they are written. */
export const writeModelFile = async (
  io: Io,
  files: AtomicFiles,
  path: string,
  model: Model,
  { open = nothingBeside, external = false, label = 'writing' }: WriteModelOptions = {},
): Promise<WrittenModel> => {
  const whole = taken(await attemptAsync(() => inlineExternal(model, open)));
  const total = inspectModel(whole).tensorBytes;
  const progress = createProgress(io, label);
  let bytes = 0;
  const counted = async (file: string): Promise<Write> => {
    const { write } = await files.create(file);
    return async (chunk) => {
      stopIfAsked(io);
      await write(chunk);
      bytes += chunk.byteLength;
      progress.show(bytes, total);
    };
  };
  try {
    if (!external && total < mostInOneFile) {
      taken(await writeModel(whole, await counted(path)), path);
      return { files: [path], bytes };
    }
    const data = `${path}.data`;
    const split = splitExternal(whole, { location: basename(data), above: 1_024 });
    // A model without large tensors has nothing to put there.
    if (split.size > 0) taken(await split.writeData(await counted(data)), data);
    taken(await writeModel(split.model, await counted(path)), path);
    return { files: split.size > 0 ? [path, data] : [path], bytes };
  } finally {
    progress.end();
  }
};

/** A protobuf message has less than 2 GiB; some is for the graph. */
const mostInOneFile = 1.9e9;

const nothingBeside: OpenExternal = async () => undefined;
