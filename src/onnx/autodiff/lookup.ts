import { int, text } from '../ir/attributes.ts';
import { type Dims, type Emitter, type Name, sizeOf } from './emitter.ts';
import { reshape, zeros } from './math.ts';

/**
 * Rows by their numbers, of which the standard has two kinds of operators: GatherND and ScatterND take whole rows but their indices
 * are int64, which WebGPU can't bring into shape. So indices that are int32 go through GatherElements and ScatterElements, number
 * by number: that runs everywhere.
 */

/** Zeros of `dims` [rows, others], and each of the updates [indices, others] added to its row. */
export const rowsAdded = (
  e: Emitter,
  { indices, updates, dims }: { readonly indices: Name; readonly updates: Name; readonly dims: Dims },
): Name => {
  const { dims: taken = [], dtype = 'int64' } = e.known(indices) ?? {};
  const added = { reduction: text('add') };
  if (dtype === 'int64')
    return e.emit('ScatterND', [zeros(e, dims), shaped(e, indices, [...taken, 1]), updates], dims, {
      attributes: added,
    });
  const width = sizeOf(dims.slice(1));
  const wide = [sizeOf(taken), width];
  const flat = [dims[0] ?? 1, width];
  const scattered = e.emit(
    'ScatterElements',
    [zeros(e, flat), repeated(e, indices, wide), reshape(e, updates, wide)],
    flat,
    { attributes: { ...added, axis: int(0) } },
  );
  return reshape(e, scattered, dims);
};

/** Of each table [batch, rows, width] the rows that its indices [batch, taken] name: [batch, taken, width]. */
export const rowsTaken = (e: Emitter, tables: Name, indices: Name): Name => {
  const [batch = 1, , width = 1] = e.dims(tables);
  const { dims: [, taken = 1] = [], dtype = 'int64' } = e.known(indices) ?? {};
  const dims = [batch, taken, width];
  return dtype === 'int64'
    ? e.emit('GatherND', [tables, shaped(e, indices, [batch, taken, 1])], dims, {
        attributes: { batch_dims: int(1) },
      })
    : e.emit('GatherElements', [tables, repeated(e, indices, dims)], dims, { attributes: { axis: int(1) } });
};

const shaped = (e: Emitter, indices: Name, dims: Dims): Name =>
  e.emit('Reshape', [indices, e.ints(dims)], dims, { dtype: e.known(indices)?.dtype ?? 'int64' });

/** The same number for every column of its row. */
const repeated = (e: Emitter, indices: Name, dims: Dims): Name =>
  e.emit('Expand', [shaped(e, indices, [...dims.slice(0, -1), 1]), e.ints(dims)], dims, {
    dtype: e.known(indices)?.dtype ?? 'int64',
  });
