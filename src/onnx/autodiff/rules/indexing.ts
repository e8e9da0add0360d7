import { int, text } from '../../ir/attributes.ts';
import { rowsAdded } from '../lookup.ts';
import { axisOf, transpose, zeros } from '../math.ts';
import { gradients, type Rule, unsupported } from '../rule.ts';

const added = { reduction: text('add') };

/** Rows of a matrix are added where they were taken from; another axis is brought to the front for it. */
const gather: Rule = (site) => {
  const { e } = site;
  const [, indices] = site.inputs;
  const dy = site.grad(0);
  if (indices === undefined || dy === undefined) return gradients();
  const [dims, taken] = [site.dims(0), site.dims(1)];
  const axis = axisOf(site.attribute.int('axis', 0), dims.length);
  const others = dims.filter((_, at) => at !== axis);
  // dy is [before, taken, after]: taken to the front.
  const rank = e.dims(dy).length;
  const takenAxes = taken.map((_, at) => axis + at);
  const rest = Array.from({ length: rank }, (_, at) => at).filter((at) => !takenAxes.includes(at));
  const updates = transpose(e, dy, [...takenAxes, ...rest]);
  const scattered = rowsAdded(e, { indices, updates, dims: [dims[axis] ?? 1, ...others] });
  const back = dims.map((_, at) => (at === axis ? 0 : at < axis ? at + 1 : at));
  return gradients(transpose(e, scattered, back));
};

const gatherElements: Rule = (site) => {
  const { e } = site;
  const [, indices] = site.inputs;
  const dy = site.grad(0);
  if (indices === undefined || dy === undefined) return gradients();
  const dims = site.dims(0);
  const axis = axisOf(site.attribute.int('axis', 0), dims.length);
  const attributes = { ...added, axis: int(axis) };
  return gradients(e.emit('ScatterElements', [zeros(e, dims), indices, dy], dims, { attributes }));
};

const gatherNd: Rule = (site) => {
  const { e } = site;
  const [, indices] = site.inputs;
  const dy = site.grad(0);
  if (indices === undefined || dy === undefined) return gradients();
  if (site.attribute.int('batch_dims', 0) !== 0) return unsupported(site, 'batch_dims');
  const dims = site.dims(0);
  return gradients(e.emit('ScatterND', [zeros(e, dims), indices, dy], dims, { attributes: added }));
};

/** Into data that is kept where nothing is added, or replaced where something is put. */
const scatter =
  (op: 'ScatterElements' | 'ScatterND'): Rule =>
  (site) => {
    const { e } = site;
    const [, indices] = site.inputs;
    const dy = site.grad(0);
    if (indices === undefined || dy === undefined) return gradients();
    const reduction = site.attribute.text('reduction', 'none');
    if (reduction !== 'add' && reduction !== 'none') return unsupported(site, `the reduction '${reduction}'`);
    const axis = op === 'ScatterElements' ? { axis: int(site.attribute.int('axis', 0)) } : {};
    const taken = () =>
      e.emit(op === 'ScatterND' ? 'GatherND' : 'GatherElements', [dy, indices], site.dims(2), {
        attributes: axis,
      });
    const kept = () => {
      if (reduction === 'add') return dy;
      // What was put over is gone.
      const none = zeros(e, site.dims(2));
      return e.emit(op, [dy, indices, none], site.dims(0), { attributes: axis });
    };
    return gradients(site.wants(0) ? kept() : undefined, undefined, site.wants(2) ? taken() : undefined);
  };

export const indexingRules: Readonly<Record<string, Rule>> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterElements: scatter('ScatterElements'),
  ScatterND: scatter('ScatterND'),
};
