import type { Result } from '../../core/result.ts';
import { attempt, refuse } from '../codec/refusal.ts';
import type { OnnxFault } from '../fault.ts';
import { describeNode } from '../infer.ts';
import type { Graph, Model, Tensor } from '../ir/types.ts';
import { computedTensor, readBytes, weightBytes, weightsOf, weightTypes } from '../merge/computedTensor.ts';
import { multipliesRight } from '../merge/matrices.ts';
import type { OpenModel } from '../merge/sameStructure.ts';
import { outerNames } from '../ops/order.ts';
import { dimsOf, factorValues } from './factors.ts';
import type { LoraAdapter, LoraFactors } from './types.ts';

/**
 * The model with W + scale·A·B for each weight that the adapter names, in float64 and back to the weight's type, computed while
 * `writeModel` writes it: one weight is in memory at a time. A weight must be a matrix that only multiplies from the right
 * (`MatMul`, `Gemm` without transB): `unsupported` for what else uses it, as a tied embedding, and for quantised ones.
 */
export const bakeAdapter = ({ model, open }: OpenModel, adapter: LoraAdapter): Result<Model, OnnxFault> =>
  attempt(() => {
    if (!Number.isFinite(adapter.scale)) throw refuse('invalid', `the adapter's scale is ${adapter.scale}`);
    const initializers = new Map(model.graph.initializers);
    for (const [name, factors] of adapter.factors) {
      const weight = initializers.get(name);
      if (weight === undefined) throw refuse('invalid', `the model has no initializer ${name}`);
      requireMatrix(model.graph, name, weight, factors);
      initializers.set(
        name,
        computedTensor(weight, async () => {
          const values = weightsOf(name, weight, await readBytes(name, weight, open));
          const a = await factorValues(name, factors.a);
          const b = await factorValues(name, factors.b);
          return weightBytes(name, weight, addProduct(values, a, b, adapter.scale, dimsOf(name, factors)));
        }),
      );
    }
    return { ...model, graph: { ...model.graph, initializers } };
  });

const requireMatrix = (graph: Graph, name: string, weight: Tensor, factors: LoraFactors): void => {
  const { inputs, outputs } = dimsOf(name, factors);
  const users = graph.nodes.filter((node) => node.inputs.includes(name) || outerNames(node).has(name));
  const other = users.find(
    (node) => !multipliesRight(node) || node.inputs.some((input, i) => (input === name) !== (i === 1)),
  );
  if (other !== undefined)
    throw refuse(
      'unsupported',
      `${name} is an input of ${other.op}, and only x·W of MatMul or Gemm takes an adapter's product. Dequantise, or untie, first`,
      describeNode(other),
    );
  if (users.length === 0) throw refuse('invalid', `no node uses ${name}`);
  if (!weightTypes.has(weight.dtype))
    throw refuse('unsupported', `${name} is ${weight.dtype}: ${[...weightTypes].join(', ')} can be changed`);
  if (weight.dims.join() !== `${inputs},${outputs}`)
    throw refuse(
      'invalid',
      `${name} is [${weight.dims.join(', ')}], and the adapter's product [${inputs}, ${outputs}]`,
    );
};

const addProduct = (
  weight: Float32Array,
  a: Float32Array,
  b: Float32Array,
  scale: number,
  { inputs, rank, outputs }: ReturnType<typeof dimsOf>,
): Float32Array => {
  const result = new Float32Array(weight.length);
  const row = new Float64Array(outputs);
  for (let i = 0; i < inputs; i++) {
    row.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = scale * (a[i * rank + k] ?? 0);
      for (let j = 0; j < outputs; j++) row[j] = (row[j] ?? 0) + factor * (b[k * outputs + j] ?? 0);
    }
    for (let j = 0; j < outputs; j++)
      result[i * outputs + j] = (weight[i * outputs + j] ?? 0) + (row[j] ?? 0);
  }
  return result;
};
