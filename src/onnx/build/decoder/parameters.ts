import { gpt2Normal, gpt2Residual, one, type Parameter, type Start, zero } from '../parameters.ts';
import { type DecoderSpec, headSizeOf } from './spec.ts';

/**
 * A decoder's parameters, by the names that ONNX Runtime GenAI's builder gives initializers, and in its layout: matrices are
 * [in, out]. Both forms and every source of weights agree on these; the serving form packs q, k and v when it is written.
 */
export type Projection = { readonly weight: Parameter; readonly bias?: Parameter };
export type Norm = { readonly weight: Parameter; readonly bias?: Parameter };

export type DecoderLayer = {
  readonly inputNorm: Norm;
  readonly query: Projection;
  readonly key: Projection;
  readonly value: Projection;
  readonly output: Projection;
  readonly mlpNorm: Norm;
  readonly mlp:
    | {
        readonly kind: 'swiglu';
        readonly gate: Projection;
        readonly up: Projection;
        readonly down: Projection;
      }
    | { readonly kind: 'gelu'; readonly up: Projection; readonly down: Projection };
};

export type DecoderParameters = {
  /** [vocab, hidden]. Where embeddings are tied, the output's too. */
  readonly embedding: Parameter;
  /** [context, hidden]. */
  readonly positions?: Parameter;
  readonly layers: readonly DecoderLayer[];
  readonly finalNorm: Norm;
  /** [hidden, vocab]; not there if it is the embedding. */
  readonly head?: Parameter;
};

export const parametersOf = (spec: DecoderSpec): DecoderParameters => ({
  embedding: { name: 'model.embed_tokens.weight', dims: [spec.vocab, spec.hidden], start: gpt2Normal },
  ...(spec.positions.kind === 'learned'
    ? {
        positions: {
          name: 'model.embed_positions.weight',
          dims: [spec.context, spec.hidden],
          start: gpt2Normal,
        },
      }
    : {}),
  layers: Array.from({ length: spec.layers }, (_, i) => layerOf(spec, `model.layers.${i}`)),
  finalNorm: normOf(spec, `model.layers.${spec.layers}.final_norm_layernorm`),
  ...(spec.tied
    ? {}
    : { head: { name: 'lm_head.MatMul.weight', dims: [spec.hidden, spec.vocab], start: gpt2Normal } }),
});

/** In the order of the computation. */
export const decoderParameters = (spec: DecoderSpec): readonly Parameter[] => {
  const { embedding, positions, layers, finalNorm, head } = parametersOf(spec);
  return [
    embedding,
    ...present(positions),
    ...layers.flatMap(({ inputNorm, query, key, value, output, mlpNorm, mlp }) =>
      [
        inputNorm,
        query,
        key,
        value,
        output,
        mlpNorm,
        ...(mlp.kind === 'swiglu' ? [mlp.gate] : []),
        mlp.up,
        mlp.down,
      ].flatMap(pair),
    ),
    ...pair(finalNorm),
    ...present(head),
  ];
};

const layerOf = (spec: DecoderSpec, name: string): DecoderLayer => {
  const { hidden, heads, kvHeads, intermediate, bias, layers } = spec;
  const size = headSizeOf(spec);
  const residual = gpt2Residual(layers);
  const attention = (which: string, outputs: number) =>
    projection(`${name}.attn.${which}_proj`, hidden, outputs, bias !== 'none', gpt2Normal);
  const mlp = (which: string, inputs: number, outputs: number, start: Start) =>
    projection(`${name}.mlp.${which}`, inputs, outputs, bias === 'all', start);
  return {
    inputNorm: normOf(spec, `${name}.input_layernorm`),
    query: attention('q', heads * size),
    key: attention('k', kvHeads * size),
    value: attention('v', kvHeads * size),
    output: projection(`${name}.attn.o_proj`, heads * size, hidden, bias === 'all', residual),
    mlpNorm: normOf(spec, `${name}.post_attention_layernorm`),
    mlp:
      spec.mlp === 'swiglu'
        ? {
            kind: 'swiglu',
            gate: mlp('gate_proj', hidden, intermediate, gpt2Normal),
            up: mlp('up_proj', hidden, intermediate, gpt2Normal),
            down: mlp('down_proj', intermediate, hidden, residual),
          }
        : {
            kind: 'gelu',
            up: mlp('fc1', hidden, intermediate, gpt2Normal),
            down: mlp('fc2', intermediate, hidden, residual),
          },
  };
};

const projection = (
  name: string,
  inputs: number,
  outputs: number,
  biased: boolean,
  start: Start,
): Projection => ({
  weight: { name: `${name}.MatMul.weight`, dims: [inputs, outputs], start },
  ...(biased ? { bias: { name: `${name}.Add.bias`, dims: [outputs], start: zero } } : {}),
});

const normOf = ({ norm, hidden }: DecoderSpec, name: string): Norm => ({
  weight: { name: `${name}.weight`, dims: [hidden], start: one },
  ...(norm === 'layer' ? { bias: { name: `${name}.bias`, dims: [hidden], start: zero } } : {}),
});

const present = <T>(value: T | undefined): readonly T[] => (value === undefined ? [] : [value]);
const pair = ({ weight, bias }: Projection) => [weight, ...present(bias)];
