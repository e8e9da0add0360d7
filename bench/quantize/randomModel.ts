import { unwrap } from '../../src/core/result.ts';
import type { DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import { buildDecoder } from '../../src/onnx/build/decoder.ts';
import { float32Tensor } from '../../src/onnx/build/tensors.ts';
import { computedSource } from '../../src/onnx/codec/computedSource.ts';
import type { Model, Tensor } from '../../src/onnx/index.ts';

/** A decoder to be served, whose matrices are random numbers that are computed while it is written. */
export const randomDecoder = (spec: DecoderSpec): Model => {
  const model = unwrap(buildDecoder(spec, { kind: 'serving' }, { kind: 'zeros' }));
  const residual = 0.02 / Math.sqrt(2 * spec.layers);
  const initializers = new Map(
    [...model.graph.initializers].map(([name, tensor], i): [string, Tensor] => {
      if (name.endsWith('norm.weight'))
        return [name, float32Tensor(tensor.dims, new Float32Array(tensor.dims[0] ?? 0).fill(1))];
      if (!name.endsWith('.MatMul.weight')) return [name, tensor];
      const deviation = /[.](o_proj|down_proj)[.]/.test(name) ? residual : 0.02;
      return [name, randomTensor(tensor.dims, i + 1, deviation)];
    }),
  );
  return { ...model, graph: { ...model.graph, initializers } };
};

const randomTensor = (dims: readonly number[], seed: number, deviation: number): Tensor => {
  const length = 4 * dims.reduce((product, dim) => product * dim, 1);
  const source = computedSource(length, () => {
    const values = new Float32Array(length / 4);
    fillAlmostNormal(values, seed, deviation);
    return new Uint8Array(values.buffer);
  });
  return { dtype: 'float32', dims, data: { kind: 'slice', source, offset: 0, length } };
};

/** The four bytes of a random word (xorshift32, Marsaglia 2003), added: as good as normal here, and a tenth of its time. */
const fillAlmostNormal = (values: Float32Array, seed: number, deviation: number): void => {
  const scale = deviation / Math.sqrt((256 ** 2 - 1) / 3);
  let state = Math.imul(seed, 0x9e3779b9) | 1;
  for (let i = 0; i < values.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const sum = (state & 255) + ((state >>> 8) & 255) + ((state >>> 16) & 255) + (state >>> 24);
    values[i] = scale * (sum - 510);
  }
};
