import { describe, expect, it } from 'vitest';
import { sha256Bytes } from '../../core/hash.ts';
import { type Result, unwrap } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import { contentHash } from '../hash.ts';
import type { Model } from '../ir/types.ts';
import { printModel } from '../print.ts';
import type { DecoderForm, DecoderSpec } from './decoder/spec.ts';
import { buildDecoder } from './decoder.ts';
import { buildFedAvgCnn, paperCnn } from './fedAvgCnn.ts';
import { buildMlp } from './mlp.ts';
import { buildResNet, type ResNetSpec } from './resNet.ts';
import { buildTextClassifier } from './textClassifier.ts';

const seed = { kind: 'seed', seed: 7 } as const;
const training: DecoderForm = { kind: 'training', sequence: 8 };
const serving: DecoderForm = { kind: 'serving' };
const resNet: ResNetSpec = {
  family: 'resnet',
  image: 8,
  channels: 3,
  classes: 4,
  blocks: 1,
  width: 4,
  groups: 2,
  shortcut: 'padding',
};
const llama: DecoderSpec = {
  family: 'decoder',
  vocab: 60,
  hidden: 64,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  intermediate: 96,
  context: 32,
  norm: 'rms',
  epsilon: 1e-5,
  positions: { kind: 'rotary', theta: 10_000 },
  mlp: 'swiglu',
  bias: 'none',
  tied: true,
};
const untied: DecoderSpec = {
  ...llama,
  positions: {
    kind: 'rotary',
    theta: 500_000,
    scaling: { factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 16 },
  },
  bias: 'qkv',
  tied: false,
};
const gpt2: DecoderSpec = {
  ...llama,
  kvHeads: 4,
  norm: 'layer',
  positions: { kind: 'learned' },
  mlp: 'gelu',
  bias: 'all',
};

/**
 * Each of these ran in ONNX Runtime Web 1.30 when its hash was written down: against the same network in NumPy, and a
 * decoder's forms against each other, prompt and single steps. Whoever changes a graph has to do that again.
 */
const graphs: Readonly<Record<string, () => Result<Model, OnnxFault>>> = {
  mlp: () => buildMlp({ family: 'mlp', inputs: 6, hidden: [5], outputs: 3, activation: 'gelu' }, seed),
  cnn: () => buildFedAvgCnn({ ...paperCnn, image: 8, convolutions: [2, 3], hidden: 4 }, seed),
  resNetA: () => buildResNet(resNet, seed),
  resNetB: () => buildResNet({ ...resNet, shortcut: 'projection' }, seed),
  text: () =>
    buildTextClassifier(
      { family: 'text-classifier', vocab: 9, embedding: 4, hidden: [5], classes: 3, activation: 'tanh' },
      seed,
    ),
  llamaTraining: () => buildDecoder(llama, training, seed),
  llamaServing: () => buildDecoder(llama, serving, seed),
  untiedTraining: () => buildDecoder(untied, training, seed),
  untiedServing: () => buildDecoder(untied, serving, seed),
  gpt2Training: () => buildDecoder(gpt2, training, seed),
  gpt2Serving: () => buildDecoder(gpt2, serving, seed),
};

describe('the graphs', () => {
  it('are those that were tried', async () => {
    const hashes: Record<string, string> = {};
    for (const [name, build] of Object.entries(graphs)) {
      const deps = { digest: (bytes: Uint8Array) => Promise.resolve(sha256Bytes(bytes)) };
      hashes[name] = unwrap(await contentHash(unwrap(build()), deps)).hash;
    }
    expect(hashes).toMatchInlineSnapshot(`
      {
        "cnn": "419411d32b971e6648c4cd2bdf39e2b02c93cae2f2c9ebaccd64ee3ea0dbec74",
        "gpt2Serving": "ea14806e8b032f63e099b1ab1a97261524f20e2cef174409bbffc861fb1c45d7",
        "gpt2Training": "499185c514b843c73b18d2fbe3b0013df45c1eb3541a8327e2cfb7cf3ed44c29",
        "llamaServing": "b1872e6f0d5ee5aeada572e2b4f5055f204d88ba839686f973fc47a8b29b87eb",
        "llamaTraining": "2b5bcdacecbbca436ea8f8b82049103ea24a6eae4d9bb5c1a74c63548d106bb9",
        "mlp": "b463b7526742874608e448f4ecdb3a7638c4b258195d1473cc50a956f23a2736",
        "resNetA": "783c8ec307bef613adee6fe254442f4d46234f1785e3fc8572f2d4f723985981",
        "resNetB": "53aa614bb4ce0eeff6462dfe838a5f2f516735e2a072000b8464713258fa2314",
        "text": "6ed0072878c3fd318a686bda51cc52ff5eeaa9c7323fa045ad7f484581e0d713",
        "untiedServing": "80d6a5c816feb79504596b5c8f791ec439ad859c119805eeb432f1f761b2ab38",
        "untiedTraining": "caffbc967802eaa7db2a1b08ce95bf7b98316dd92414027b31c7cacf68641a65",
      }
    `);
  });

  it('of attention and its rotation read as the formulas do', () => {
    const spec: DecoderSpec = { ...llama, hidden: 4, layers: 1, heads: 2, kvHeads: 1, intermediate: 3 };
    const model = unwrap(buildDecoder(spec, { kind: 'training', sequence: 2 }, { kind: 'zeros' }));
    const nodes = model.graph.nodes
      .filter(({ name }) => name.startsWith('/model/layers.0/attn/'))
      .map((node) => ({ ...node, inputs: node.inputs.map(short), outputs: node.outputs.map(short) }));
    const shown = { ...model.graph, nodes, inputs: [], outputs: [], initializers: new Map() };
    expect(printModel({ ...model, graph: shown })).toMatchInlineSnapshot(`
      "onnx ir 10, opset ai.onnx 21
      producer "aivillage"
      graph decoder {
        %q_proj/MatMul = MatMul(%input_layernorm/Mul_1, %model.layers.0.attn.q_proj.MatMul.weight)
        %q_proj/Reshape = Reshape(%q_proj/MatMul, %"INT64/[0, 0, 2, 2]")
        %q_proj/Transpose = Transpose(%q_proj/Reshape) {perm=[0,2,1,3]}
        %q_rotary/Split, %q_rotary/Split.1 = Split(%q_proj/Transpose, %"INT64/[1, 1]") {axis=-1}
        %q_rotary/Mul = Mul(%q_rotary/Split, %FLOAT/[2x1]#0)
        %q_rotary/Mul_1 = Mul(%q_rotary/Split.1, %FLOAT/[2x1]#1)
        %q_rotary/Sub = Sub(%q_rotary/Mul, %q_rotary/Mul_1)
        %q_rotary/Mul_2 = Mul(%q_rotary/Split.1, %FLOAT/[2x1]#0)
        %q_rotary/Mul_3 = Mul(%q_rotary/Split, %FLOAT/[2x1]#1)
        %q_rotary/Add = Add(%q_rotary/Mul_2, %q_rotary/Mul_3)
        %q_rotary/Concat = Concat(%q_rotary/Sub, %q_rotary/Add) {axis=-1}
        %k_proj/MatMul = MatMul(%input_layernorm/Mul_1, %model.layers.0.attn.k_proj.MatMul.weight)
        %k_proj/Reshape = Reshape(%k_proj/MatMul, %"INT64/[0, 0, 1, 2]")
        %k_proj/Transpose = Transpose(%k_proj/Reshape) {perm=[0,2,1,3]}
        %k_rotary/Split, %k_rotary/Split.1 = Split(%k_proj/Transpose, %"INT64/[1, 1]") {axis=-1}
        %k_rotary/Mul = Mul(%k_rotary/Split, %FLOAT/[2x1]#0)
        %k_rotary/Mul_1 = Mul(%k_rotary/Split.1, %FLOAT/[2x1]#1)
        %k_rotary/Sub = Sub(%k_rotary/Mul, %k_rotary/Mul_1)
        %k_rotary/Mul_2 = Mul(%k_rotary/Split.1, %FLOAT/[2x1]#0)
        %k_rotary/Mul_3 = Mul(%k_rotary/Split, %FLOAT/[2x1]#1)
        %k_rotary/Add = Add(%k_rotary/Mul_2, %k_rotary/Mul_3)
        %k_rotary/Concat = Concat(%k_rotary/Sub, %k_rotary/Add) {axis=-1}
        %v_proj/MatMul = MatMul(%input_layernorm/Mul_1, %model.layers.0.attn.v_proj.MatMul.weight)
        %v_proj/Reshape = Reshape(%v_proj/MatMul, %"INT64/[0, 0, 1, 2]")
        %v_proj/Transpose = Transpose(%v_proj/Reshape) {perm=[0,2,1,3]}
        %k_repeat/Reshape = Reshape(%k_rotary/Concat, %"INT64/[0, 1, 1, 2, 2]")
        %k_repeat/Expand = Expand(%k_repeat/Reshape, %"INT64/[1, 1, 2, 1, 1]")
        %k_repeat/Reshape_1 = Reshape(%k_repeat/Expand, %"INT64/[0, 2, 2, 2]")
        %Transpose = Transpose(%k_repeat/Reshape_1) {perm=[0,1,3,2]}
        %MatMul = MatMul(%q_rotary/Concat, %Transpose)
        %Mul = Mul(%MatMul, %FLOAT/0.7071067690849304)
        %Add = Add(%Mul, %/model/mask/Trilu)
        %Softmax = Softmax(%Add) {axis=-1}
        %v_repeat/Reshape = Reshape(%v_proj/Transpose, %"INT64/[0, 1, 1, 2, 2]")
        %v_repeat/Expand = Expand(%v_repeat/Reshape, %"INT64/[1, 1, 2, 1, 1]")
        %v_repeat/Reshape_1 = Reshape(%v_repeat/Expand, %"INT64/[0, 2, 2, 2]")
        %MatMul_1 = MatMul(%Softmax, %v_repeat/Reshape_1)
        %Transpose_1 = Transpose(%MatMul_1) {perm=[0,2,1,3]}
        %Reshape = Reshape(%Transpose_1, %"INT64/[0, 0, 4]")
        %o_proj/MatMul = MatMul(%Reshape, %model.layers.0.attn.o_proj.MatMul.weight)
      }
      "
    `);
  });
});

const short = (name: string) =>
  name
    .replace('/model/layers.0/', '')
    .replace('attn/', '')
    .replace('/model/constants/', '')
    .replace('/output_0', '')
    .replace('/output_1', '.1');
