import { unwrap } from '../../core/result.ts';
import { bindDims } from '../bindDims.ts';
import { buildDecoder } from '../build/decoder.ts';
import { buildFedAvgCnn } from '../build/fedAvgCnn.ts';
import { createGraphBuilder, type GraphBuilder } from '../build/graphBuilder.ts';
import { buildMlp } from '../build/mlp.ts';
import { int, ints } from '../ir/attributes.ts';
import type { Model, Tensor } from '../ir/types.ts';
import type { Loss } from './trainingGraph.ts';

/** The models of scripts/vectors/autodiff_torch.py, by the names of its files. */

export type Tensors = ReadonlyMap<string, Tensor>;
const given = (tensors: Tensors) => ({ kind: 'given', tensors }) as const;

const decoder = {
  family: 'decoder',
  vocab: 12,
  hidden: 8,
  layers: 1,
  heads: 2,
  intermediate: 12,
  context: 4,
  epsilon: 1e-5,
} as const;
const form = { kind: 'training', sequence: 4 } as const;

/** A graph by hand, every weight of the file an initializer. */
const byHand = (
  tensors: Tensors,
  dims: readonly number[],
  write: (b: GraphBuilder) => string,
  outputDims: readonly number[],
): Model => {
  const b = createGraphBuilder({ name: 'golden' });
  b.input('input', 'float32', dims);
  for (const [name, tensor] of tensors) b.initializer(name, tensor);
  b.output(b.node('Identity', [write(b)], {}, { outputs: ['logits'] }), 'float32', outputDims);
  return b.build();
};

const residualBlock = (tensors: Tensors) => {
  const write = (b: GraphBuilder) => {
    const unit = (x: string, i: number) => {
      const h = b.node('Conv', [x, `conv${i}.weight`], { pads: ints(1, 1, 1, 1) });
      return b.node('GroupNormalization', [h, `norm${i}.scale`, `norm${i}.bias`], { num_groups: int(2) });
    };
    const h = b.node('Relu', [unit('input', 0)]);
    const sum = b.node('Relu', [b.node('Add', [unit(h, 1), 'input'])]);
    const pooled = b.node('Flatten', [b.node('GlobalAveragePool', [sum])]);
    return b.node('Gemm', [pooled, 'fc0.weight', 'fc0.bias'], { transB: int(1) });
  };
  return byHand(tensors, [4, 4, 4, 4], write, [4, 4]);
};

const transposed = (tensors: Tensors) => {
  const write = (b: GraphBuilder) => {
    const up = b.node('ConvTranspose', ['input', 'up.weight', 'up.bias'], {
      strides: ints(2, 2),
      pads: ints(1, 1, 1, 1),
      output_padding: ints(1, 1),
    });
    return b.node('ConvTranspose', [b.node('Tanh', [up]), 'out.weight', 'out.bias'], {
      pads: ints(2, 1, 2, 1),
      dilations: ints(2, 2),
      group: int(2),
    });
  };
  return byHand(tensors, [2, 3, 4, 4], write, [2, 2, 8, 8]);
};

const mlp = (outputs: number, activation: 'tanh' | 'relu') => (tensors: Tensors) =>
  unwrap(
    bindDims(
      unwrap(buildMlp({ family: 'mlp', inputs: 6, hidden: [8], outputs, activation }, given(tensors))),
      {
        batch: 4,
      },
    ),
  );

const crossEntropy: Loss = { kind: 'softmax-cross-entropy', logits: 'logits' };

/**
 * `exact`: how far the reference may be off. Constants of a graph are float32: where one is no power of two (of the
 * approximated GELU), the reference computes with another number than PyTorch.
 */
export type Golden = {
  readonly build: (tensors: Tensors) => Model;
  readonly loss: Loss;
  readonly exact: number;
};

export const goldens: Readonly<Record<string, Golden>> = {
  mlp: { build: mlp(4, 'tanh'), loss: crossEntropy, exact: 1e-9 },
  binary: { build: mlp(2, 'relu'), loss: { kind: 'binary-cross-entropy', logits: 'logits' }, exact: 1e-9 },
  'fedavg-cnn': {
    build: (tensors) =>
      unwrap(
        bindDims(
          unwrap(
            buildFedAvgCnn(
              { family: 'fedavg-cnn', image: 8, channels: 1, convolutions: [2, 3], hidden: 8, classes: 4 },
              given(tensors),
            ),
          ),
          { batch: 4 },
        ),
      ),
    loss: crossEntropy,
    exact: 1e-9,
  },
  'residual-block': { build: residualBlock, loss: crossEntropy, exact: 1e-9 },
  transposed: { build: transposed, loss: { kind: 'mean-squared-error', output: 'logits' }, exact: 1e-9 },
  gpt: {
    build: (tensors) =>
      unwrap(
        bindDims(
          unwrap(
            buildDecoder(
              {
                ...decoder,
                kvHeads: 2,
                intermediate: 16,
                bias: 'all',
                tied: false,
                norm: 'layer',
                positions: { kind: 'learned' },
                mlp: 'gelu',
              },
              form,
              given(tensors),
            ),
          ),
          { batch: 2 },
        ),
      ),
    loss: crossEntropy,
    exact: 1e-7,
  },
  llama: {
    build: (tensors) =>
      unwrap(
        bindDims(
          unwrap(
            buildDecoder(
              {
                ...decoder,
                kvHeads: 1,
                bias: 'none',
                tied: true,
                norm: 'rms',
                positions: { kind: 'rotary', theta: 10_000 },
                mlp: 'swiglu',
              },
              form,
              given(tensors),
            ),
          ),
          { batch: 2 },
        ),
      ),
    loss: { ...crossEntropy, masked: true },
    exact: 1e-9,
  },
};
