import { unwrap } from '../../src/core/result.ts';
import { decoderParameters } from '../../src/onnx/build/decoder/parameters.ts';
import type { DecoderSpec } from '../../src/onnx/build/decoder/spec.ts';
import { buildDecoder } from '../../src/onnx/build/decoder.ts';
import { float32Tensor } from '../../src/onnx/build/tensors.ts';
import type { Model } from '../../src/onnx/index.ts';

/** The shape of the smallest SmolLM: 135 million parameters. */
export const smol = {
  family: 'decoder',
  vocab: 49_152,
  hidden: 576,
  layers: 30,
  heads: 9,
  kvHeads: 3,
  intermediate: 1536,
  context: 2048,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: true,
} as const satisfies DecoderSpec;

/** With random weights: uniform ones, which cost a tenth of normal ones, of the deviation each has at its start. */
export const buildSmolModel = (): Model => {
  let state = 0x9e3779b9;
  const draw = () => {
    // xorshift32 (Marsaglia 2003).
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state / 2 ** 31;
  };
  const tensors = decoderParameters(smol).map(({ name, dims, start }) => {
    const values = new Float32Array(dims.reduce((a, b) => a * b, 1));
    if (start.kind === 'normal') {
      const scale = start.deviation * Math.sqrt(3);
      for (let i = 0; i < values.length; i++) values[i] = scale * draw();
    } else values.fill(1);
    return [name, float32Tensor(dims, values)] as const;
  });
  return unwrap(buildDecoder(smol, { kind: 'serving' }, { kind: 'given', tensors: new Map(tensors) }));
};
