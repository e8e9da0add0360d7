/** Low-rank adapters beside a decoder's projections (Hu et al. 2021), by the names and with the start of PEFT. */
import { ok, type Result } from '../../src/core/result.ts';
import { createStream, fillUniform } from '../../src/onnx/build/random.ts';
import { float32Tensor } from '../../src/onnx/build/tensors.ts';
import type { Model, Node, OnnxFault } from '../../src/onnx/index.ts';

/** `<weight>.lora_A` [in, r] and `<weight>.lora_B` [r, out] for each MatMul of a named weight; all else is frozen. */
export const loraOf = (
  model: Model,
  { rank, alpha, seed }: { readonly rank: number; readonly alpha: number; readonly seed: number },
): Result<{ readonly model: Model; readonly trainable: readonly string[] }, OnnxFault> => {
  const { graph } = model;
  const initializers = new Map(graph.initializers);
  initializers.set('lora.scale', float32Tensor([], Float32Array.of(alpha / rank)));
  const trainable: string[] = [];
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    const weight = node.inputs[1] ?? '';
    const [inputs, outputs] = graph.initializers.get(weight)?.dims ?? [];
    if (node.op !== 'MatMul' || inputs === undefined || outputs === undefined) return [node];
    const [a, b] = [`${weight}.lora_A`, `${weight}.lora_B`];
    const start = new Float32Array(inputs * rank);
    fillUniform(start, createStream(seed, a), 1 / Math.sqrt(inputs));
    initializers.set(a, float32Tensor([inputs, rank], start));
    initializers.set(b, float32Tensor([rank, outputs], new Float32Array(rank * outputs)));
    trainable.push(a, b);
    return besides(node, weight, a, b);
  });
  return ok({ model: { ...model, graph: { ...graph, nodes, initializers } }, trainable });
};

const besides = (node: Node, weight: string, a: string, b: string): readonly Node[] => {
  const [x = '', y = ''] = [node.inputs[0], node.outputs[0]];
  const at = (part: string) => `${weight}.lora/${part}`;
  const step = (op: string, inputs: readonly string[], output: string): Node => ({
    op,
    domain: '',
    name: at(`${op} to ${output}`),
    inputs,
    outputs: [output],
    attributes: {},
  });
  return [
    { ...node, outputs: [at('base')] },
    step('MatMul', [x, a], at('down')),
    step('Mul', [at('down'), 'lora.scale'], at('scaled')),
    step('MatMul', [at('scaled'), b], at('up')),
    step('Add', [at('base'), at('up')], y),
  ];
};
