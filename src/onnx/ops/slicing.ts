import type { Dim, Shape } from '../ir/types.ts';
import { addDims, isSameDim } from './dims.ts';
import { type Known, misfit, type ShapeRule } from './schema.ts';
import { axesIn, inputOf, intsOf, knownOf, shapeOf, unknownDims, wholeNumbersOf } from './shapes.ts';

export const slice: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  if (shape === undefined) return [];
  const [starts, ends] = [knownOf(call, 1), knownOf(call, 2)];
  const axes = inputOf(call, 3) === undefined ? undefined : (wholeNumbersOf(call, 3) ?? 'unknown');
  if (axes === 'unknown') return [unknownDims(shape.length)];
  const steps = inputOf(call, 4) === undefined ? [] : (knownOf(call, 4) ?? 'unknown');
  const count = starts?.length ?? ends?.length ?? axes?.length;
  if (count === undefined) return [unknownDims(shape.length)];
  return [sliceShape(shape, { starts, ends, axes, steps: steps === 'unknown' ? undefined : steps, count })];
};

export const sliceByAttributes: ShapeRule = (call) => {
  const shape = shapeOf(call, 0);
  const starts = intsOf(call, 'starts') ?? [];
  const parts = { starts, ends: intsOf(call, 'ends'), axes: intsOf(call, 'axes'), steps: [] };
  return [shape && sliceShape(shape, { ...parts, count: starts.length })];
};

type Parts = {
  readonly starts: Known | undefined;
  readonly ends: Known | undefined;
  readonly axes: readonly number[] | undefined;
  /** Empty: all 1. */
  readonly steps: Known | undefined;
  readonly count: number;
};

const sliceShape = (shape: Shape, { starts, ends, axes, steps, count }: Parts): Shape => {
  const named = axesIn(axes ?? Array.from({ length: count }, (_, i) => i), shape.length);
  for (const [what, list] of Object.entries({ starts, ends, axes: named, steps }))
    if (list !== undefined && list.length !== count && !(what === 'steps' && list.length === 0))
      misfit(`${list.length} ${what} for ${count} axes`);
  const result = [...shape];
  named.forEach((axis, i) => {
    const step = steps === undefined ? undefined : steps.length === 0 ? 1 : steps[i];
    if (step === 0) misfit(`the step of axis ${axis} is 0`);
    result[axis] = sliceDim(shape[axis], starts?.[i], ends?.[i], step);
  });
  return result;
};

/**
 * How many are from `start` to before `end`, clamped to the dimension as NumPy does. Of a dimension that is a name it is
 * taken that it is at least 1, so that `[-1:]` is 1 and `[1:]` one less; everything that depends on more is unknown.
 */
export const sliceDim = (dim: Dim, start: Dim, end: Dim, step: Dim): Dim => {
  if (typeof step !== 'number') return undefined;
  if (typeof dim === 'number' && typeof start === 'number' && typeof end === 'number')
    return countSteps(dim, start, end, step);
  if (step !== 1 || dim === undefined) return undefined;
  const isToEnd = isSameDim(dim, end) || (typeof end === 'number' && end >= openEnd);
  if (isToEnd) {
    if (start === 0) return dim;
    if (start === -1) return 1;
    return start === 1 ? addDims(dim, -1) : isSameDim(start, dim) ? 0 : undefined;
  }
  if (start === 0 && end === -1) return addDims(dim, -1);
  if (start === 0 && (end === 0 || end === 1)) return end;
  return isSameDim(start, end) ? 0 : undefined;
};

/** Exporters write the largest int32 or int64 for "to the end"; so large a dimension is refused elsewhere. */
const openEnd = 2 ** 31 - 1;

/** A step backwards starts at the last element at most and may end before the first. */
const countSteps = (dim: number, start: number, end: number, step: number): number => {
  const clamp = (at: number, least: number, most: number) =>
    Math.min(most, Math.max(least, at < 0 ? at + dim : at));
  const isForward = step > 0;
  const first = isForward ? clamp(start, 0, dim) : clamp(start, 0, dim - 1);
  const last = isForward ? clamp(end, 0, dim) : clamp(end, -1, dim - 1);
  return Math.max(0, Math.ceil((last - first) / step));
};
