import { createStream } from '../build/random.ts';

/**
 * Which elements of a task vector, tensor − base, are kept: a factor for each, 0 where it is dropped. Magnitudes that are
 * equal rank by place, the earlier one higher, so that the result doesn't depend on a sort.
 */

/** Which elements belong to one neuron: rows of `width` elements, or columns of a matrix that is so wide. */
export type Neurons = { readonly kind: 'rows' | 'columns'; readonly width: number };

/** 1 for the `density`·n largest, rounded down as the reference implementation does, but one at least. */
export const keepLargest = (base: Float32Array, tensor: Float32Array, density: number): Float32Array => {
  const count = tensor.length;
  const kept = Math.max(1, Math.floor(density * count));
  if (kept >= count) return new Float32Array(count).fill(1);
  const magnitude = (i: number) => Math.abs((tensor[i] ?? 0) - (base[i] ?? 0));
  const { least, above } = largest(count, kept, magnitude);
  let equals = kept - above;
  const factors = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const found = magnitude(i);
    if (found > least || (found === least && equals-- > 0)) factors[i] = 1;
  }
  return factors;
};

/**
 * The `kept`-th largest magnitude, and how many are larger. Counts magnitudes by the upper half of their bits as float32, which
 * keep their order, and sorts only those of the half in which it is.
 */
const largest = (
  count: number,
  kept: number,
  magnitude: (i: number) => number,
): { readonly least: number; readonly above: number } => {
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  const binOf = (i: number): number => {
    single[0] = magnitude(i);
    return (bits[0] ?? 0) >>> 16;
  };
  const counts = new Uint32Array(2 ** 16);
  for (let i = 0; i < count; i++) {
    const bin = binOf(i);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  let bin = counts.length - 1;
  let above = 0;
  for (; above + (counts[bin] ?? 0) < kept; bin--) above += counts[bin] ?? 0;
  const inBin = new Float64Array(counts[bin] ?? 0);
  let filled = 0;
  for (let i = 0; i < count; i++) if (binOf(i) === bin) inBin[filled++] = magnitude(i);
  inBin.sort();
  const least = inBin[inBin.length - (kept - above)] ?? 0;
  return { least, above: above + inBin.length - 1 - inBin.lastIndexOf(least) };
};

/** `chances` of being kept; the factor is 1 ÷ chance if `rescale`, else 1. The same seed and stream give the same choice. */
export const keepByChance = (
  chances: Float64Array,
  { seed, stream, rescale }: { readonly seed: number; readonly stream: string; readonly rescale: boolean },
): Float32Array => {
  const factors = new Float32Array(chances.length);
  const draw = createStream(seed, stream);
  for (let i = 0; i < factors.length; i += 4) {
    const words = draw(i / 4);
    for (let j = 0; j < 4 && i + j < factors.length; j++) {
      const chance = chances[i + j] ?? 0;
      if ((words[j] ?? 0) * 2 ** -32 < chance) factors[i + j] = rescale ? 1 / chance : 1;
    }
  }
  return factors;
};

/** DELLA's chances: by the rank r = 0 … n−1 of the magnitude within a neuron, density − ε + 2ε·r/(n−1). */
export const rankChances = (
  base: Float32Array,
  tensor: Float32Array,
  {
    density,
    epsilon,
    neurons,
  }: { readonly density: number; readonly epsilon: number; readonly neurons: Neurons },
): Float64Array => {
  const chances = new Float64Array(tensor.length).fill(density);
  const magnitude = (i: number) => Math.abs((tensor[i] ?? 0) - (base[i] ?? 0));
  if (density < 1)
    for (const places of groupsOf(tensor.length, neurons)) {
      if (places.length < 2) continue;
      places.sort((a, b) => magnitude(a) - magnitude(b) || b - a);
      places.forEach((place, rank) => {
        chances[place] = density - epsilon + (2 * epsilon * rank) / (places.length - 1);
      });
    }
  return chances;
};

function* groupsOf(count: number, { kind, width }: Neurons): Generator<Uint32Array> {
  const rows = width === 0 ? 0 : count / width;
  if (kind === 'rows')
    for (let row = 0; row < rows; row++)
      yield Uint32Array.from({ length: width }, (_, column) => row * width + column);
  else
    for (let column = 0; column < width; column++)
      yield Uint32Array.from({ length: rows }, (_, row) => row * width + column);
}
