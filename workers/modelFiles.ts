import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import {
  hoistConstants,
  type Model,
  type OnnxFault,
  type OpenExternal,
  readModel,
  writeModel,
} from '../src/onnx/index.ts';
import { createBlobSource } from '../src/platform/browser/byteSource.ts';
import type { ModelFiles } from './protocol.ts';

/** What onnxruntime-web takes at once: its memory ends at 4 GB, and a model lies there twice while it is opened. */
export const maxOpenedBytes = 1_500_000_000;

/** An .onnx with its weights as initializers, wherever the exporter has put them. Large ones stay in the file. */
export const readOnnx = async ({ file }: ModelFiles): Promise<Result<Model, OnnxFault>> => {
  const read = await readModel(createBlobSource(file));
  return read.ok ? ok(hoistConstants(read.value)) : read;
};

/** Browsers give files without their folder: the last part of the location has to do. */
export const openBeside =
  ({ beside }: ModelFiles): OpenExternal =>
  async (location) => {
    const found = fileAt(beside, location);
    return found && createBlobSource(found);
  };

export const missingFiles = ({ beside }: ModelFiles, locations: readonly string[]): readonly string[] =>
  locations.filter((location) => fileAt(beside, location) === undefined);

export const bytesOfFiles = ({ file, beside }: ModelFiles): number =>
  beside.reduce((sum, one) => sum + one.file.size, file.size);

/** One array with everything in it, as the runtime wants it. */
export const wholeModel = async (files: ModelFiles): Promise<Result<Uint8Array, Fault>> => {
  const size = bytesOfFiles(files);
  if (size > maxOpenedBytes) {
    const limit = `${(maxOpenedBytes / 1e9).toFixed(1)} GB`;
    return err(
      fault(
        'too-large',
        `The model has ${(size / 1e9).toFixed(2)} GB; a page can open ${limit} at once. Fewer bits may fit.`,
      ),
    );
  }
  if (files.beside.length === 0) return ok(new Uint8Array(await files.file.arrayBuffer()));
  const read = await readModel(createBlobSource(files.file));
  if (!read.ok) return read;
  const chunks: Uint8Array[] = [];
  const collect = async (chunk: Uint8Array) => void chunks.push(chunk);
  const written = await writeModel(read.value, collect, openBeside(files));
  return written.ok ? ok(new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer())) : written;
};

const fileAt = (beside: ModelFiles['beside'], location: string): Blob | undefined => {
  const last = location.slice(location.lastIndexOf('/') + 1);
  return beside.find(({ name }) => name === location || name === last)?.file;
};
