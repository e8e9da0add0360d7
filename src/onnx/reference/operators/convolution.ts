import {
  type Call,
  floatInput,
  invalid,
  type Operator,
  optionalFloat,
  optionalInts,
  requireDims,
  requireSameType,
  spend,
  stringAttribute,
  zeros,
} from '../call.ts';
import { at, equalDims, indexAt, itemAt, product } from '../indexing.ts';
import type { RealArray } from '../ndArray.ts';
import {
  extentOf,
  groupsOfNode,
  outputDim,
  perAxis,
  readWindow,
  requireImage,
  tapTables,
  type WindowAxis,
} from './window.ts';

/** What Conv and ConvTranspose share: `wide` is the image a kernel slides over, `narrow` what it makes of it. */
type Geometry = {
  readonly tables: readonly Int32Array[];
  /** Elements of one channel. */
  readonly wide: number;
  readonly narrow: number;
  readonly wideChannels: number;
  readonly narrowChannels: number;
  readonly groups: number;
};

const weightsOf = (call: Call, image: RealArray): { weights: RealArray; kernel: readonly number[] } => {
  requireSameType(call, [0, 1]);
  const weights = floatInput(call, 1);
  if (weights.dims.length !== image.dims.length)
    throw invalid(`weights [${weights.dims}] are of another rank than [${image.dims}]`);
  const kernel = weights.dims.slice(2);
  const told = optionalInts(call, 'kernel_shape');
  if (told && !equalDims(told, kernel))
    throw invalid(`kernel_shape [${told}] is not that of [${weights.dims}]`);
  return { weights, kernel };
};

/** Starts from the bias of each channel, or 0. */
const withBias = (call: Call, like: RealArray, dims: readonly number[]): RealArray => {
  const result = zeros(call, like.dtype, dims);
  const bias = optionalFloat(call, 2);
  if (!bias) return result;
  const channels = itemAt(dims, 1);
  requireDims(bias, 2, [channels]);
  const size = product(dims.slice(2));
  for (let i = 0; i < result.values.length; i++)
    result.values[i] = at(bias.values, Math.floor(i / size) % channels);
  return result;
};

/** Every (narrow channel, wide channel of its group), with where in the weights their kernel begins. */
const forKernels = (
  { wideChannels, narrowChannels, groups, tables }: Geometry,
  visit: (narrow: number, wide: number, weight: number) => void,
): void => {
  const [wideGroup, narrowGroup] = [wideChannels / groups, narrowChannels / groups];
  for (let narrow = 0; narrow < narrowChannels; narrow++) {
    const first = Math.floor(narrow / narrowGroup) * wideGroup;
    for (let i = 0; i < wideGroup; i++) visit(narrow, first + i, (narrow * wideGroup + i) * tables.length);
  }
};

/** Cross-correlation over [N, C, spatial…] with weights [M, C / group, kernel…]. */
const conv: Operator = (call) => {
  const x = floatInput(call, 0);
  const { weights, kernel } = weightsOf(call, x);
  const dims = requireImage(x.dims);
  const windows = readWindow(call, kernel, dims);
  const places = windows.map((window, axis) => outputDim(window, itemAt(dims, axis)));
  const groups = groupsOfNode(call);
  const [n, c, m] = [itemAt(x.dims, 0), itemAt(x.dims, 1), itemAt(weights.dims, 0)];
  if (itemAt(weights.dims, 1) * groups !== c || m % groups !== 0)
    throw invalid(`weights [${weights.dims}] in ${groups} groups don't fit to [${x.dims}]`);
  const result = withBias(call, x, [n, m, ...places]);
  spend(call, n * product(weights.dims) * product(places));
  const tables = tapTables(call, windows, dims, places);
  const shape = {
    tables,
    wide: product(dims),
    narrow: product(places),
    wideChannels: c,
    narrowChannels: m,
    groups,
  };
  for (let batch = 0; batch < n; batch++)
    forKernels(shape, (narrow, wide, weight) => {
      const from = (batch * c + wide) * shape.wide;
      const to = (batch * m + narrow) * shape.narrow;
      for (const [tap, table] of tables.entries())
        accumulate(call.single, result.values, to, x.values, from, table, at(weights.values, weight + tap));
    });
  return [result];
};

/** out[to + place] += weight · x[from + table[place]]. */
const accumulate = (
  single: boolean,
  out: Float64Array,
  to: number,
  x: Float64Array,
  from: number,
  table: Int32Array,
  weight: number,
): void => {
  for (let place = 0; place < table.length; place++) {
    const source = indexAt(table, place);
    if (source === -1) continue;
    const sum = at(out, to + place) + weight * at(x, from + source);
    out[to + place] = single ? Math.fround(sum) : sum;
  }
};

/** out[to + table[place]] += weight · x[from + place]: the adjoint. */
const spread = (
  single: boolean,
  out: Float64Array,
  to: number,
  x: Float64Array,
  from: number,
  table: Int32Array,
  weight: number,
): void => {
  for (let place = 0; place < table.length; place++) {
    const target = indexAt(table, place);
    if (target === -1) continue;
    const sum = at(out, to + target) + weight * at(x, from + place);
    out[to + target] = single ? Math.fround(sum) : sum;
  }
};

/** The adjoint of a convolution with the same attributes: [N, C, spatial…] and weights [C, M / group, kernel…] to M channels. */
const convTranspose: Operator = (call) => {
  const x = floatInput(call, 0);
  const { weights, kernel } = weightsOf(call, x);
  const dims = requireImage(x.dims);
  const { windows, outputs } = transposedWindow(call, kernel, dims);
  const groups = groupsOfNode(call);
  const [n, c] = [itemAt(x.dims, 0), itemAt(x.dims, 1)];
  const m = itemAt(weights.dims, 1) * groups;
  if (itemAt(weights.dims, 0) !== c || c % groups !== 0)
    throw invalid(`weights [${weights.dims}] in ${groups} groups don't fit to [${x.dims}]`);
  const result = withBias(call, x, [n, m, ...outputs]);
  spend(call, n * product(weights.dims) * product(dims));
  const tables = tapTables(call, windows, outputs, dims);
  const shape = {
    tables,
    wide: product(outputs),
    narrow: product(dims),
    wideChannels: m,
    narrowChannels: c,
    groups,
  };
  for (let batch = 0; batch < n; batch++)
    forKernels(shape, (narrow, wide, weight) => {
      const from = (batch * c + narrow) * shape.narrow;
      const to = (batch * m + wide) * shape.wide;
      for (const [tap, table] of tables.entries())
        spread(call.single, result.values, to, x.values, from, table, at(weights.values, weight + tap));
    });
  return [result];
};

/** The output's size from the pads, or the pads from the size that `output_shape` or SAME asks for. */
const transposedWindow = (call: Call, kernel: readonly number[], dims: readonly number[]) => {
  const rank = kernel.length;
  const padding = perAxis(call, 'output_padding', rank, 0);
  const asked = optionalInts(call, 'output_shape')?.slice(-rank);
  const mode = stringAttribute(call, 'auto_pad', 'NOTSET');
  const isSame = mode.startsWith('SAME');
  // Pads that readWindow makes of SAME are those of a convolution over `dims`: only the rest of it is used then.
  const parts = readWindow(call, kernel, dims).map((window, axis) => {
    const dim = itemAt(dims, axis);
    const full = window.stride * (dim - 1) + itemAt(padding, axis) + extentOf(window);
    const wanted = asked?.[axis] ?? (isSame ? dim * window.stride : undefined);
    if (wanted === undefined) return { window, output: full - window.padBefore - window.padAfter };
    const total = full - wanted;
    const less = Math.floor(total / 2);
    const before = mode === 'SAME_UPPER' ? less : total - less;
    return { window: { ...window, padBefore: before, padAfter: total - before }, output: wanted };
  });
  const outputs = parts.map(({ output }) => output);
  if (outputs.some((output) => output < 0)) throw invalid(`an output of [${outputs}]`);
  return { windows: parts.map(({ window }): WindowAxis => window), outputs };
};

export const convolutionOperators = {
  Conv: conv,
  ConvTranspose: convTranspose,
} satisfies Record<string, Operator>;
