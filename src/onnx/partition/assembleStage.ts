import type { Bytes } from '../../core/bytes.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { encodeModel, joinChunks } from '../codec/encode.ts';
import { locationFault } from '../codec/external.ts';
import { mapInitializers } from '../codec/graphTensors.ts';
import { codecLimits } from '../codec/limits.ts';
import { messageOf } from '../codec/sourceReading.ts';
import { lengthFault } from '../codec/tensors.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { type HashDeps, hashTensor } from '../hash.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { withTensors } from './hashPlan.ts';
import { comparePlaces, rangesOf } from './ranges.ts';
import type { ByteRange, FilePlace, StageTensor } from './types.ts';

/** What a session is made of: `ort.InferenceSession.create(model, { externalData })`. */
export type RunnableStage = {
  readonly model: Uint8Array;
  readonly externalData: readonly { readonly path: string; readonly data: Bytes }[];
};

export type AssembleOptions = {
  /** Hex, by the tensor's name: of every tensor there is. */
  readonly hashes: ReadonlyMap<string, string>;
  /** Exactly these bytes of the whole model's file, from wherever. */
  readonly read: (range: ByteRange) => Promise<Uint8Array>;
  readonly digest: HashDeps['digest'];
  /** Weights of more bytes are refused before any is fetched. 4 GiB, all that WebAssembly holds, if it isn't given. */
  readonly limit?: number;
  /** As in the plan. */
  readonly gap?: number;
};

/**
 * A stage as its runner makes it, of the graph that was sent (`stageGraph`) and the bytes that it fetches: one range in memory
 * besides the stage's own weights, which lie one after the other in one buffer. Every tensor is checked against its SHA-256:
 * `invalid` names one that differs, `missing` what could not be read. Doesn't trust the graph.
 */
export const assembleStage = async (
  graph: Model,
  { hashes, read, digest, limit = codecLimits.resolvedBytes, gap = 4096 }: AssembleOptions,
): Promise<Result<RunnableStage, OnnxFault>> => {
  const all = withTensors(graph);
  const fetched: Fetched[] = [];
  for (const [described, tensor] of all) {
    const { place } = described;
    const problem = problemOf(described, tensor, hashes);
    if (problem !== undefined) return err(problem);
    if (place.kind === 'file') fetched.push({ described, tensor, place });
    else {
      const wrong = await hashFault(tensor, described, hashes, digest);
      if (wrong !== undefined) return err(wrong);
    }
  }
  const { offsets, size } = compact(fetched);
  if (size > limit)
    return err(onnxFault('too-large', `the stage has ${size} bytes of weights, ${limit} are allowed`));
  const data = new Uint8Array(size);
  const inOrder = fetched.filter(({ described }) => described.length > 0).sort(byPlace);
  let next = 0;
  for (const range of rangesOf(
    inOrder.map(({ described }) => described),
    gap,
  )) {
    const bytes = await readRange(read, range);
    if (!bytes.ok) return bytes;
    for (let one = inOrder[next]; one !== undefined && isWithin(one, range); one = inOrder[++next]) {
      const start = one.place.offset - range.offset;
      const own = bytes.value.subarray(start, start + one.described.length);
      const wrong = await hashFault(
        { ...one.tensor, data: { kind: 'bytes', bytes: own } },
        one.described,
        hashes,
        digest,
      );
      if (wrong !== undefined) return err(wrong);
      data.set(own, offsets.get(keyOf(one)) ?? 0);
    }
  }
  return finish(graph, fetched, offsets, data);
};

type Fetched = { readonly described: StageTensor; readonly tensor: Tensor; readonly place: FilePlace };

const byPlace = (a: Fetched, b: Fetched): number => comparePlaces(a.place, b.place);

const isWithin = ({ place }: Fetched, { location, offset, length }: ByteRange): boolean =>
  place.location === location && place.offset < offset + length;

const problemOf = (
  { name, dtype, dims, length, place }: StageTensor,
  { data }: Tensor,
  hashes: ReadonlyMap<string, string>,
): OnnxFault | undefined => {
  const refuse = (problem: string) => onnxFault('invalid', `tensor "${name}" ${problem}`);
  if (!hashes.has(name)) return refuse('has no SHA-256 to check it against');
  if (data.kind === 'slice') return refuse('is a slice of a source that is here: it needs no fetching');
  if (place.kind === 'inline') return undefined;
  const unsafe = place.location === undefined ? 'has no location' : locationFault(place.location);
  if (unsafe !== undefined) return refuse(unsafe);
  const odd = lengthFault(length, dtype, dims);
  if (odd !== undefined) return refuse(odd);
  return Number.isSafeInteger(place.offset + length) ? undefined : refuse(`is at ${place.offset}`);
};

const hashFault = async (
  tensor: Tensor,
  { name }: StageTensor,
  hashes: ReadonlyMap<string, string>,
  digest: HashDeps['digest'],
): Promise<OnnxFault | undefined> => {
  const hash = await hashTensor({ ...tensor, name }, { digest });
  if (!hash.ok) return hash.error;
  if (hash.value === hashes.get(name)) return undefined;
  return onnxFault('invalid', `tensor "${name}" has SHA-256 ${hash.value}, ${hashes.get(name)} is expected`);
};

const readRange = async (
  read: AssembleOptions['read'],
  range: ByteRange,
): Promise<Result<Uint8Array, OnnxFault>> => {
  const what = `${range.length} bytes at ${range.offset} of ${range.location}`;
  try {
    const bytes = await read(range);
    if (bytes.byteLength === range.length) return ok(bytes);
    return err(onnxFault('missing', `${what} were asked for, and ${bytes.byteLength} came`));
  } catch (cause) {
    return err(onnxFault('missing', `${what} can't be read: ${messageOf(cause)}`));
  }
};

/** A cache line: enough for whatever reads a tensor where it lies. */
const alignment = 64;
const dataPath = 'stage.data';

/** One place for bytes that two names share. */
const compact = (fetched: readonly Fetched[]) => {
  const offsets = new Map<string, number>();
  let size = 0;
  for (const one of fetched) {
    const key = keyOf(one);
    if (offsets.has(key)) continue;
    offsets.set(key, size);
    size = Math.ceil((size + one.described.length) / alignment) * alignment;
  }
  return { offsets, size };
};

const keyOf = ({ place, described }: Pick<Fetched, 'place' | 'described'>): string =>
  JSON.stringify([place.location, place.offset, described.length]);

const finish = (
  graph: Model,
  fetched: readonly Fetched[],
  offsets: ReadonlyMap<string, number>,
  data: Bytes,
): Result<RunnableStage, OnnxFault> => {
  const places = new Map(fetched.map((one) => [one.tensor, one]));
  const moved = mapInitializers(graph, (tensor) => {
    const one = places.get(tensor);
    if (one === undefined) return tensor;
    const offset = offsets.get(keyOf(one)) ?? 0;
    return {
      ...tensor,
      data: { kind: 'external', location: dataPath, offset, length: one.described.length },
    };
  });
  const encoded = encodeModel(moved);
  if (!encoded.ok) return encoded;
  return ok({
    model: joinChunks(encoded.value),
    externalData: data.byteLength === 0 ? [] : [{ path: dataPath, data }],
  });
};
