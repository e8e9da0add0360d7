import { type Dims, type Emitter, type Name, sizeOf } from '../emitter.ts';
import { axisOf, compare, div, expand, mul, neg, reshape, scale, sub, sum, toFloat, unary } from '../math.ts';
import { gradients, type Rule, type Site } from '../rule.ts';

/**
 * The axes, kept as ones: what a reduction gave is brought to this shape before it is spread over what it came from. They
 * are told by the dims alone if they are an input that is known only when the graph runs.
 */
const keptDims = (site: Site, axes: readonly number[] | undefined): Dims => {
  const dims = site.dims(0);
  if (axes === undefined) return dims.map(() => 1);
  return dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
};

type Share = (e: Emitter, x: Name, y: Name, dy: Name, dims: Dims, count: number) => Name;

/** `share` is told x, and y and dy with the reduced axes kept. */
const reduced =
  (share: Share): Rule =>
  (site) => {
    const { e } = site;
    const [x] = site.inputs;
    const dy = site.grad(0);
    if (x === undefined || dy === undefined) return gradients();
    const dims = site.dims(0);
    const axes = site.constantInts(1) ?? site.attribute.ints('axes');
    if (axes?.length === 0 && site.attribute.int('noop_with_empty_axes', 0) !== 0) return gradients(dy);
    const all = axes?.length ? axes.map((axis) => axisOf(axis, dims.length)) : undefined;
    const kept = keptDims(site, all);
    const y = reshape(e, site.output(0, site.outputDims), kept);
    const count = sizeOf(dims) / Math.max(1, sizeOf(kept));
    return gradients(share(e, x, y, reshape(e, dy, kept), dims, count));
  };

/** To all that are the greatest (or least), in equal shares. */
const extreme: Share = (e, x, y, dy, dims) => {
  const hit = toFloat(e, compare(e, 'Equal', x, y));
  const axes = dims.flatMap((dim, axis) => (e.dims(y)[axis] === 1 && dim !== 1 ? [axis] : []));
  return mul(e, hit, div(e, dy, sum(e, hit, axes)));
};

export const reductionRules: Readonly<Record<string, Rule>> = {
  ReduceSum: reduced((e, _x, _y, dy, dims) => expand(e, dy, dims)),
  ReduceMean: reduced((e, _x, _y, dy, dims, count) => expand(e, scale(e, dy, 1 / count), dims)),
  ReduceL1: reduced((e, x, _y, dy) => {
    const positive = toFloat(e, compare(e, 'Greater', x, e.scalar(0)));
    return mul(e, dy, sub(e, positive, toFloat(e, compare(e, 'Less', x, e.scalar(0)))));
  }),
  ReduceLogSum: reduced((e, _x, y, dy, dims) => expand(e, mul(e, dy, unary(e, 'Exp', neg(e, y))), dims)),
  ReduceSumSquare: reduced((e, x, _y, dy) => mul(e, scale(e, dy, 2), x)),
  // Of all zeros it has no gradient; PyTorch says 0.
  ReduceL2: reduced((e, x, y, dy) => {
    const some = toFloat(e, compare(e, 'Greater', y, e.scalar(0)));
    const divisor = e.emit('Add', [y, sub(e, e.scalar(1), some)], e.dims(y));
    return mul(e, div(e, mul(e, dy, some), divisor), x);
  }),
  ReduceLogSumExp: reduced((e, x, y, dy) => mul(e, dy, e.emit('Exp', [sub(e, x, y)], e.dims(x)))),
  ReduceMax: reduced(extreme),
  ReduceMin: reduced(extreme),
};
