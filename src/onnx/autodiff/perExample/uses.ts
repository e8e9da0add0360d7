import { err, ok, type Result } from '../../../core/result.ts';
import { type OnnxFault, onnxFault } from '../../fault.ts';
import type { Node, Tensor } from '../../ir/types.ts';
import { type Dims, type Emitter, type Name, sizeOf } from '../emitter.ts';
import { mul, reshape, sum, transpose, transposeMatrix } from '../math.ts';
import { attributesOf, titleOf } from '../rule.ts';
import { windowOf } from '../rules/convolution.ts';
import { applyRule } from './applyRule.ts';
import type { BatchFlow } from './batchFlow.ts';
import { byExample, type Contribution, type Side } from './contribution.ts';
import { kernelsByImage, patchesOf } from './convolution.ts';
import type { Place } from './places.ts';

/** A node where a weight meets examples. */
export type Use = {
  readonly node: Node;
  readonly input: number;
  /** The gradient of the node's first output. */
  readonly dy: Name;
};

export type Setting = {
  readonly e: Emitter;
  readonly flow: BatchFlow;
  readonly batch: number;
  readonly constants: ReadonlyMap<Name, Tensor>;
  readonly replace: (node: Node) => void;
};

/** What this use adds to the weight's gradient, by example. */
export const contributionOf = (use: Use, setting: Setting): Result<Contribution, OnnxFault> => {
  const { node, input } = use;
  switch (node.op) {
    case 'MatMul':
      return ofMatMul(use, setting);
    case 'Gemm':
      return input === 2 ? ofBroadcast(use, setting) : ofGemm(use, setting);
    case 'Gather':
      return ofGather(use, setting);
    case 'Conv':
      return ofConv(use, setting);
    default:
      return broadcasting.has(node.op) ? ofBroadcast(use, setting) : refused(use);
  }
};

/** Operators whose rule sums a gradient over what an operand was broadcast over, and does nothing else about it. */
const broadcasting: ReadonlySet<string> = new Set([
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'Sum', 'Mean', 'Where'],
  ...['LayerNormalization', 'SimplifiedLayerNormalization'],
]);

const refused = ({ node, input }: Use, why = 'this operator'): Result<never, OnnxFault> =>
  err(
    onnxFault(
      'unsupported',
      `${titleOf(node)}: no gradient by example of '${node.inputs[input]}' for ${why}`,
      titleOf(node),
    ),
  );

const dense = (e: Emitter, value: Name): Side => ({ kind: 'dense', value, size: e.dims(value)[2] ?? 1 });

const factored = (rows: Side, columns: Side, e: Emitter): Result<Contribution, OnnxFault> =>
  ok({ kind: 'factored', rows, columns, length: e.dims(rows.value)[1] ?? 1 });

/** dW = Xᵀ·dY, or dY·Xᵀ for a weight on the left. A vector is a matrix of one column or row. */
const ofMatMul = (use: Use, { e, flow }: Setting): Result<Contribution, OnnxFault> => {
  const { node, input, dy } = use;
  const weight = e.dims(node.inputs[input] ?? '');
  const x = node.inputs[1 - input] ?? '';
  const [place, out] = [flow.get(x), flow.get(node.outputs[0] ?? '')];
  if (!place || !out || weight.length > 2 || e.dims(x).length < 2)
    return refused(use, `a weight of ${weight.length} dims`);
  if (input === 1) {
    const product = weight.length === 1 ? reshape(e, dy, [...e.dims(dy), 1]) : dy;
    return factored(dense(e, byExample(e, x, place, 1)), dense(e, byExample(e, product, out, 1)), e);
  }
  const product = weight.length === 1 ? reshape(e, dy, e.dims(dy).toSpliced(-1, 0, 1)) : dy;
  const rank = e.dims(x).length;
  /** Examples may lie along the columns, which are rows from here on. */
  const turn = (value: Name): Side => {
    const axis = place.axis + e.dims(value).length - rank;
    const at: Place = { ...place, axis: axis === e.dims(value).length - 1 ? axis - 1 : axis };
    return dense(e, byExample(e, transposeMatrix(e, value), at, 1));
  };
  return factored(turn(product), turn(x), e);
};

const ofGemm = (use: Use, { e, flow }: Setting): Result<Contribution, OnnxFault> => {
  const { node, input, dy } = use;
  const attribute = attributesOf(node.attributes);
  const a = node.inputs[0] ?? '';
  const place = flow.get(a);
  if (input !== 1 || !place) return refused(use, 'a weight on the left');
  const x = place.axis === 1 ? transposeMatrix(e, a) : a;
  const rows = { ...place, axis: 0 };
  const alpha = attribute.float('alpha', 1);
  const product = alpha === 1 ? dy : mul(e, dy, e.scalar(alpha));
  const [left, right] = [dense(e, byExample(e, x, rows, 1)), dense(e, byExample(e, product, rows, 1))];
  return attribute.int('transB', 0) === 0 ? factored(left, right, e) : factored(right, left, e);
};

const ofGather = (use: Use, { e, flow, batch }: Setting): Result<Contribution, OnnxFault> => {
  const { node, input, dy } = use;
  const table = e.dims(node.inputs[0] ?? '');
  const indices = node.inputs[1] ?? '';
  const place = flow.get(indices);
  if (input !== 0 || !place || table.length === 0 || attributesOf(node.attributes).int('axis', 0) !== 0)
    return refused(use, 'another axis than the first');
  if (place.axis !== 0) return refused(use, 'indices whose first axis is not the examples');
  if (table[0] === undefined || table[0] > 2 ** 24) return refused(use, `${table[0]} rows: at most 2^24`);
  const count = sizeOf(e.dims(indices)) / batch;
  const value = reshape(e, indices, [batch, count]);
  const columns = reshape(e, dy, [batch, count, sizeOf(table.slice(1))]);
  return factored({ kind: 'one-hot', value, size: table[0] }, dense(e, columns), e);
};

/** Patches by places, or the kernels of all examples, whichever takes less room. */
const ofConv = (use: Use, { e, flow, batch }: Setting): Result<Contribution, OnnxFault> => {
  const { node, input, dy } = use;
  const x = node.inputs[0] ?? '';
  const place = flow.get(x);
  if (!place || input === 0) return refused(use, 'a weight as the image');
  const [dims, out] = [e.dims(x), e.dims(dy)];
  const spatial = sizeOf(out.slice(2));
  const channels = out[1] ?? 1;
  const split = (value: Name, size: number) =>
    sum(e, reshape(e, value, [batch, place.inner, size]), [1], false);
  if (input === 2) {
    const rows = sum(e, reshape(e, dy, [batch * place.inner, channels, spatial]), [2], false);
    return ok({ kind: 'direct', value: split(rows, channels) });
  }
  const attribute = attributesOf(node.attributes);
  const kernel = e.dims(node.inputs[1] ?? '');
  const sizes = { input: dims.slice(2), output: out.slice(2), kernel: kernel.slice(2) };
  const window = windowOf({ attribute }, sizes);
  const group = attribute.int('group', 1);
  const size = sizeOf(kernel);
  const places = place.inner * spatial;
  const patch = sizeOf(kernel.slice(1));
  if (group === 1 && places * patch + 2 * places ** 2 < size) {
    const columns = reshape(e, patchesOf(e, x, window, out.slice(2)), [batch, places, patch]);
    const flat = reshape(e, dy, [batch * place.inner, channels, spatial]);
    const rows = reshape(e, transpose(e, flat, [0, 2, 1]), [batch, places, channels]);
    return factored(dense(e, rows), dense(e, columns), e);
  }
  return ok({ kind: 'direct', value: split(kernelsByImage(e, x, dy, window, group, kernel), size) });
};

/** The operand as if it had been copied for every example: its gradient then has them apart. */
const ofBroadcast = (use: Use, setting: Setting): Result<Contribution, OnnxFault> => {
  const { node, input, dy } = use;
  const { e, flow, batch } = setting;
  const weight = e.dims(node.inputs[input] ?? '');
  const out = flow.get(node.outputs[0] ?? '');
  const dims = e.dims(node.outputs[0] ?? '');
  if (!out) return refused(use, 'an output without examples');
  const lead = dims.length - weight.length;
  if (lead < 0 || (out.axis >= lead && weight[out.axis - lead] !== 1 && dims[out.axis] !== 1))
    return refused(use, 'a weight with a part for each example');
  const as: Dims = dims.map((dim, axis) =>
    axis === out.axis ? dim : axis < lead ? 1 : (weight[axis - lead] ?? 1),
  );
  const made = applyRule(node, { ...setting, input, dy, as });
  if (!made.ok) return made;
  const others = as.map((_, axis) => axis).filter((axis) => axis !== out.axis);
  const apart = reshape(e, transpose(e, made.value, [out.axis, ...others]), [
    batch,
    out.inner,
    sizeOf(weight),
  ]);
  return ok({ kind: 'direct', value: sum(e, apart, [1], false) });
};
