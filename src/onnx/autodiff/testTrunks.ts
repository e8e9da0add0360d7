import { float32Tensor } from '../build/tensors.ts';
import { int } from '../ir/attributes.ts';
import type { Model, Node, Tensor } from '../ir/types.ts';
import { linearLayersOf } from './linearLayers.ts';
import { randomBy } from './testDoubles.ts';

/** Decoders for tests whose linear layers are quantized, with weights drawn anew: what they were is of no interest there. */

/** All by MatMulNBits of 4 bits, in blocks of 16 with zero points. */
export const fourBitTrunk = (model: Model): Model =>
  replaceLayers(model, 'com.microsoft', (node, weight, { inputs, outputs }, random) => {
    const blocks = Math.ceil(inputs / 16);
    const bytes = (...dims: readonly number[]): Tensor => ({
      dtype: 'uint8',
      dims,
      data: {
        kind: 'bytes',
        bytes: Uint8Array.from({ length: dims.reduce((a, b) => a * b) }, () => random() * 256),
      },
    });
    const points = Math.ceil(blocks / 2);
    const parts: Parts = [
      [`${weight}_Q4`, bytes(outputs, blocks, 8)],
      [`${weight}_scales`, floats([outputs * blocks], () => 0.01 + 0.02 * random())],
      [`${weight}_zero_points`, bytes(outputs * points)],
    ];
    const attributes = { K: int(inputs), N: int(outputs), bits: int(4), block_size: int(16) };
    const packed: Node = {
      ...node,
      op: 'MatMulNBits',
      domain: 'com.microsoft',
      inputs: [node.inputs[0] ?? '', ...parts.map(([name]) => name)],
      attributes,
    };
    return { nodes: [packed], parts };
  });

/** All as int8 with a scale for each column, dequantized before the product. */
export const eightBitTrunk = (model: Model): Model =>
  replaceLayers(model, '', (node, weight, { inputs, outputs }, random) => {
    const bytes = Uint8Array.from({ length: inputs * outputs }, () => random() * 256);
    const parts: Parts = [
      [`${weight}_quantized`, { dtype: 'int8', dims: [inputs, outputs], data: { kind: 'bytes', bytes } }],
      [`${weight}_scale`, floats([outputs], () => 0.001 + 0.001 * random())],
    ];
    const dequantize: Node = {
      op: 'DequantizeLinear',
      domain: '',
      name: `${weight}_dequantize`,
      inputs: parts.map(([name]) => name),
      outputs: [`${weight}_dequantized`],
      attributes: { axis: int(1) },
    };
    const product = { ...node, inputs: [node.inputs[0] ?? '', `${weight}_dequantized`] };
    return { nodes: [dequantize, product], parts };
  });

type Parts = readonly (readonly [string, Tensor])[];

const floats = (dims: readonly [number], draw: () => number): Tensor =>
  float32Tensor(dims, Float32Array.from({ length: dims[0] }, draw));

const replaceLayers = (
  model: Model,
  domain: string,
  replacement: (
    node: Node,
    weight: string,
    sizes: { readonly inputs: number; readonly outputs: number },
    random: () => number,
  ) => { readonly nodes: readonly Node[]; readonly parts: Parts },
): Model => {
  const layers = new Map(linearLayersOf(model.graph).map((layer) => [layer.at, layer]));
  const initializers = new Map(model.graph.initializers);
  const random = randomBy(17);
  const nodes = model.graph.nodes.flatMap((node, at): readonly Node[] => {
    const layer = layers.get(at);
    if (!layer || node.op !== 'MatMul') return [node];
    const made = replacement(node, layer.weight, layer, random);
    initializers.delete(layer.weight);
    for (const [name, tensor] of made.parts) initializers.set(name, tensor);
    return made.nodes;
  });
  const opsets = new Map(model.opsets);
  if (domain !== '') opsets.set(domain, 1);
  return { ...model, opsets, graph: { ...model.graph, nodes, initializers } };
};
