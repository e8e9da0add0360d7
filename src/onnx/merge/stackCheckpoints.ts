import type { Result } from '../../core/result.ts';
import { attempt, refuse } from '../codec/refusal.ts';
import type { Safetensors } from '../codec/safetensors.ts';
import type { OnnxFault } from '../fault.ts';
import type { Tensor } from '../ir/types.ts';

/** Layers of a model, from the first to before the second number. */
export type LayerSlice = { readonly model: number; readonly layers: readonly [from: number, to: number] };

export type StackOptions = {
  /** Bottom up. Layers may repeat and models return. */
  readonly slices: readonly LayerSlice[];
  /** What stands before a layer's number in names, without the dot. Needed only where several prefixes are numbered. */
  readonly prefix?: string;
};

export type StackedCheckpoint = {
  readonly checkpoint: Safetensors;
  /** What the configuration must say now, as `num_hidden_layers` or `n_layer`. */
  readonly layers: number;
};

/**
 * Stacks layers of checkpoints ("passthrough", a Frankenmerge) by the numbers in Hugging Face's names (`model.layers.3.…`,
 * `h.3.…`), which are given anew. Nothing is computed or copied: the tensors are the given ones. What is no layer and stands
 * behind them (norm, head) comes from the last slice's model, the rest (embeddings) from the first's. All layers must have
 * the same tensors, of the same types and shapes; knows no configuration: the caller sets the number of layers there.
 */
export const stackCheckpoints = (
  checkpoints: readonly Safetensors[],
  { slices, prefix }: StackOptions,
): Result<StackedCheckpoint, OnnxFault> =>
  attempt(() => {
    const models = slices.map((slice) => ({ slice, model: modelOf(checkpoints, slice, prefix) }));
    const [bottom, top] = [models[0]?.model, models.at(-1)?.model];
    if (bottom === undefined || top === undefined) throw refuse('invalid', 'there is no slice to stack');
    const layers = models.flatMap(({ slice, model }) => layersOf(slice, model));
    requireAlike(models, layers);
    const tensors = new Map<string, Tensor>([
      ...[...bottom.outer].filter(([name]) => !standsBehind.test(name)),
      ...layers.flatMap((layer, number) =>
        [...layer].map(([part, tensor]) => named(joinName(bottom.prefix, `${number}.${part}`), tensor)),
      ),
      ...[...top.outer].filter(([name]) => standsBehind.test(name)),
    ]);
    return { checkpoint: { tensors, metadata: checkpoints[0]?.metadata }, layers: layers.length };
  });

/** Final norms and output heads, as transformers names them. */
const standsBehind = /(^|\.)(norm|ln_f|final_layer_?norm|final_norm|lm_head|embed_out|score)\./;

type Layer = ReadonlyMap<string, Tensor>;
type Layered = {
  readonly prefix: string;
  readonly layers: ReadonlyMap<number, Layer>;
  readonly outer: Layer;
};

const modelOf = (
  checkpoints: readonly Safetensors[],
  { model }: LayerSlice,
  prefix: string | undefined,
): Layered => {
  const checkpoint = checkpoints[model];
  if (checkpoint === undefined)
    throw refuse('invalid', `a slice is of model ${model}, and there are ${checkpoints.length}`);
  return splitLayers(checkpoint.tensors, prefix ?? prefixOf(checkpoint.tensors, model));
};

const layerName = /^(?:(.*?)\.)?(\d+)\.(.+)$/;

const prefixOf = (tensors: Layer, model: number): string => {
  const prefixes = new Set<string>();
  for (const name of tensors.keys()) {
    const found = layerName.exec(name);
    if (found) prefixes.add(found[1] ?? '');
  }
  const [only, ...others] = prefixes;
  if (only === undefined)
    throw refuse(
      'unsupported',
      `model ${model} has no numbered layers in its names, as in model.layers.0.mlp`,
    );
  if (others.length > 0)
    throw refuse(
      'unsupported',
      `model ${model} has numbered parts under ${[...prefixes].slice(0, 5).join(', ')}: say which prefix is stacked`,
    );
  return only;
};

const splitLayers = (tensors: Layer, prefix: string): Layered => {
  const start = joinName(prefix, '');
  const layers = new Map<number, Map<string, Tensor>>();
  const outer = new Map<string, Tensor>();
  for (const [name, tensor] of tensors) {
    const found = name.startsWith(start) ? /^(\d{1,6})\.(.+)$/.exec(name.slice(start.length)) : null;
    const [, digits, part] = found ?? [];
    if (digits === undefined || part === undefined) {
      outer.set(name, tensor);
      continue;
    }
    const layer = layers.get(Number(digits)) ?? new Map<string, Tensor>();
    layers.set(Number(digits), layer.set(part, tensor));
  }
  return { prefix, layers, outer };
};

const layersOf = ({ model, layers: [from, to] }: LayerSlice, { layers }: Layered): readonly Layer[] => {
  const isRange = Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from < to;
  if (!isRange || to > layers.size)
    throw refuse(
      'invalid',
      `a slice is of layers ${from} to before ${to} of model ${model}, which has ${layers.size}`,
    );
  return Array.from({ length: to - from }, (_, i) => {
    const layer = layers.get(from + i);
    if (layer === undefined) throw refuse('invalid', `model ${model} has no layer ${from + i}`);
    return layer;
  });
};

const requireAlike = (
  models: readonly { readonly slice: LayerSlice; readonly model: Layered }[],
  layers: readonly Layer[],
): void => {
  const [first] = models;
  for (const { slice, model } of models) {
    const label = `model ${slice.model}`;
    if (model.prefix !== first?.model.prefix)
      throw refuse(
        'invalid',
        `layers are ${first?.model.prefix} in one model and ${model.prefix} in ${label}`,
      );
    requireSame(first.model.outer, model.outer, label);
  }
  const [bottom = new Map<string, Tensor>()] = layers;
  for (const [number, layer] of layers.entries()) requireSame(bottom, layer, `layer ${number} of the stack`);
};

const requireSame = (ours: Layer, theirs: Layer, label: string): void => {
  for (const name of new Set([...ours.keys(), ...theirs.keys()])) {
    const [one, other] = [ours.get(name), theirs.get(name)];
    if (typeText(one) !== typeText(other))
      throw refuse(
        'invalid',
        `${name} is ${typeText(one)} at the bottom of the stack and ${typeText(other)} in ${label}`,
      );
  }
};

const typeText = (tensor: Tensor | undefined): string =>
  tensor === undefined ? 'missing' : `${tensor.dtype}[${tensor.dims.join(', ')}]`;
const joinName = (prefix: string, rest: string): string => (prefix === '' ? rest : `${prefix}.${rest}`);
const named = (name: string, tensor: Tensor): readonly [string, Tensor] => [name, { ...tensor, name }];
