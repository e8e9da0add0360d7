import { int } from '../../ir/attributes.ts';
import type { Name } from '../emitter.ts';
import { axisOf, reshape, slice, sum, transpose, unbroadcast, zeros } from '../math.ts';
import { gradients, type Rule, type Site, unsupported } from '../rule.ts';

/** What only gives values another shape, in the same order. */
const reshaped: Rule = (site) => {
  const dy = site.grad(0);
  return gradients(dy === undefined ? undefined : reshape(site.e, dy, site.dims(0)));
};

const transposed: Rule = (site) => {
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  const rank = site.outputDims.length;
  const permutation =
    site.attribute.ints('perm') ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const inverse = Array.from({ length: rank }, (_, axis) => permutation.indexOf(axis));
  return gradients(transpose(site.e, dy, inverse));
};

const concat: Rule = (site) => {
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  const axis = axisOf(site.attribute.int('axis', 0), site.outputDims.length);
  let start = 0;
  return gradients(
    ...site.inputs.map((_, index) => {
      const length = site.dims(index)[axis] ?? 0;
      const part = { axis, start, length };
      start += length;
      return site.wants(index) ? slice(site.e, dy, [part]) : undefined;
    }),
  );
};

const split: Rule = (site) => {
  const { e, node } = site;
  const axis = axisOf(site.attribute.int('axis', 0), site.dims(0).length);
  const parts: Name[] = [];
  for (const [index, output] of node.outputs.entries()) {
    const dims = e.known(output)?.dims;
    if (!dims) return unsupported(site, 'an output of unknown dims');
    parts.push(site.grad(index) ?? zeros(e, dims));
  }
  return gradients(e.emit('Concat', parts, site.dims(0), { attributes: { axis: int(axis) } }));
};

const pads = (e: Site['e'], x: Name, before: readonly number[], after: readonly number[]): Name => {
  if ([...before, ...after].every((pad) => pad === 0)) return x;
  const dims = e.dims(x).map((dim, axis) => dim + (before[axis] ?? 0) + (after[axis] ?? 0));
  return e.emit('Pad', [x, e.ints([...before, ...after]), e.scalar(0)], dims);
};

type Cut = { readonly axis: number; readonly start: number; readonly step: number };

const cutsOf = (site: Site): readonly Cut[] | undefined => {
  const dims = site.dims(0);
  const [starts, axes, steps] = [site.constantInts(1), site.constantInts(3), site.constantInts(4)];
  if (!starts || (site.inputs[3] && !axes) || (site.inputs[4] && !steps)) return undefined;
  return starts.map((start, index) => {
    const axis = axisOf(axes?.[index] ?? index, dims.length);
    const dim = dims[axis] ?? 1;
    const step = steps?.[index] ?? 1;
    const from = start < 0 ? start + dim : start;
    return { axis, start: Math.max(0, Math.min(from, step < 0 ? dim - 1 : dim)), step };
  });
};

/**
 * The slice is put back where it was, among zeros. With steps between, by its positions along the axis: one scatter that
 * also turns a slice round that ran backwards.
 */
const sliced: Rule = (site) => {
  const { e } = site;
  let dx = site.grad(0);
  if (dx === undefined) return gradients();
  const dims = site.dims(0);
  const cuts = cutsOf(site);
  if (!cuts) return unsupported(site, 'starts, axes or steps that are computed');
  for (const { axis, start, step } of cuts) {
    const now = e.dims(dx);
    const [length, dim] = [now[axis] ?? 0, dims[axis] ?? 0];
    if (step === 1) {
      const before = now.map((_, at) => (at === axis ? start : 0));
      const after = now.map((_, at) => (at === axis ? dim - start - length : 0));
      dx = pads(e, dx, before, after);
      continue;
    }
    const positions = e.ints(Array.from({ length }, (_, index) => start + index * step));
    const alone = now.map((_, at) => (at === axis ? length : 1));
    const whole = now.map((size, at) => (at === axis ? dim : size));
    const spread = e.emit('Reshape', [positions, e.ints(alone)], alone, { dtype: 'int64' });
    const indices = e.emit('Expand', [spread, e.ints(now)], now, { dtype: 'int64' });
    dx = e.emit('ScatterElements', [zeros(e, whole), indices, dx], whole, {
      attributes: { axis: int(axis) },
    });
  }
  return gradients(dx);
};

const expanded: Rule = (site) => {
  const dy = site.grad(0);
  return gradients(dy === undefined ? undefined : unbroadcast(site.e, dy, site.dims(0)));
};

/** [r₀·d₀, …] is [r₀, d₀, …], of which the r are summed. */
const tiled: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  const dims = site.dims(0);
  const apart = dims.flatMap((dim, axis) => [dim === 0 ? 1 : (site.outputDims[axis] ?? 0) / dim, dim]);
  const summed = sum(
    e,
    reshape(e, dy, apart),
    dims.map((_, axis) => 2 * axis),
  );
  return gradients(reshape(e, summed, dims));
};

const padded: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  if (site.attribute.text('mode', 'constant') !== 'constant')
    return unsupported(site, `the mode '${site.attribute.text('mode', '')}'`);
  const dims = site.dims(0);
  const widths = site.constantInts(1);
  if (!widths) return unsupported(site, 'pads that are computed');
  const axes = site.inputs[3] ? site.constantInts(3) : dims.map((_, axis) => axis);
  if (!axes) return unsupported(site, 'axes that are computed');
  if (widths.some((width) => width < 0)) return unsupported(site, 'negative pads');
  const parts = axes.map((axis, index) => {
    const at = axisOf(axis, dims.length);
    return { axis: at, start: widths[index] ?? 0, length: dims[at] ?? 0 };
  });
  return gradients(slice(e, dy, parts));
};

const trilu: Rule = (site) => {
  const [, k] = site.inputs;
  const dy = site.grad(0);
  if (dy === undefined) return gradients();
  const attributes = { upper: int(site.attribute.int('upper', 1)) };
  return gradients(site.e.emit('Trilu', k ? [dy, k] : [dy], site.outputDims, { attributes }));
};

/**
 * [N, b, b, C, h, w] or, by CRD, [N, C, b, b, h, w], put together to [N, C, h·b, w·b]: taken apart again.
 */
const depthToSpace: Rule = (site) => {
  const { e } = site;
  const dy = site.grad(0);
  const [n, c, h, w] = site.dims(0);
  if (dy === undefined || n === undefined || c === undefined || h === undefined || w === undefined)
    return gradients();
  const block = site.attribute.int('blocksize', 1);
  const apart = reshape(e, dy, [n, c / block ** 2, h, block, w, block]);
  const columnsFirst = site.attribute.text('mode', 'DCR') === 'CRD';
  const turned = transpose(e, apart, columnsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4]);
  return gradients(reshape(e, turned, [n, c, h, w]));
};

/** Every place is in the sums from there on. */
const cumSum: Rule = (site) => {
  const [, axis] = site.inputs;
  const dy = site.grad(0);
  if (dy === undefined || axis === undefined) return gradients();
  const attributes = {
    exclusive: int(site.attribute.int('exclusive', 0)),
    reverse: int(1 - site.attribute.int('reverse', 0)),
  };
  return gradients(site.e.emit('CumSum', [dy, axis], site.outputDims, { attributes }));
};

export const movementRules: Readonly<Record<string, Rule>> = {
  Reshape: reshaped,
  Flatten: reshaped,
  Squeeze: reshaped,
  Unsqueeze: reshaped,
  Transpose: transposed,
  Concat: concat,
  Split: split,
  Slice: sliced,
  Expand: expanded,
  Tile: tiled,
  Pad: padded,
  Trilu: trilu,
  CumSum: cumSum,
  DepthToSpace: depthToSpace,
};
