import { int } from '../ir/attributes.ts';
import { type Emitter, type Name, sizeOf } from './emitter.ts';
import { add, axisOf, div, mul, neg, reduce, reshape, scale, sub, sum, unary } from './math.ts';

/**
 * Losses as nodes, each a float32 scalar: what is minimised. Labels, masks and targets are values of the graph, fed from
 * outside. Written with operators that every backend has, so there is no SoftmaxCrossEntropyLoss and no LogSoftmax.
 */

const allAxes = (e: Emitter, x: Name): readonly number[] => e.dims(x).map((_, axis) => axis);
const total = (e: Emitter, x: Name): Name => (e.dims(x).length === 0 ? x : sum(e, x, allAxes(e, x), false));
const mean = (e: Emitter, x: Name): Name => scale(e, total(e, x), 1 / sizeOf(e.dims(x)));

/** log Σ exp along the last axis, kept; of the greatest first, so that nothing overflows. */
const logSumExp = (e: Emitter, x: Name): Name => {
  const last = [axisOf(-1, e.dims(x).length)];
  const greatest = reduce(e, 'ReduceMax', x, last);
  const exponentials = unary(e, 'Exp', sub(e, x, greatest));
  return add(e, greatest, unary(e, 'Log', sum(e, exponentials, last)));
};

/**
 * What the losses that `e` wrote take away only to keep exponents in range. Whatever it is, they are the same: it need not be
 * differentiated.
 */
export const onlyForRange = (e: Emitter): ReadonlySet<Name> =>
  new Set(e.nodes.filter(({ op }) => op === 'ReduceMax').flatMap(({ outputs }) => outputs));

/**
 * Mean of −log softmax(logits)[label].
 *
 * `logits`: [..., classes]; `labels`: int32 [...], each less than classes. `mask`, float32 [...]: how much each position
 * counts, 0 for padding; the mean is over their sum, which must not be 0.
 */
export const softmaxCrossEntropy = (e: Emitter, logits: Name, labels: Name, mask?: Name): Name => {
  if (mask === undefined) return mean(e, crossEntropies(e, logits, labels));
  const { sum: weighed, weight } = maskedCrossEntropy(e, logits, labels, mask);
  return div(e, weighed, weight);
};

/** The same as a sum and what it is to be divided by, for a loss whose batches are many. */
export const maskedCrossEntropy = (
  e: Emitter,
  logits: Name,
  labels: Name,
  mask: Name,
): { readonly sum: Name; readonly weight: Name } => ({
  sum: total(e, mul(e, crossEntropies(e, logits, labels), mask)),
  weight: total(e, mask),
});

/** Of each position. */
const crossEntropies = (e: Emitter, logits: Name, labels: Name): Name => {
  const dims = e.dims(logits);
  const positions = [...dims.slice(0, -1), 1];
  const index = e.emit('Reshape', [labels, e.ints(positions)], positions, { dtype: 'int32' });
  const chosen = e.emit('GatherElements', [logits, index], positions, {
    attributes: { axis: int(dims.length - 1) },
  });
  return reshape(e, sub(e, logSumExp(e, logits), chosen), dims.slice(0, -1));
};

/** Mean of (output − target)², over all elements. */
export const meanSquaredError = (e: Emitter, output: Name, target: Name): Name => {
  const difference = sub(e, output, target);
  return mean(e, mul(e, difference, difference));
};

/**
 * Mean of −t·log σ(x) − (1 − t)·log(1 − σ(x)), from logits: max(x, 0) − x·t + log(1 + exp(−|x|)), which overflows nowhere.
 * `target`: as many probabilities as there are logits.
 */
export const binaryCrossEntropy = (e: Emitter, logits: Name, target: Name): Name => {
  const positive = unary(e, 'Relu', logits);
  const small = unary(e, 'Exp', neg(e, unary(e, 'Abs', logits)));
  const softened = unary(e, 'Log', add(e, e.scalar(1), small));
  return mean(e, add(e, sub(e, positive, mul(e, logits, target)), softened));
};
