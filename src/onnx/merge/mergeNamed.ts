import { equalBytes } from '../../core/bytes.ts';
import type { OpenExternal } from '../codec/external.ts';
import { refuse } from '../codec/refusal.ts';
import type { Tensor } from '../ir/types.ts';
import {
  bytesInMemory,
  computedTensor,
  readBytes,
  taken,
  weightBytes,
  weightsOf,
  weightTypes,
} from './computedTensor.ts';
import { mergeTensors } from './mergeTensors.ts';
import { checkMethod, type MergeMethod, methodOf, type TensorOverride } from './methods.ts';
import type { Neurons } from './sparsify.ts';

/** Tensors by name, and what opens the files beside them. */
export type NamedTensors = {
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly open?: OpenExternal | undefined;
};

export type MergeOptions = {
  readonly method: MergeMethod;
  /** The first override whose pattern matches a tensor's name counts. */
  readonly perTensor?: readonly TensorOverride[];
};

type Job = MergeOptions & {
  readonly models: readonly NamedTensors[];
  readonly base: NamedTensors | undefined;
  readonly neurons: (name: string, tensor: Tensor) => Neurons;
};

/**
 * The tensors of all models into one set, in the first model's order, computed while they are written. Equal bytes in all of
 * them, the base included, are taken as they are, whatever the method: graphs hold constants that no training changed. Other
 * types than `weightTypes` must be equal. Throws `Refusal` for what can be told without reading.
 */
export const mergeNamed = ({
  models,
  base,
  method,
  perTensor,
  neurons,
}: Job): ReadonlyMap<string, Tensor> => {
  for (const one of [method, ...(perTensor ?? []).map((override) => override.method)])
    taken(checkMethod(one, models.length, base !== undefined));
  const all = base === undefined ? models : [...models, base];
  const [first, ...others] = all;
  if (first === undefined) throw refuse('invalid', 'there is no model');
  for (const [i, other] of others.entries()) {
    const label = labelOf(i + 1, models.length);
    requireSameTypes(first.tensors, other.tensors, label);
    requireSameNames(first.tensors, other.tensors, label);
  }
  const merged = new Map<string, Tensor>();
  for (const name of first.tensors.keys()) {
    const parts = partsOf(name, all);
    merged.set(
      name,
      mergeOne(name, parts, {
        count: models.length,
        method: methodOf(name, method, perTensor),
        neurons,
      }),
    );
  }
  return merged;
};

/** One tensor of a model and what opens its file. */
type Part = { readonly tensor: Tensor; readonly open: OpenExternal | undefined };

const partsOf = (name: string, all: readonly NamedTensors[]): readonly [Part, ...Part[]] => {
  const [first, ...others] = all.map(({ tensors, open }): Part => {
    const tensor = tensors.get(name);
    if (tensor === undefined) throw new Error(`${name} is not in every model`);
    return { tensor, open };
  });
  if (first === undefined) throw new Error('there is no model');
  return [first, ...others];
};

type OneJob = {
  /** Of models; the base comes after them. */
  readonly count: number;
  readonly method: MergeMethod;
  readonly neurons: Job['neurons'];
};

const mergeOne = (name: string, parts: readonly [Part, ...Part[]], job: OneJob): Tensor => {
  const [{ tensor: first }] = parts;
  if (first.dtype === 'string') return sameStrings(name, parts);
  const inMemory = parts.flatMap(({ tensor }) => bytesInMemory(tensor) ?? []);
  if (inMemory.length === parts.length) {
    if (allEqual(inMemory)) return first;
    requireWeights(name, first);
  }
  return computedTensor(first, async () => {
    const bytes: Uint8Array[] = [];
    for (const { tensor, open } of parts) bytes.push(await readBytes(name, tensor, open));
    const [whole] = bytes;
    if (whole !== undefined && allEqual(bytes)) return whole;
    requireWeights(name, first);
    const values = bytes.map((one) => weightsOf(name, first, one));
    const merged = mergeTensors(job.method, values[job.count], values.slice(0, job.count), {
      name,
      neurons: job.neurons(name, first),
    });
    return weightBytes(name, first, taken(merged));
  });
};

const requireSameNames = (
  first: NamedTensors['tensors'],
  other: NamedTensors['tensors'],
  label: string,
): void => {
  const missing = [...first.keys()].filter((name) => !other.has(name));
  const extra = [...other.keys()].filter((name) => !first.has(name));
  if (missing.length === 0 && extra.length === 0) return;
  throw refuse(
    'invalid',
    [
      `${label} is no model of the same kind.`,
      ...(missing.length > 0 ? [`It lacks ${shown(missing)}.`] : []),
      ...(extra.length > 0 ? [`It has ${shown(extra)}, which model 0 lacks.`] : []),
    ].join(' '),
  );
};

/** Of what both have: shapes that differ say more than names that do. */
const requireSameTypes = (
  first: NamedTensors['tensors'],
  other: NamedTensors['tensors'],
  label: string,
): void => {
  for (const [name, { dtype, dims }] of first) {
    const theirs = other.get(name);
    if (theirs === undefined) continue;
    if (theirs.dtype !== dtype)
      throw refuse('invalid', `${name} is ${dtype} in model 0 and ${theirs.dtype} in ${label}`);
    if (theirs.dims.join() === dims.join()) continue;
    const shapes = `${name} is [${dims.join(', ')}] in model 0 and [${theirs.dims.join(', ')}] in ${label}`;
    throw refuse('invalid', vocabularyNames.test(name) ? `${shapes}: their vocabularies differ` : shapes);
  }
};

/** How exporters and checkpoints name what has a row or a column for every token. */
const vocabularyNames = /embed|wte|lm_head|(^|[./])shared\.weight/i;

const requireWeights = (name: string, { dtype }: Tensor): void => {
  if (!weightTypes.has(dtype))
    throw refuse(
      'unsupported',
      `${name} is ${dtype} and differs between the models: ${[...weightTypes].join(', ')} are merged, all else must be equal. Dequantise quantised weights first`,
    );
};

const sameStrings = (name: string, parts: readonly [Part, ...Part[]]): Tensor => {
  const texts = parts.map(({ tensor }) => (tensor.data.kind === 'strings' ? tensor.data.strings : []));
  const [first = []] = texts;
  const isSame = (other: readonly Uint8Array[]) =>
    other.length === first.length && other.every((text, i) => equalBytes(text, first[i] ?? new Uint8Array()));
  if (!texts.every(isSame))
    throw refuse('unsupported', `${name} holds strings that differ between the models`);
  return parts[0].tensor;
};

const allEqual = ([first, ...others]: readonly Uint8Array[]): boolean =>
  first !== undefined && others.every((other) => other === first || equalBytes(first, other));

export const labelOf = (index: number, models: number): string =>
  index < models ? `model ${index}` : 'the base';

const shown = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ');
