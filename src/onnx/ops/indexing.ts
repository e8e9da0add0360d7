import type { Dim, Shape } from '../ir/types.ts';
import { form, int, misfit, type OpTable, type ShapeRule, shaped, text } from './schema.ts';
import { axisIn, checkRank, intOf, knownOf, sameDim, shapeOf, show } from './shapes.ts';

const gather: ShapeRule = (call) => {
  const [data, indices] = [shapeOf(call, 0), shapeOf(call, 1)];
  if (data === undefined) return [];
  const axis = axisIn(intOf(call, 'axis') ?? 0, data.length);
  checkIndices(knownOf(call, 1), data[axis]);
  return [indices && [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)]];
};

const checkIndices = (indices: readonly Dim[] | undefined, dim: Dim): void => {
  if (typeof dim !== 'number') return;
  for (const index of indices ?? [])
    if (typeof index === 'number' && (index < -dim || index >= dim))
      misfit(`index ${index} is not among the ${dim} of its axis`);
};

const gatherElements: ShapeRule = (call) => {
  const [data, indices] = [shapeOf(call, 0), shapeOf(call, 1)];
  if (data !== undefined) {
    axisIn(intOf(call, 'axis') ?? 0, data.length);
    checkRank(indices, data.length, 'the indices');
  }
  return [indices ?? data?.map(() => undefined)];
};

const gatherND: ShapeRule = (call) => {
  const [data, indices] = [shapeOf(call, 0), shapeOf(call, 1)];
  const batch = intOf(call, 'batch_dims') ?? 0;
  if (data === undefined || indices === undefined) return [];
  const depth = indices.at(-1);
  if (indices.length === 0 || batch < 0 || batch >= Math.min(data.length, indices.length))
    misfit(`batch_dims ${batch} of data ${show(data)} and indices ${show(indices)}`);
  if (typeof depth !== 'number') return [];
  if (depth > data.length - batch) misfit(`indices of ${depth} into ${show(data)} after ${batch} batch axes`);
  const common = data.slice(0, batch).map((dim, i) => sameDim(dim, indices[i], `batch axis ${i}`));
  return [[...common, ...indices.slice(batch, -1), ...data.slice(batch + depth)]];
};

const scatterElements: ShapeRule = (call) => {
  const [data, indices, updates] = [shapeOf(call, 0), shapeOf(call, 1), shapeOf(call, 2)];
  if (data !== undefined) {
    axisIn(intOf(call, 'axis') ?? 0, data.length);
    checkRank(indices, data.length, 'the indices');
  }
  checkSame(indices, updates, 'the updates');
  return [data];
};

const scatterND: ShapeRule = (call) => {
  const [data, indices, updates] = [shapeOf(call, 0), shapeOf(call, 1), shapeOf(call, 2)];
  const depth = indices?.at(-1);
  if (data !== undefined && indices !== undefined && typeof depth === 'number') {
    if (depth > data.length) misfit(`indices of ${depth} into ${show(data)}`);
    checkSame([...indices.slice(0, -1), ...data.slice(depth)], updates, 'the updates');
  }
  return [data];
};

const checkSame = (wanted: Shape | undefined, found: Shape | undefined, what: string): void => {
  if (wanted === undefined || found === undefined) return;
  if (wanted.length !== found.length) misfit(`${what} are ${show(found)}, they have to be ${show(wanted)}`);
  found.forEach((dim, i) => {
    sameDim(dim, wanted[i], `${what} ${show(found)} and ${show(wanted)}`);
  });
};

const oneHot: ShapeRule = (call) => {
  const indices = shapeOf(call, 0);
  if (indices === undefined) return [];
  const at = axisIn(intOf(call, 'axis') ?? -1, indices.length, 1);
  return [[...indices.slice(0, at), knownOf(call, 1)?.[0], ...indices.slice(at)]];
};

const tensorScatter: ShapeRule = (call) => [shapeOf(call, 0)];

const axis = { axis: int(0) };
const reduced = { reduction: text('none') };

export const indexing: OpTable = {
  Gather: [form([1, 11, 13], 'T I -> T', shaped(gather), axis, { I: 'index' })],
  GatherElements: [form([11, 13], 'T I -> T', shaped(gatherElements), axis, { I: 'index' })],
  GatherND: [
    form([11], 'T int64 -> T', shaped(gatherND)),
    form([12, 13], 'T int64 -> T', shaped(gatherND), { batch_dims: int(0) }),
  ],
  Scatter: [
    form([9], 'T I T -> T', shaped(scatterElements), axis, { I: 'index' }),
    { ...form([11], 'T I T -> T', shaped(scatterElements), axis, { I: 'index' }), deprecated: true },
  ],
  ScatterElements: [
    form([11, 13], 'T I T -> T', shaped(scatterElements), axis, { I: 'index' }),
    form([16, 18], 'T I T -> T', shaped(scatterElements), { ...axis, ...reduced }, { I: 'index' }),
  ],
  ScatterND: [
    form([11, 13], 'T int64 T -> T', shaped(scatterND)),
    form([16, 18], 'T int64 T -> T', shaped(scatterND), reduced),
  ],
  OneHot: [
    form([9, 11, 28], 'I D V -> V', shaped(oneHot), { axis: int(-1) }, { I: 'numeric', D: 'numeric' }),
  ],
  TensorScatter: [
    form([24], 'T T int64? -> T', shaped(tensorScatter), { axis: int(-2), mode: text('linear') }),
  ],
};
