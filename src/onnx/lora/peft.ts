/**
 * Adapters as files of Hugging Face's PEFT: tensors `base_model.model.<module>.lora_A.weight` [r, in] and `lora_B.weight`
 * [out, r], the transposes of ours, and a configuration beside them (`adapter_config.json`). Files written here carry the
 * configuration, and the graph's names of weights, in their metadata too, so that they come back alone.
 */
import type { Result } from '../../core/result.ts';
import { float32Tensor, transpose } from '../build/tensors.ts';
import { attemptAsync, refuse } from '../codec/refusal.ts';
import type { Safetensors } from '../codec/safetensors.ts';
import type { OnnxFault } from '../fault.ts';
import type { Tensor } from '../ir/types.ts';
import { readBytes, weightsOf } from '../merge/computedTensor.ts';
import { dimsOf, factorValues } from './factors.ts';
import { alphaOf, configOf, type PeftConfig, parseConfig, parseMetadata } from './peftConfig.ts';
import type { LoraAdapter, LoraFactors } from './types.ts';

export type PeftAdapter = { readonly file: Safetensors; readonly config: PeftConfig };

/** Names of builders' weights as module paths of transformers, others as they are without their `.weight`. */
export const modulePathOf = (weight: string): string =>
  weight.replace(/(\.MatMul)?\.weight$/, '').replace(/^(model\.layers\.\d+)\.attn\./, '$1.self_attn.');

/** The builder's weight of a module of transformers. */
export const weightNameOf = (path: string): string =>
  `${path.replace(/^(model\.layers\.\d+)\.self_attn\./, '$1.attn.')}.MatMul.weight`;

/** `pathOf` must give every weight a path of its own. Reads the factors into memory. */
export const toPeft = (
  adapter: LoraAdapter,
  pathOf: (weight: string) => string = modulePathOf,
): Promise<Result<PeftAdapter, OnnxFault>> =>
  attemptAsync(async () => {
    const tensors = new Map<string, Tensor>();
    const ranks = new Map<string, number>();
    const weights: [string, string][] = [];
    for (const [name, factors] of adapter.factors) {
      const path = pathOf(name);
      if (ranks.has(path)) throw refuse('invalid', `${name} and another weight are both ${path} for PEFT`);
      const { inputs, rank, outputs } = dimsOf(name, factors);
      ranks.set(path, rank);
      weights.push([path, name]);
      const a = transpose(await factorValues(name, factors.a), inputs, rank);
      const b = transpose(await factorValues(name, factors.b), rank, outputs);
      tensors.set(tensorName(path, 'A'), float32Tensor([rank, inputs], a));
      tensors.set(tensorName(path, 'B'), float32Tensor([outputs, rank], b));
    }
    const config = configOf(adapter.scale, ranks);
    const settings = Object.entries(config).map(([key, value]) => [key, JSON.stringify(value)] as const);
    const metadata = { format: 'pt', ...Object.fromEntries(settings), weights: JSON.stringify(weights) };
    return { file: { tensors, metadata }, config };
  });

/**
 * An adapter of a file. `config` is the parsed `adapter_config.json`; without it the metadata must say r and alpha. Names of
 * weights come from the metadata, else from `nameOf`. Where modules have scales of their own, B takes the difference.
 * `unsupported`: adapted embeddings, DoRA's magnitudes, whole modules saved along, names of modules by patterns.
 */
export const fromPeft = (
  file: Safetensors,
  options: { readonly config?: unknown; readonly nameOf?: (path: string) => string } = {},
): Promise<Result<LoraAdapter, OnnxFault>> =>
  attemptAsync(async () => {
    const { settings, weights } = parseMetadata(file.metadata);
    const config = parseConfig(options.config ?? settings);
    const nameOf = options.nameOf ?? weightNameOf;
    const factors = new Map<string, LoraFactors>();
    let scale: number | undefined;
    for (const [path, { a, b }] of pairsOf(file)) {
      const rank = a.dims[0] ?? 0;
      const own = alphaOf(config, path) / (config.use_rslora ? Math.sqrt(rank) : rank);
      if (!Number.isFinite(own)) throw refuse('invalid', `${path} has rank ${rank}`);
      scale ??= own;
      const name = weights.get(path) ?? nameOf(path);
      if (factors.has(name)) throw refuse('invalid', `two modules are ${name}`);
      factors.set(name, await readPair(path, a, b, gainOf(path, own, scale)));
    }
    if (scale === undefined) throw refuse('invalid', 'the file has no adapted module');
    return { scale, factors };
  });

const tensorName = (path: string, which: 'A' | 'B') => `base_model.model.${path}.lora_${which}.weight`;
const tensorPattern = /^base_model\.model\.(.+)\.lora_([AB])(?:\.default)?\.weight$/;

type Pair = { readonly a: Tensor; readonly b: Tensor };

const pairsOf = ({ tensors }: Safetensors): ReadonlyMap<string, Pair> => {
  const found = new Map<string, Partial<Pair>>();
  for (const [name, tensor] of tensors) {
    const [, path, which] = tensorPattern.exec(name) ?? [];
    if (path === undefined)
      throw refuse(
        'unsupported',
        `${name} is no factor of a linear layer: lora_A and lora_B weights are read`,
      );
    found.set(path, { ...found.get(path), [which === 'A' ? 'a' : 'b']: tensor });
  }
  return new Map(
    [...found].map(([path, { a, b }]) => {
      if (a === undefined || b === undefined)
        throw refuse('invalid', `${path} has no lora_${a === undefined ? 'A' : 'B'}`);
      return [path, { a, b }];
    }),
  );
};

const readPair = async (path: string, a: Tensor, b: Tensor, gain: number): Promise<LoraFactors> => {
  const [rank = 0, inputs = 0] = a.dims;
  const [outputs = 0, columns = 0] = b.dims;
  if (a.dims.length !== 2 || b.dims.length !== 2 || rank !== columns || rank === 0)
    throw refuse(
      'invalid',
      `${path}: lora_A must be [r, in] and lora_B [out, r], and they are [${a.dims.join(', ')}] and [${b.dims.join(', ')}]`,
    );
  const values = async (which: string, tensor: Tensor) =>
    weightsOf(`${path} ${which}`, tensor, await readBytes(path, tensor, undefined));
  const down = transpose(await values('lora_A', a), rank, inputs);
  const up = transpose(await values('lora_B', b), outputs, rank);
  return {
    a: float32Tensor([inputs, rank], down),
    b: float32Tensor([rank, outputs], gain === 1 ? up : up.map((value) => value * gain)),
  };
};

/** What differs by rounding only is equal: alpha is written as scale·r. */
const gainOf = (path: string, own: number, scale: number): number => {
  if (own === scale) return 1;
  if (scale === 0) throw refuse('unsupported', `${path} has a scale, and the first module's is 0`);
  const gain = own / scale;
  return Math.abs(gain - 1) < 1e-12 ? 1 : gain;
};
