import { type Dims, type Emitter, type Name, sizeOf } from '../emitter.ts';
import { addAll, compare, div, expand, mul, reshape, scale, sum, toFloat } from '../math.ts';
import { gradients, type Rule, type Site, unsupported } from '../rule.ts';
import { gradientOfInput, type Window, windowOf } from './convolution.ts';

const poolWindow = (site: Site): Window | undefined => {
  const kernel = site.attribute.ints('kernel_shape');
  if (!kernel || site.attribute.int('ceil_mode', 0) !== 0) return undefined;
  return windowOf(site, { input: site.dims(0).slice(2), output: site.outputDims.slice(2), kernel });
};

/** Windows that lie side by side and leave nothing out are an axis of their own after a reshape. */
const isTiling = (window: Window, input: Dims): boolean =>
  window.kernel.every(
    (size, axis) =>
      window.strides[axis] === size &&
      window.dilations[axis] === 1 &&
      window.before[axis] === 0 &&
      window.after[axis] === 0 &&
      (input[axis + 2] ?? 0) % size === 0,
  );

/** [N, C, o₀·k₀, …] is [N, C, o₀, k₀, …]; among those that equal the greatest, dy is shared. */
const tiledMax = (e: Emitter, x: Name, y: Name, dy: Name, window: Window): Name => {
  const [dims, lead] = [e.dims(x), e.dims(x).slice(0, 2)];
  const outer = e.dims(y).slice(2);
  const apart = [...lead, ...outer.flatMap((size, axis) => [size, window.kernel[axis] ?? 1])];
  const kept = [...lead, ...outer.flatMap((size) => [size, 1])];
  const hit = toFloat(e, compare(e, 'Equal', reshape(e, x, apart), reshape(e, y, kept)));
  const axes = outer.map((_, axis) => 3 + 2 * axis);
  const share = div(e, reshape(e, dy, kept), sum(e, hit, axes));
  return reshape(e, mul(e, hit, share), dims);
};

const offsetsOf = (kernel: Dims): readonly Dims[] =>
  kernel.reduce<readonly Dims[]>(
    (offsets, size) => offsets.flatMap((offset) => Array.from({ length: size }, (_, at) => [...offset, at])),
    [[]],
  );

/** Less than any value that a model computes with; -∞ would do, and some runtimes refuse it as a pad. */
const leastValue = -3.4e38;

/** The elements that a place in the window meets, one for each output. */
const strided = (e: Emitter, x: Name, window: Window, offset: Dims, output: Dims): Name => {
  const starts = offset.map((at, axis) => at * (window.dilations[axis] ?? 1));
  const ends = starts.map(
    (start, axis) => start + ((output[axis + 2] ?? 1) - 1) * (window.strides[axis] ?? 1) + 1,
  );
  const axes = starts.map((_, axis) => axis + 2);
  return e.emit('Slice', [x, e.ints(starts), e.ints(ends), e.ints(axes), e.ints(window.strides)], output);
};

/**
 * Overlapping windows: each place of the window compares what it meets with the greatest, and what it is due is put back by a
 * transposed convolution whose kernel has one 1 for each place.
 */
const overlappingMax = (site: Site, x: Name, y: Name, dy: Name, window: Window): Name => {
  const { e } = site;
  const [dims, output] = [e.dims(x), e.dims(y)];
  const padded = [...dims.slice(0, 2)].concat(
    dims.slice(2).map((size, axis) => size + (window.before[axis] ?? 0) + (window.after[axis] ?? 0)),
  );
  const widths = [0, 0, ...window.before, 0, 0, ...window.after];
  const wide = widths.every((width) => width === 0)
    ? x
    : e.emit('Pad', [x, e.ints(widths), e.scalar(leastValue)], padded);
  const offsets = offsetsOf(window.kernel);
  const hits = offsets.map((offset) =>
    toFloat(e, compare(e, 'Equal', strided(e, wide, window, offset, output), y)),
  );
  const [first, ...others] = hits;
  if (first === undefined) return dy;
  const share = div(e, dy, addAll(e, [first, ...others]));
  const planes = sizeOf(output.slice(0, 2));
  const flat = [planes, 1, ...output.slice(2)];
  const due = hits.map((hit) => reshape(e, mul(e, hit, share), flat));
  const together = e.emit('Concat', due, [planes, offsets.length, ...output.slice(2)], {
    attributes: { axis: { type: 'int', value: 1 } },
  });
  const count = offsets.length;
  const oneHot = new Float32Array(count * count);
  for (let place = 0; place < count; place++) oneHot[place * count + place] = 1;
  const kernel = e.floats([count, 1, ...window.kernel], oneHot);
  const back = gradientOfInput(site, together, kernel, window, 1, [planes, 1, ...dims.slice(2)]);
  return reshape(e, back, dims);
};

const maxPool: Rule = (site) => {
  const [x] = site.inputs;
  const dy = site.grad(0);
  if (x === undefined || dy === undefined) return gradients();
  const window = poolWindow(site);
  if (!window) return unsupported(site, 'ceil_mode');
  const y = site.output(0, site.outputDims);
  return gradients(
    isTiling(window, site.dims(0))
      ? tiledMax(site.e, x, y, dy, window)
      : overlappingMax(site, x, y, dy, window),
  );
};

/** How many of its elements are no padding, for each output position. */
const countsOf = (window: Window, input: Dims, output: Dims, withPads: boolean): Float32Array => {
  const perAxis = output.map((size, axis) =>
    Array.from({ length: size }, (_, at) => {
      const first = at * (window.strides[axis] ?? 1) - (window.before[axis] ?? 0);
      let inside = 0;
      for (let k = 0; k < (window.kernel[axis] ?? 1); k++) {
        const place = first + k * (window.dilations[axis] ?? 1);
        if (withPads || (place >= 0 && place < (input[axis] ?? 0))) inside++;
      }
      return inside;
    }),
  );
  const counts = perAxis.reduce<readonly number[]>(
    (all, axis) => all.flatMap((count) => axis.map((inside) => count * inside)),
    [1],
  );
  return Float32Array.from(counts);
};

const averagePool: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  const window = poolWindow(site);
  if (!window) return unsupported(site, 'ceil_mode');
  const [input, output] = [site.dims(0), site.outputDims];
  const withPads = site.attribute.int('count_include_pad', 0) !== 0;
  const counts = countsOf(window, input.slice(2), output.slice(2), withPads);
  const share = div(e, dy, e.floats([1, 1, ...output.slice(2)], counts));
  const planes = sizeOf(output.slice(0, 2));
  const flat = reshape(e, share, [planes, 1, ...output.slice(2)]);
  const kernel = expand(e, e.scalar(1), [1, 1, ...window.kernel]);
  const back = gradientOfInput(site, flat, kernel, window, 1, [planes, 1, ...input.slice(2)]);
  return gradients(reshape(e, back, input));
};

const globalAverage: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  return gradients(expand(e, scale(e, dy, 1 / sizeOf(site.dims(0).slice(2))), site.dims(0)));
};

const globalMax: Rule = (site) => {
  const { e } = site;
  const [x] = site.inputs;
  const dy = site.grad(0);
  if (x === undefined || dy === undefined) return gradients();
  const hit = toFloat(e, compare(e, 'Equal', x, site.output(0, site.outputDims)));
  const axes = site.dims(0).flatMap((_, axis) => (axis < 2 ? [] : [axis]));
  return gradients(mul(e, hit, div(e, dy, sum(e, hit, axes))));
};

export const poolingRules: Readonly<Record<string, Rule>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAverage,
  GlobalMaxPool: globalMax,
};
