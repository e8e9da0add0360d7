import { err, ok, type Result } from '../../core/result.ts';
import type { Emitter, Name } from '../autodiff/emitter.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { int } from '../ir/attributes.ts';
import type { Dim, Shape } from '../ir/types.ts';

/**
 * Dimensions at run time, from values that a stage has: one that the file calls "batch_size" is the same wherever it has that
 * name. So a stage learns the shape of what it doesn't get. Doesn't calculate with names.
 */
export interface Dimensions {
  /** What else can be looked at, if what was there before doesn't tell. */
  add(value: Name, shape: Shape): void;
  /** int64 [1]. `unsupported` if no value has such a dimension. */
  of(dim: Dim, what: string): Result<Name, OnnxFault>;
  /** int64 [number of dims]. */
  vector(dims: Shape, what: string): Result<Name, OnnxFault>;
}

export const createDimensions = (e: Emitter): Dimensions => {
  const places = new Map<string, { readonly value: Name; readonly axis: number }>();
  const shapes = new Map<Name, Name>();
  const ranks = new Map<Name, number>();
  const found = new Map<string, Name>();

  const of = (dim: Dim, what: string): Result<Name, OnnxFault> => {
    if (typeof dim === 'number') return ok(e.ints([dim]));
    const known = dim === undefined ? undefined : found.get(dim);
    if (known !== undefined) return ok(known);
    const place = dim === undefined ? undefined : places.get(dim);
    if (dim === undefined || place === undefined)
      return err(
        onnxFault(
          'unsupported',
          `${what} has ${dim === undefined ? 'a dimension without a name' : `the dimension "${dim}"`}, which nothing that this stage gets tells`,
        ),
      );
    const { value, axis } = place;
    const shape = shapes.get(value) ?? e.emit('Shape', [value], [ranks.get(value) ?? 0], { dtype: 'int64' });
    shapes.set(value, shape);
    const attributes = { axis: int(0) };
    const taken = e.emit('Gather', [shape, e.ints([axis])], [1], { dtype: 'int64', attributes });
    found.set(dim, taken);
    return ok(taken);
  };

  return {
    add(value, shape) {
      ranks.set(value, shape.length);
      shape.forEach((dim, axis) => {
        if (typeof dim === 'string' && !places.has(dim)) places.set(dim, { value, axis });
      });
    },
    of,
    vector(dims, what) {
      const numbers = dims.filter((dim) => typeof dim === 'number');
      if (numbers.length === dims.length) return ok(e.ints(numbers));
      const parts: Name[] = [];
      for (const dim of dims) {
        const part = of(dim, what);
        if (!part.ok) return part;
        parts.push(part.value);
      }
      const attributes = { axis: int(0) };
      return ok(e.emit('Concat', parts, [dims.length], { dtype: 'int64', attributes }));
    },
  };
};
