import { equalBytes } from '../../../core/bytes.ts';
import { err, ok, type Result } from '../../../core/result.ts';
import type { OnnxFault } from '../../fault.ts';
import type { Tensor } from '../../ir/types.ts';
import { misfits, readAll, weightsFault } from '../parameters.ts';
import { float32Tensor, joinColumns, readFloat32, sliceColumns, transpose } from '../tensors.ts';
import { decoderParameters } from './parameters.ts';
import type { DecoderSpec } from './spec.ts';

/**
 * Between a decoder's parameters and the tensors of a checkpoint of Hugging Face's transformers. Llama's linear layers are
 * [out, in]; GPT-2's `Conv1D` is [in, out], with q, k and v in one tensor. 'gpt2' fits specs of GPT-2's kind alone. Knows
 * nothing of files.
 */
export type CheckpointNames = 'llama' | 'gpt2';
type Tensors = ReadonlyMap<string, Tensor>;

/** A checkpoint's tensors under the names and in the layouts of `decoderParameters`. What doesn't fit is told at once. */
export const fromCheckpoint = (
  spec: DecoderSpec,
  names: CheckpointNames,
  checkpoint: Tensors,
): Result<Tensors, OnnxFault> => {
  const places = placesOf(spec, names);
  if (!places.ok) return places;
  const tensors = withoutBuffers(checkpoint, names);
  const twice = repeatedHead(spec, tensors, names);
  const unique = twice.head === undefined ? tensors : without(tensors, twice.head);
  const problems = [...misfits(dimsByName(places.value), unique), ...twice.problems];
  if (problems.length > 0) return err(weightsFault(problems));
  const read = readAll(unique);
  if (!read.ok) return read;
  return ok(
    new Map(
      places.value.map((place) => [
        place.parameter,
        float32Tensor(place.dims, take(place, read.value.get(place.name) ?? new Float32Array())),
      ]),
    ),
  );
};

/** The way back: what was trained, under a checkpoint's names. `tensors` are those of `decoderParameters`. */
export const toCheckpoint = (
  spec: DecoderSpec,
  names: CheckpointNames,
  tensors: Tensors,
): Result<Tensors, OnnxFault> => {
  const places = placesOf(spec, names);
  if (!places.ok) return places;
  const problems = misfits(new Map(decoderParameters(spec).map(({ name, dims }) => [name, dims])), tensors);
  if (problems.length > 0) return err(weightsFault(problems));
  const read = readAll(tensors);
  if (!read.ok) return read;
  const checkpoint = new Map<string, Tensor>();
  for (const [name, dims] of dimsByName(places.value)) {
    const parts = places.value.filter((place) => place.name === name);
    checkpoint.set(name, float32Tensor(dims, join(parts, read.value)));
  }
  return ok(checkpoint);
};

/** Where a parameter is in a checkpoint. */
type Place = {
  readonly parameter: string;
  readonly dims: readonly number[];
  readonly name: string;
  readonly layout: 'same' | 'transposed' | { readonly column: number; readonly columns: number };
};

const placesOf = (spec: DecoderSpec, names: CheckpointNames): Result<readonly Place[], OnnxFault> => {
  if (names === 'llama') return ok(decoderParameters(spec).map(llamaPlace(spec)));
  const wrong = gpt2Misfit(spec);
  return wrong === undefined
    ? ok(decoderParameters(spec).map(gpt2Place(spec)))
    : err(weightsFault([`GPT-2's names are for ${wrong}`]));
};

const gpt2Misfit = (spec: DecoderSpec): string | undefined => {
  const hasItsKind =
    spec.norm === 'layer' && spec.positions.kind === 'learned' && spec.mlp === 'gelu' && spec.bias === 'all';
  if (!hasItsKind) return 'layer norm, learned positions, GELU and biases';
  if (spec.kvHeads !== spec.heads) return 'as many heads of keys as of queries';
  if ((spec.headSize ?? spec.hidden / spec.heads) * spec.heads !== spec.hidden)
    return 'heads that fill the width';
  return undefined;
};

type ParameterPlace = (parameter: { readonly name: string; readonly dims: readonly number[] }) => Place;

const llamaPlace =
  ({ layers }: DecoderSpec): ParameterPlace =>
  ({ name, dims }) => ({
    parameter: name,
    dims,
    layout: name.endsWith('.MatMul.weight') ? 'transposed' : 'same',
    name: name
      .replace(`model.layers.${layers}.final_norm_layernorm`, 'model.norm')
      .replace('.attn.', '.self_attn.')
      .replace('.MatMul.weight', '.weight')
      .replace('.Add.bias', '.bias'),
  });

const gpt2Place =
  ({ layers, hidden }: DecoderSpec): ParameterPlace =>
  ({ name, dims }) => {
    const third = ['q_proj', 'k_proj', 'v_proj'].findIndex((part) => name.includes(`.attn.${part}.`));
    return {
      parameter: name,
      dims,
      layout:
        third >= 0 ? { column: third * hidden, columns: 3 * hidden } : name === head ? 'transposed' : 'same',
      name: name
        .replace(`model.layers.${layers}.final_norm_layernorm`, 'ln_f')
        .replace('model.layers.', 'h.')
        .replace('model.embed_tokens', 'wte')
        .replace('model.embed_positions', 'wpe')
        .replace('.input_layernorm', '.ln_1')
        .replace('.post_attention_layernorm', '.ln_2')
        .replace(/\.attn\.[qkv]_proj/, '.attn.c_attn')
        .replace('.attn.o_proj', '.attn.c_proj')
        .replace('.mlp.fc1', '.mlp.c_fc')
        .replace('.mlp.fc2', '.mlp.c_proj')
        .replace('.MatMul.weight', '.weight')
        .replace('.Add.bias', '.bias'),
    };
  };

const head = 'lm_head.MatMul.weight';

const checkpointDims = ({ dims, layout }: Place): readonly number[] => {
  if (layout === 'same') return dims;
  return layout === 'transposed' ? dims.toReversed() : [...dims.slice(0, -1), layout.columns];
};

const dimsByName = (places: readonly Place[]) =>
  new Map(places.map((place) => [place.name, checkpointDims(place)]));

const take = ({ dims, layout }: Place, values: Float32Array): Float32Array => {
  const [rows = 1, columns = rows] = dims;
  if (layout === 'same') return values;
  return layout === 'transposed'
    ? transpose(values, columns, rows)
    : sliceColumns(values, layout.columns, layout.column, dims.at(-1) ?? 0);
};

const join = (parts: readonly Place[], values: ReadonlyMap<string, Float32Array>): Float32Array => {
  const of = (place: Place) => values.get(place.parameter) ?? new Float32Array();
  const [first] = parts;
  if (first === undefined) throw new Error('a tensor without places');
  const [rows = 1, columns = rows] = first.dims;
  if (first.layout === 'same') return of(first);
  return first.layout === 'transposed'
    ? transpose(of(first), rows, columns)
    : joinColumns(first.dims.length === 1 ? 1 : rows, parts.map(of));
};

/** Old checkpoints hold buffers that are worked out anyway, and GPT-2's may have a prefix. */
const gpt2Buffers = /\.attn\.(bias|masked_bias)$/;
const llamaBuffers = /\.rotary_emb\.inv_freq$/;

const withoutBuffers = (checkpoint: Tensors, names: CheckpointNames): Tensors => {
  const prefix = names === 'gpt2' ? 'transformer.' : '';
  const noise = names === 'gpt2' ? gpt2Buffers : llamaBuffers;
  return new Map(
    [...checkpoint]
      .filter(([name]) => !noise.test(name))
      .map(([name, tensor]) => [name.startsWith(prefix) ? name.slice(prefix.length) : name, tensor]),
  );
};

/** A checkpoint may repeat tied embeddings as `lm_head.weight`: right if it is the same, else the spec is wrong. */
const repeatedHead = (spec: DecoderSpec, tensors: Tensors, names: CheckpointNames) => {
  const name = 'lm_head.weight';
  const embedding = tensors.get(names === 'gpt2' ? 'wte.weight' : 'model.embed_tokens.weight');
  const output = tensors.get(name);
  if (!spec.tied || output === undefined) return { head: undefined, problems: [] };
  if (embedding === undefined || isSame(embedding, output)) return { head: name, problems: [] };
  return { head: name, problems: [`${name} differs from the embeddings that it is tied to`] };
};

const isSame = (a: Tensor, b: Tensor): boolean => {
  const [one, other] = [readFloat32(a), readFloat32(b)];
  if (!one.ok || !other.ok || a.dims.join() !== b.dims.join()) return false;
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  return equalBytes(bytesOf(one.value), bytesOf(other.value));
};

const without = (tensors: Tensors, name: string): Tensors =>
  new Map([...tensors].filter(([other]) => other !== name));
