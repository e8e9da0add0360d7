import { countOf } from '../ir/dataTypes.ts';
import type { Value } from '../ir/types.ts';
import { invalid, unsupported } from './call.ts';
import { isRealArray, type NdArray } from './ndArray.ts';

/**
 * A feed against what the graph declares of its input: type, rank and dims. A name of a dim stands for one number in all
 * feeds; `symbols` has those seen so far.
 */
export const checkFeed = (value: Value, feed: NdArray, symbols: Map<string, number>): void => {
  const { name, type } = value;
  requireValues(name, feed);
  if (type.kind === 'unknown') return;
  if (type.kind !== 'tensor') throw unsupported(`input ${name} is of kind ${type.kind}`);
  if (type.dtype !== feed.dtype)
    throw invalid(`feed ${name} is of ${feed.dtype}, the input of ${type.dtype}`);
  if (type.shape === undefined) return;
  const fits =
    type.shape.length === feed.dims.length &&
    type.shape.every((dim, axis) => {
      const found = feed.dims[axis];
      if (found === undefined || dim === undefined) return true;
      const wanted = typeof dim === 'number' ? dim : (symbols.get(dim) ?? found);
      if (typeof dim === 'string') symbols.set(dim, wanted);
      return wanted === found;
    });
  if (!fits)
    throw invalid(`feed ${name} is [${feed.dims}], the input [${type.shape.map((dim) => dim ?? '?')}]`);
};

/** As many as the dims say, and in the kind of array that goes with the type. */
const requireValues = (name: string, feed: NdArray): void => {
  const { dims, values } = feed;
  if (dims.some((dim) => !Number.isSafeInteger(dim) || dim < 0) || countOf(dims) !== values.length)
    throw invalid(`feed ${name} has ${values.length} values for [${dims}]`);
  if (isRealArray(feed) !== values instanceof Float64Array)
    throw invalid(`feed ${name} of ${feed.dtype} has other values`);
};
