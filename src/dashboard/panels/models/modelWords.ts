import type { ModelsView, OnnxDescription, OutputDifference, Recipe } from '../../../app/readModels.ts';
import { formatBytes, formatCount, formatInteger } from '../../kit/format.ts';

type RecipeWords = { readonly title: string; readonly act: string; readonly what: string };

export const recipeWords: Readonly<Record<Recipe, RecipeWords>> = {
  int8: {
    title: '8 bits',
    act: 'Make it 8 bits',
    what: 'The safe choice: answers hardly change, and WebAssembly runs it about as fast as before.',
  },
  q4: {
    title: '4 bits, rounded',
    act: 'Round it to 4 bits',
    what: 'For large models on a graphics card and for short downloads. Slow on WebAssembly.',
  },
  'q4-hqq': {
    title: '4 bits, fitted',
    act: 'Fit it to 4 bits',
    what: 'As small as the rounded one with less error; takes several times as long to make.',
  },
  ternary: {
    title: 'Ternary',
    act: 'Make it ternary',
    what: 'Every weight becomes −1, 0 or 1: for models that were trained for it. Others stop making sense.',
  },
  'unpack-int8': {
    title: '4 bits to 8 bits',
    act: 'Turn it into 8 bits',
    what: 'Larger again, and many times faster on WebAssembly. What 4 bits have lost does not come back.',
  },
  'unpack-float32': {
    title: 'Back to floats',
    act: 'Turn it back to floats',
    what: 'For tools that know no small weights. What was lost does not come back.',
  },
};

/** "3.9 times smaller", "1.2 times larger", "about the same size". */
export const ratioInWords = (before: number, after: number): string => {
  const ratio = before / after;
  if (!Number.isFinite(ratio) || ratio <= 0) return 'of no known size';
  if (ratio > 0.98 && ratio < 1.02) return 'about the same size';
  const times = (value: number) =>
    value >= 10 ? value.toFixed(0) : value >= 1.95 ? value.toFixed(1) : value.toFixed(2);
  return ratio > 1 ? `${times(ratio)} times smaller` : `${times(1 / ratio)} times larger`;
};

/** "x, axis 0", for each place where a size that the model leaves open occurs. */
export const placesOf = (size: string, { feeds }: Pick<OnnxDescription, 'feeds'>): string =>
  feeds
    .flatMap(({ name, dims }) => dims.flatMap((dim, axis) => (dim === size ? `“${name}”, axis ${axis}` : [])))
    .join('; ');

/** Errors are shown where they differ: 0.0042 %, 1.3 %, 84 %. */
export const formatError = (share: number): string => {
  if (share === 0) return '0 %';
  const percent = share * 100;
  if (percent < 0.0001) return '< 0.0001 %';
  return `${percent >= 10 ? percent.toFixed(0) : Number(percent.toPrecision(2))} %`;
};

/** So many nines as there are: 0.99993 must not become 1. */
export const formatCosine = (cosine: number): string =>
  cosine > 0.999_999_95 ? '1' : cosine.toFixed(cosine > 0.999 ? 6 : 4);

export const formatShape = (dims: readonly number[]): string =>
  dims.length === 0 ? 'scalar' : dims.join(' × ');

export const opsetsInWords = (opsets: OnnxDescription['opsets']): string =>
  Object.entries(opsets)
    .map(([domain, version]) => `${domain} ${version}`)
    .join(', ');

/** Reasons that many tensors share are said once, the most frequent first. */
export const skippedByReason = (
  skipped: readonly { readonly name: string; readonly reason: string }[],
): readonly { readonly reason: string; readonly names: readonly string[] }[] => {
  const byReason = new Map<string, string[]>();
  for (const { name, reason } of skipped) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
  return [...byReason]
    .map(([reason, names]) => ({ reason, names }))
    .sort((a, b) => b.names.length - a.names.length);
};

/** Why nothing can be made of what is open; undefined if something can. */
export const whyNothing = (file: Extract<ModelsView['file'], { phase: 'open' }>): string | undefined => {
  const { description, plans } = file;
  if (description.kind === 'safetensors')
    return 'A .safetensors file holds weights and not what is computed with them. Give the .onnx model to make it smaller.';
  if (description.missing.length > 0) return 'First it needs the weights that are missing.';
  if (plans.some(({ outcome }) => outcome.ok && outcome.value.tensors > 0)) return undefined;
  const refused = plans.find(({ outcome }) => !outcome.ok)?.outcome;
  if (refused && !refused.ok) return refused.error.message;
  if (description.ops.some(([op]) => fewBits.test(op)))
    return 'Its weights are in few bits already: nothing of it can be made smaller here.';
  return 'No weight in it is large enough, or used in a way that could be written in fewer bits.';
};

/** Operators that only models in few bits have. */
const fewBits =
  /MatMulNBits|GatherBlockQuantized|DynamicQuantizeMatMul|MatMulInteger|QLinear|DequantizeLinear/;

/** "9 weights change, 33 stay". */
export const changesInWords = (changed: number, kept: number): string =>
  `${formatCount(changed, 'weight changes', 'weights change')}${kept > 0 ? `, ${formatInteger(kept)} stay` : ''}`;

/** Files that the model names and nobody gave. */
export const missingInWords = (missing: readonly string[]): string => {
  const one = missing.length === 1;
  return `They are in ${listed(missing)}, which ${one ? 'was' : 'were'} not given: choose the model and ${one ? 'that file' : 'those files'} together.`;
};

/** Why two models can't be fed; undefined if they can. */
export const whyNoInputs = ({ feeds }: OnnxDescription): string | undefined => {
  const hard = feeds.filter(({ obstacle }) => obstacle !== undefined);
  if (hard.length === 0) return undefined;
  return `Inputs can’t be made for it: ${hard.map(({ name, obstacle }) => `“${name}”: ${obstacle}`).join('; ')}.`;
};

/** Said to a screen reader when it changes, so without numbers that run. */
export const workInWords = ({ file, work, comparison }: ModelsView): string => {
  if (file.phase === 'reading') return `Reading ${file.name}`;
  if (comparison.phase === 'running') return 'Comparing';
  if (comparison.phase === 'done') return 'Compared';
  switch (work.phase) {
    case 'running':
      return `Making ${recipeWords[work.recipe].title}`;
    case 'done':
      return `${work.name} is ready: ${formatBytes(work.report.bytesAfter)}`;
    case 'cancelled':
      return 'Stopped';
    case 'failed':
      return '';
    case 'none':
      return file.phase === 'open' ? `${file.name} is open` : '';
    default:
      return work satisfies never;
  }
};

export const comparisonInWords = (outputs: readonly OutputDifference[], runs: number): string => {
  const worst = outputs.reduce((most, { relative }) => Math.max(most, relative), 0);
  const tops = outputs.flatMap(({ sameTop }) => sameTop ?? []);
  const same = tops.length === 0 ? '' : ` The top choice stayed the same in ${sharedTop(Math.min(...tops))}.`;
  const broken = outputs.some(({ notFinite }) => notFinite > 0) ? ' Some numbers are not finite.' : '';
  const apart = worst === 0 ? 'Both give the same' : `The outputs differ by ${formatError(worst)}`;
  return `${apart} over ${formatCount(runs, 'run')}.${same}${broken}`;
};

/** Never "100 %" for less than all. */
export const sharedTop = (share: number): string => {
  if (share === 1) return 'all rows';
  return `${Math.min(99.9, share * 100).toFixed(share > 0.99 ? 1 : 0)} % of rows`;
};

const listed = (names: readonly string[]): string => {
  const shown = names.slice(0, 3).map((name) => `“${name}”`);
  const more = names.length - shown.length;
  return more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(' and ');
};
