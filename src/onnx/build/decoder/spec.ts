import { err, ok, type Result } from '../../../core/result.ts';
import { type OnnxFault, onnxFault } from '../../fault.ts';
import { between, checkSpec, divides, oneOf, whole } from '../bounds.ts';

/** A decoder-only transformer of the Llama or GPT kind. */
export type DecoderSpec = {
  readonly family: 'decoder';
  readonly vocab: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Fewer than `heads` for grouped queries (Ainslie et al. 2023). */
  readonly kvHeads: number;
  /** Default: hidden / heads. */
  readonly headSize?: number;
  /** Of the MLP. */
  readonly intermediate: number;
  /** Positions there are. */
  readonly context: number;
  /** Root mean square (Zhang & Sennrich 2019), or mean and variance with a bias (Ba et al. 2016). */
  readonly norm: 'rms' | 'layer';
  readonly epsilon: number;
  readonly positions: Positions;
  /** Shazeer 2020, or GELU with the tanh approximation, as in GPT-2. */
  readonly mlp: 'swiglu' | 'gelu';
  /** Which projections have a bias: none as in Llama, q, k and v as in Qwen2, all as in GPT-2. */
  readonly bias: 'none' | 'qkv' | 'all';
  /** Input and output embeddings are one tensor. */
  readonly tied: boolean;
};

export type Positions =
  /** RoFormer (Su et al. 2021), halves rotated as in Llama. */
  | { readonly kind: 'rotary'; readonly theta: number; readonly scaling?: RotaryScaling }
  | { readonly kind: 'learned' };

/** `rope_type: llama3` of Llama 3.1: low frequencies are divided by `factor`, high ones kept, a ramp in between. */
export type RotaryScaling = {
  readonly factor: number;
  readonly lowFrequency: number;
  readonly highFrequency: number;
  readonly originalContext: number;
};

export type DecoderForm =
  /** For gradients: plain operators, fixed sequence, causal, no cache. */
  | { readonly kind: 'training'; readonly sequence: number }
  /** For ONNX Runtime: fused operators and a cache of keys and values. */
  | { readonly kind: 'serving' };

export const headSizeOf = ({ headSize, hidden, heads }: DecoderSpec): number => headSize ?? hidden / heads;

export const checkDecoder = (spec: DecoderSpec): Result<void, OnnxFault> =>
  checkSpec('decoder', [
    whole('vocab', spec.vocab, 1, 2 ** 20),
    whole('hidden', spec.hidden, 1, 2 ** 15),
    whole('layers', spec.layers, 1, 256),
    whole('heads', spec.heads, 1, 512),
    whole('kvHeads', spec.kvHeads, 1, 512),
    divides('kvHeads', spec.kvHeads, 'heads', spec.heads),
    spec.headSize === undefined
      ? divides('heads', spec.heads, 'hidden', spec.hidden)
      : whole('headSize', spec.headSize, 1, 1024),
    whole('intermediate', spec.intermediate, 1, 2 ** 17),
    whole('context', spec.context, 1, 2 ** 17),
    oneOf('norm', spec.norm, ['rms', 'layer']),
    between('epsilon', spec.epsilon, 1e-12, 1e-2),
    ...positionProblems(spec),
    oneOf('mlp', spec.mlp, ['swiglu', 'gelu']),
    oneOf('bias', spec.bias, ['none', 'qkv', 'all']),
    oneOf('tied', spec.tied, [true, false]),
  ]);

/** The mask of scores grows with the square of the sequence. */
const longestSequence = 4096;

export const checkForm = (spec: DecoderSpec, form: DecoderForm): Result<void, OnnxFault> => {
  if (form.kind === 'training')
    return checkSpec('decoder for training', [
      whole('sequence', form.sequence, 1, Math.min(spec.context, longestSequence)),
    ]);
  const multiple = spec.positions.kind === 'rotary' ? 16 : 8;
  const size = headSizeOf(spec);
  return size % multiple === 0
    ? ok(undefined)
    : err(
        onnxFault(
          'unsupported',
          `GroupQueryAttention needs a head size that is a multiple of ${multiple}, and it is ${size}`,
          '/model/layers.0/attn/GroupQueryAttention',
        ),
      );
};

const positionProblems = (spec: DecoderSpec) => {
  const { positions } = spec;
  const kind = oneOf('positions.kind', positions?.kind, ['rotary', 'learned']);
  if (kind !== undefined || positions.kind === 'learned') return [kind];
  const { theta, scaling } = positions;
  return [
    between('positions.theta', theta, 1, 1e9),
    divides('two halves', 2, 'the head size', Math.floor(headSizeOf(spec))),
    ...(scaling === undefined ? [] : scalingProblems(scaling)),
  ];
};

const scalingProblems = (scaling: RotaryScaling) => {
  if (typeof scaling !== 'object' || scaling === null) return ['positions.scaling must be an object'];
  const { factor, lowFrequency, highFrequency, originalContext } = scaling;
  return [
    between('positions.scaling.factor', factor, 1, 1024),
    between('positions.scaling.lowFrequency', lowFrequency, 1e-3, 1e3),
    between('positions.scaling.highFrequency', highFrequency, 1e-3, 1e3),
    whole('positions.scaling.originalContext', originalContext, 1, 2 ** 20),
    lowFrequency < highFrequency
      ? undefined
      : 'positions.scaling.lowFrequency must be below positions.scaling.highFrequency',
  ];
};
