import { refuse } from '../codec/refusal.ts';
import type { Metadata } from '../ir/types.ts';

/** The fields of PEFT's `adapter_config.json` that a scale needs, and those without which PEFT doesn't load one. */
export type PeftConfig = {
  readonly peft_type: 'LORA';
  readonly r: number;
  readonly lora_alpha: number;
  /** By module path, where they differ from `r` and `lora_alpha`. */
  readonly rank_pattern: Readonly<Record<string, number>>;
  readonly alpha_pattern: Readonly<Record<string, number>>;
  /** Kalajdzievski 2023: α ÷ √r in place of α ÷ r. */
  readonly use_rslora: boolean;
  readonly target_modules: readonly string[];
};

/** The configuration whose every module has this scale. */
export const configOf = (scale: number, ranks: ReadonlyMap<string, number>): PeftConfig => {
  const r = [...ranks.values()].reduce((most, rank) => Math.max(most, rank), 1);
  const others = [...ranks].filter(([, rank]) => rank !== r);
  return {
    peft_type: 'LORA',
    r,
    lora_alpha: scale * r,
    rank_pattern: Object.fromEntries(others),
    alpha_pattern: Object.fromEntries(others.map(([path, rank]) => [path, scale * rank])),
    use_rslora: false,
    target_modules: [...ranks.keys()],
  };
};

/** What is needed of a configuration to scale: checked, defaults in. Throws `Refusal`. */
export type Scaling = Pick<PeftConfig, 'lora_alpha' | 'alpha_pattern' | 'use_rslora'>;

export const parseConfig = (config: unknown): Scaling => {
  if (!isRecord(config)) throw refuse('invalid', 'the configuration is no object');
  if (config['use_dora'] === true)
    throw refuse('unsupported', 'DoRA adapters have magnitudes beside factors');
  const { lora_alpha, alpha_pattern = {}, use_rslora = false } = config;
  if (typeof lora_alpha !== 'number' || !Number.isFinite(lora_alpha))
    throw refuse('missing', 'nothing says lora_alpha: give the adapter_config.json of the file');
  if (!isRecord(alpha_pattern) || typeof use_rslora !== 'boolean')
    throw refuse('invalid', 'alpha_pattern must be an object, and use_rslora true or false');
  const alphas = Object.entries(alpha_pattern).map(([path, alpha]) => {
    if (typeof alpha !== 'number' || !Number.isFinite(alpha))
      throw refuse('invalid', `the alpha of ${path} is no number`);
    if (!/^[\w./:-]+$/.test(path))
      throw refuse('unsupported', `alpha_pattern has ${path}, a pattern, no path`);
    return [path, alpha] as const;
  });
  return { lora_alpha, alpha_pattern: Object.fromEntries(alphas), use_rslora };
};

/** PEFT takes a key for a module whose path ends with it after a dot. */
export const alphaOf = ({ lora_alpha, alpha_pattern }: Scaling, path: string): number =>
  Object.entries(alpha_pattern).find(([key]) => path === key || path.endsWith(`.${key}`))?.[1] ?? lora_alpha;

/** What files written here say of themselves; nothing of it need be there. */
export const parseMetadata = (
  metadata: Metadata | undefined,
): { readonly settings: unknown; readonly weights: ReadonlyMap<string, string> } => {
  const { weights, format: _, ...texts } = metadata ?? {};
  const settings = Object.entries(texts).flatMap(([key, text]) => {
    const value = parsed(text);
    return value === undefined ? [] : [[key, value] as const];
  });
  const pairs = weights === undefined ? [] : parsed(weights);
  if (!Array.isArray(pairs) || !pairs.every(isPair))
    throw refuse('malformed', 'the metadata has weights that are no list of paths and names');
  return { settings: Object.fromEntries(settings), weights: new Map(pairs) };
};

const isPair = (value: unknown): value is readonly [string, string] =>
  Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'string');

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};
