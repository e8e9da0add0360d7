import { float, int, ints, text } from '../ir/attributes.ts';
import type { Case } from './testCases.ts';

const bytesOf = (...dims: readonly number[]) => ({
  dims,
  values: Array.from({ length: dims.reduce((a, b) => a * b) }, (_, at) => (at * 89 + 23) % 256),
});

/** Of 5 positions, two planes. */
const angles = Array.from({ length: 10 }, (_, at) => Math.floor(at / 2) * (at % 2 ? 0.1 : 1));
const cosines = { dims: [5, 2], values: angles.map(Math.cos) };
const sines = { dims: [5, 2], values: angles.map(Math.sin) };

/** What layers are made of: convolutions, pools, normalizations, rotations, quantized products. */
export const layerCases: readonly Case[] = [
  ...[8, 4, 2].map(
    (bits): Case => ({
      title: `MatMulNBits of ${bits} bits`,
      op: 'MatMulNBits',
      domain: 'com.microsoft',
      inputs: [[2, 2, 20], undefined, undefined, undefined, undefined, [3]],
      bytes: { 1: bytesOf(3, 2, 2 * bits) },
      frozen: { 2: { dims: [3, 2], values: [0.1, 0.2, 0.3, 0.1, 0.05, 0.2] } },
      attributes: { K: int(20), N: int(3), bits: int(bits), block_size: int(16) },
    }),
  ),
  {
    title: 'MatMulNBits with zero points',
    op: 'MatMulNBits',
    domain: 'com.microsoft',
    inputs: [[2, 40]],
    bytes: { 1: bytesOf(2, 3, 8), 3: bytesOf(4) },
    frozen: { 2: { dims: [6], values: [0.1, 0.2, 0.3, 0.1, 0.05, 0.2] } },
    attributes: { K: int(40), N: int(2), bits: int(4), block_size: int(16) },
  },
  {
    title: 'MatMulNBits with zero points that are floats',
    op: 'MatMulNBits',
    domain: 'com.microsoft',
    inputs: [[2, 16]],
    bytes: { 1: bytesOf(2, 1, 8) },
    frozen: { 2: { dims: [2], values: [0.1, 0.2] }, 3: { dims: [2], values: [7.5, 3.25] } },
    attributes: { K: int(16), N: int(2), bits: int(4), block_size: int(16) },
  },
  { title: 'LayerNormalization', op: 'LayerNormalization', inputs: [[2, 3, 4], [4], [4]] },
  {
    title: 'LayerNormalization of two axes',
    op: 'LayerNormalization',
    inputs: [
      [2, 3, 4],
      [3, 4],
    ],
    attributes: { axis: int(1), epsilon: float(0.01) },
  },
  {
    title: 'SimplifiedLayerNormalization',
    op: 'SimplifiedLayerNormalization',
    inputs: [[2, 3, 4], [4]],
    attributes: { epsilon: float(0.01) },
  },
  { title: 'RMSNormalization', op: 'RMSNormalization', inputs: [[2, 3, 4], [4]] },
  ...['Skip', 'SkipSimplified'].flatMap((kind): readonly Case[] => {
    const op = `${kind}LayerNormalization`;
    const bias = kind === 'Skip' ? [[4], [4]] : [[4]];
    const more = { op, domain: 'com.microsoft', attributes: { epsilon: float(0.01) } };
    return [
      { ...more, title: `${op} with a bias`, inputs: [[2, 3, 4], [2, 3, 4], [4], ...bias] },
      { ...more, title: `${op} of a skip for all`, inputs: [[2, 3, 4], [3, 4], [4]] },
      { ...more, title: `${op} and the sum`, inputs: [[2, 3, 4], [2, 3, 4], [4]], used: [0, 3] },
      { ...more, title: `the sum of ${op} alone`, inputs: [[2, 3, 4], [2, 3, 4], [4]], used: [3] },
    ];
  }),
  {
    title: 'GroupNormalization, factors by channel',
    op: 'GroupNormalization',
    inputs: [[2, 4, 3, 2], [4], [4]],
    attributes: { num_groups: int(2) },
  },
  {
    title: 'GroupNormalization, factors by group',
    op: 'GroupNormalization',
    inputs: [[2, 4, 3], [2], [2]],
    attributes: { num_groups: int(2) },
    opset: 18,
  },
  { title: 'InstanceNormalization', op: 'InstanceNormalization', inputs: [[2, 3, 4], [3], [3]] },
  {
    title: 'BatchNormalization with its statistics frozen',
    op: 'BatchNormalization',
    inputs: [[2, 3, 4], [3], [3]],
    frozen: { 3: { dims: [3], values: [-0.5, 0, 0.5] }, 4: { dims: [3], values: [0.5, 1, 2] } },
  },
  ...[0, 1].map(
    (interleaved): Case => ({
      title: `RotaryEmbedding, interleaved ${interleaved}`,
      op: 'RotaryEmbedding',
      inputs: [[1, 2, 3, 4]],
      frozen: { 1: cosines, 2: sines },
      constants: { 3: { dims: [1, 3], values: [0, 1, 3] } },
      attributes: { interleaved: int(interleaved) },
    }),
  ),
  {
    title: "ONNX Runtime's RotaryEmbedding of a part of each head",
    op: 'RotaryEmbedding',
    domain: 'com.microsoft',
    inputs: [[2, 3, 12]],
    frozen: { 2: cosines, 3: sines },
    constants: { 1: { dims: [1], values: [1] } },
    attributes: { num_heads: int(2), rotary_embedding_dim: int(4) },
  },
  ...['DCR', 'CRD'].map(
    (mode): Case => ({
      title: `DepthToSpace ${mode}`,
      op: 'DepthToSpace',
      inputs: [[1, 8, 2, 3]],
      attributes: { blocksize: int(2), mode: text(mode) },
    }),
  ),
  { title: 'Conv', op: 'Conv', inputs: [[2, 3, 5, 6], [4, 3, 3, 2], [4]] },
  {
    title: 'Conv with pads, strides and dilations',
    op: 'Conv',
    inputs: [
      [1, 2, 7, 8],
      [3, 2, 3, 2],
    ],
    attributes: { pads: ints(1, 0, 2, 1), strides: ints(2, 3), dilations: ints(1, 2) },
  },
  {
    title: 'Conv in groups',
    op: 'Conv',
    inputs: [[2, 4, 4, 4], [6, 2, 3, 3], [6]],
    attributes: { group: int(2), auto_pad: text('SAME_UPPER') },
  },
  {
    title: 'Conv of each channel, in one dimension',
    op: 'Conv',
    inputs: [
      [2, 3, 7],
      [3, 1, 3],
    ],
    attributes: { group: int(3), auto_pad: text('SAME_LOWER'), strides: ints(2) },
  },
  { title: 'ConvTranspose', op: 'ConvTranspose', inputs: [[2, 3, 3, 4], [3, 2, 3, 2], [2]] },
  {
    title: 'ConvTranspose with pads, strides, dilations and room beyond',
    op: 'ConvTranspose',
    inputs: [
      [1, 2, 4, 3],
      [2, 3, 3, 2],
    ],
    attributes: {
      pads: ints(1, 0, 2, 1),
      strides: ints(2, 3),
      dilations: ints(1, 2),
      output_padding: ints(1, 2),
    },
  },
  {
    title: 'ConvTranspose whose room beyond is a stride',
    op: 'ConvTranspose',
    inputs: [
      [1, 2, 4],
      [2, 1, 3],
    ],
    attributes: { strides: ints(2), dilations: ints(3), output_padding: ints(2) },
  },
  {
    title: 'ConvTranspose in groups, of the size that was asked for',
    op: 'ConvTranspose',
    inputs: [[2, 4, 3, 3], [4, 3, 3, 3], [6]],
    attributes: { group: int(2), strides: ints(2, 2), output_shape: ints(6, 6) },
  },
  {
    title: 'ConvTranspose of each channel, in one dimension',
    op: 'ConvTranspose',
    inputs: [
      [2, 3, 4],
      [3, 1, 4],
    ],
    attributes: { group: int(3), strides: ints(2), auto_pad: text('SAME_UPPER') },
  },
  {
    title: 'MaxPool side by side',
    op: 'MaxPool',
    inputs: [[1, 2, 4, 6]],
    attributes: { kernel_shape: ints(2, 3), strides: ints(2, 3) },
  },
  {
    title: 'MaxPool that overlaps, with pads',
    op: 'MaxPool',
    inputs: [[1, 2, 5, 5]],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 2), pads: ints(1, 1, 1, 1) },
  },
  {
    title: 'AveragePool',
    op: 'AveragePool',
    inputs: [[1, 2, 4, 4]],
    attributes: { kernel_shape: ints(2, 2), strides: ints(2, 2) },
  },
  {
    title: 'AveragePool that overlaps, with pads left out',
    op: 'AveragePool',
    inputs: [[1, 2, 5, 5]],
    attributes: { kernel_shape: ints(3, 3), strides: ints(2, 1), pads: ints(1, 1, 1, 1) },
  },
  {
    title: 'AveragePool that counts its pads',
    op: 'AveragePool',
    inputs: [[1, 1, 5, 5]],
    attributes: { kernel_shape: ints(3, 3), pads: ints(1, 1, 1, 1), count_include_pad: int(1) },
  },
  { title: 'GlobalAveragePool', op: 'GlobalAveragePool', inputs: [[2, 3, 4, 2]] },
  { title: 'GlobalMaxPool', op: 'GlobalMaxPool', inputs: [[2, 3, 4, 2]] },
];
