import { equalBytes } from '../../core/bytes.ts';
import type { Result } from '../../core/result.ts';
import { fromCheckpoint, toCheckpoint } from '../build/decoder/huggingFace.ts';
import { type DecoderForm, type DecoderSpec, headSizeOf } from '../build/decoder/spec.ts';
import { buildDecoder } from '../build/decoder.ts';
import { describeParameters } from '../build/families.ts';
import { float32Tensor, readFloat32, sliceColumns, transpose } from '../build/tensors.ts';
import { attemptAsync, refuse } from '../codec/refusal.ts';
import type { OnnxFault } from '../fault.ts';
import { bytesOf } from '../ir/tensor.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { taken } from './computedTensor.ts';
import { requireSameStructure } from './sameStructure.ts';
import { type LayerSlice, stackCheckpoints } from './stackCheckpoints.ts';

/** A graph that `buildDecoder` made of this spec in this form. */
export type BuiltDecoder = {
  readonly spec: DecoderSpec;
  readonly form: DecoderForm;
  readonly model: Model;
};

/**
 * Stacks layers of decoders, in the form of the first: takes their parameters out, stacks those and builds anew. The specs
 * must be equal but for the number of layers, and the tensors in memory. `invalid` if a graph is not what `buildDecoder` makes
 * of its spec: where the layers of other graphs begin and end no name says for sure, so their checkpoints are to be stacked.
 */
export const stackDecoders = (
  decoders: readonly BuiltDecoder[],
  slices: readonly LayerSlice[],
): Promise<Result<BuiltDecoder, OnnxFault>> =>
  attemptAsync(async () => {
    const [first] = decoders;
    if (first === undefined) throw refuse('invalid', 'there is no model');
    const checkpoints = [];
    for (const [i, decoder] of decoders.entries()) {
      if (specText(decoder.spec) !== specText(first.spec))
        throw refuse('invalid', `the spec of model ${i} differs from model 0's in more than its layers`);
      const parameters = taken(await decoderWeights(decoder), `model ${i}:`);
      const tensors = taken(toCheckpoint(decoder.spec, 'llama', parameters));
      checkpoints.push({ tensors, metadata: undefined });
    }
    const { checkpoint, layers } = taken(stackCheckpoints(checkpoints, { slices, prefix: 'model.layers' }));
    const spec = { ...first.spec, layers };
    const tensors = taken(fromCheckpoint(spec, 'llama', checkpoint.tensors));
    return {
      spec,
      form: first.form,
      model: taken(buildDecoder(spec, first.form, { kind: 'given', tensors })),
    };
  });

/**
 * The parameters of a built decoder, by the names and in the layouts of `decoderParameters`: what the serving form packs or
 * turns is taken apart. Builds it again to be sure that the graph computes nothing else.
 */
export const decoderWeights = (
  decoder: BuiltDecoder,
): Promise<Result<ReadonlyMap<string, Tensor>, OnnxFault>> =>
  attemptAsync(async () => {
    const { spec, form, model } = decoder;
    const tensors = new Map(
      taken(describeParameters(spec)).map(
        ({ name, dims }) => [name, parameterOf(decoder, name, dims)] as const,
      ),
    );
    const again = taken(buildDecoder(spec, form, { kind: 'given', tensors }));
    await requireSameStructure({ model }, { model: again }, 'what is built of its spec');
    for (const [name, tensor] of again.graph.initializers)
      if (!isSame(tensor, model.graph.initializers.get(name)))
        throw refuse('invalid', `${name} is not what is built of its spec`);
    return tensors;
  });

const parameterOf = ({ spec, model }: BuiltDecoder, name: string, dims: readonly number[]): Tensor => {
  const { initializers } = model.graph;
  const own = initializers.get(name);
  if (own !== undefined) return own;
  if (name === 'model.embed_tokens.weight') {
    const head = valuesOf(initializers, 'lm_head.MatMul.weight', spec.hidden * spec.vocab);
    return float32Tensor(dims, transpose(head, spec.hidden, spec.vocab));
  }
  const part = /^(.*\.attn\.)([qkv])(_proj\..*)$/.exec(name);
  if (part === null) throw refuse('invalid', `the graph has no ${name}`);
  const [, before = '', which = '', after = ''] = part;
  const size = headSizeOf(spec);
  const width = (spec.heads + 2 * spec.kvHeads) * size;
  const rows = dims.length === 1 ? 1 : spec.hidden;
  const packed = valuesOf(initializers, `${before}qkv${after}`, rows * width);
  const from = which === 'q' ? 0 : (which === 'k' ? spec.heads : spec.heads + spec.kvHeads) * size;
  return float32Tensor(dims, sliceColumns(packed, width, from, dims.at(-1) ?? 0));
};

const valuesOf = (initializers: ReadonlyMap<string, Tensor>, name: string, count: number): Float32Array => {
  const tensor = initializers.get(name);
  if (tensor === undefined) throw refuse('invalid', `the graph has no ${name}`);
  const values = taken(readFloat32(tensor), name);
  if (values.length !== count)
    throw refuse('invalid', `${name} has ${values.length} elements, and by its spec ${count}`);
  return values;
};

const isSame = (tensor: Tensor, other: Tensor | undefined): boolean => {
  const [a, b] = [bytesOf(tensor), other && bytesOf(other)];
  return a.ok && b?.ok === true && equalBytes(a.value, b.value);
};

/** Fields in one order, so that equal specs are equal texts. */
const specText = (spec: DecoderSpec): string =>
  JSON.stringify({ ...spec, headSize: headSizeOf(spec), layers: 0 }, (_key, value: unknown) =>
    typeof value === 'object' && value !== null
      ? Object.fromEntries(Object.entries(value).toSorted(byKey))
      : value,
  );
const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]) => (a < b ? -1 : 1);
