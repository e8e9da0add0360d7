import { float, int, ints, text } from '../../ir/attributes.ts';
import type { Model } from '../../ir/types.ts';
import { createGraphBuilder, type GraphBuilder } from '../graphBuilder.ts';
import { addParameter } from '../layers.ts';
import type { Parameter, Values } from '../parameters.ts';
import { type DecoderLayer, type Norm, type Projection, parametersOf } from './parameters.ts';
import { rotaryTable } from './rotary.ts';
import { type DecoderSpec, headSizeOf } from './spec.ts';

/**
 * 'input_ids' int64 [batch, sequence] → 'logits' float32 [batch, sequence, vocab], each place seeing those before it.
 * Operators that have a gradient alone, and no shape that is worked out at run time: the sequence is fixed, the batch free.
 */
export const trainingDecoder = (spec: DecoderSpec, sequence: number, values: Values): Model => {
  const b = createGraphBuilder({ name: 'decoder' });
  const parameters = parametersOf(spec);
  const model: Context = { spec, sequence, values, root: b, turns: turnsOf(spec, sequence, b) };
  const ids = b.input('input_ids', 'int64', ['batch', sequence]);
  const scope = b.scope('model');
  const table = addParameter(b, parameters.embedding, values);
  let x = scope.scope('embed_tokens').node('Gather', [table, ids]);
  if (parameters.positions) x = addPositions(model, scope, parameters.positions, x);
  const mask = causalMask(scope.scope('mask'), sequence);
  parameters.layers.forEach((layer, i) => {
    x = addLayer(model, scope.scope(`layers.${i}`), layer, mask, x);
  });
  const normal = addNorm(model, scope.scope(`layers.${spec.layers}`), parameters.finalNorm, 'final_norm', x);
  b.output(addHead(model, parameters.head, table, normal), 'float32', ['batch', sequence, spec.vocab]);
  return b.build();
};

type Context = {
  readonly spec: DecoderSpec;
  readonly sequence: number;
  readonly values: Values;
  readonly root: GraphBuilder;
  /** Constants [sequence, headSize / 2], if positions are rotations. */
  readonly turns: { readonly cos: string; readonly sin: string } | undefined;
};

const turnsOf = (spec: DecoderSpec, sequence: number, b: GraphBuilder): Context['turns'] => {
  if (spec.positions.kind !== 'rotary') return undefined;
  const { cos, sin, dims } = rotaryTable(spec, spec.positions.theta, spec.positions.scaling, sequence);
  return { cos: b.floats(cos, dims), sin: b.floats(sin, dims) };
};

const addPositions = (
  { sequence, values }: Context,
  scope: GraphBuilder,
  parameter: Parameter,
  x: string,
): string => {
  const inner = scope.scope('embed_positions');
  const table = addParameter(inner, parameter, values);
  const rows = inner.node('Slice', [table, inner.ints([0]), inner.ints([sequence]), inner.ints([0])]);
  return inner.node('Add', [x, rows]);
};

/** Added to scores: −10,000 above the diagonal, as GPT-2 has it. e^−10000 is 0, and float16 holds the number. */
const causalMask = (b: GraphBuilder, sequence: number): string => {
  const full = b.node('Expand', [b.floats(-10_000), b.ints([sequence, sequence])]);
  return b.node('Trilu', [full, b.ints(1)], { upper: int(1) });
};

const addLayer = (model: Context, b: GraphBuilder, layer: DecoderLayer, mask: string, x: string): string => {
  const attended = addAttention(
    model,
    b.scope('attn'),
    layer,
    mask,
    addNorm(model, b, layer.inputNorm, 'input', x),
  );
  const between = b.node('Add', [x, attended]);
  const normal = addNorm(model, b, layer.mlpNorm, 'post_attention', between);
  return b.node('Add', [between, addMlp(model, b.scope('mlp'), layer, normal)]);
};

/** x·W (+ bias): [..., in] → [..., out]. */
const addProjection = (
  { values }: Context,
  b: GraphBuilder,
  { weight, bias }: Projection,
  name: string,
  x: string,
): string => {
  const scope = b.scope(name);
  const product = scope.node('MatMul', [x, addParameter(b, weight, values)]);
  return bias === undefined ? product : scope.node('Add', [product, addParameter(b, bias, values)]);
};

const addAttention = (model: Context, b: GraphBuilder, layer: DecoderLayer, mask: string, x: string) => {
  const { heads, kvHeads } = model.spec;
  const size = headSizeOf(model.spec);
  const split = (part: Projection, name: string, count: number) => {
    const flat = addProjection(model, b, part, name, x);
    const apart = b.scope(name).node('Reshape', [flat, b.ints([0, 0, count, size])]);
    return b.scope(name).node('Transpose', [apart], { perm: ints(0, 2, 1, 3) });
  };
  const query = rotate(model, b.scope('q_rotary'), split(layer.query, 'q_proj', heads));
  const key = rotate(model, b.scope('k_rotary'), split(layer.key, 'k_proj', kvHeads));
  const value = split(layer.value, 'v_proj', kvHeads);
  const keys = b.node('Transpose', [repeat(model, b.scope('k_repeat'), key)], { perm: ints(0, 1, 3, 2) });
  const scores = b.node('Mul', [b.node('MatMul', [query, keys]), b.floats(1 / Math.sqrt(size))]);
  const shares = b.node('Softmax', [b.node('Add', [scores, mask])], { axis: int(-1) });
  const seen = b.node('MatMul', [shares, repeat(model, b.scope('v_repeat'), value)]);
  const together = b.node('Transpose', [seen], { perm: ints(0, 2, 1, 3) });
  const flat = b.node('Reshape', [together, b.ints([0, 0, heads * size])]);
  return addProjection(model, b, layer.output, 'o_proj', flat);
};

/** [batch, heads, sequence, headSize]: the first half of each head and the second are the planes' coordinates. */
const rotate = ({ turns, spec }: Context, b: GraphBuilder, x: string): string => {
  if (turns === undefined) return x;
  const half = headSizeOf(spec) / 2;
  const [first = '', second = ''] = b.nodeOf(2, 'Split', [x, b.ints([half, half])], { axis: int(-1) });
  const times = (a: string, by: string) => b.node('Mul', [a, by]);
  const left = b.node('Sub', [times(first, turns.cos), times(second, turns.sin)]);
  const right = b.node('Add', [times(second, turns.cos), times(first, turns.sin)]);
  return b.node('Concat', [left, right], { axis: int(-1) });
};

/** Every key head serves the `heads / kvHeads` query heads that follow each other. */
const repeat = ({ spec, sequence }: Context, b: GraphBuilder, x: string): string => {
  const { heads, kvHeads } = spec;
  if (heads === kvHeads) return x;
  const size = headSizeOf(spec);
  const apart = b.node('Reshape', [x, b.ints([0, kvHeads, 1, sequence, size])]);
  const copied = b.node('Expand', [apart, b.ints([1, 1, heads / kvHeads, 1, 1])]);
  return b.node('Reshape', [copied, b.ints([0, heads, sequence, size])]);
};

const addMlp = (model: Context, b: GraphBuilder, { mlp }: DecoderLayer, x: string): string => {
  if (mlp.kind === 'gelu') {
    const wide = addProjection(model, b, mlp.up, 'fc1', x);
    const active = b.scope('act_fn').node('Gelu', [wide], { approximate: text('tanh') });
    return addProjection(model, b, mlp.down, 'fc2', active);
  }
  const gate = addProjection(model, b, mlp.gate, 'gate_proj', x);
  const up = addProjection(model, b, mlp.up, 'up_proj', x);
  const act = b.scope('act_fn');
  const silu = act.node('Mul', [gate, act.node('Sigmoid', [gate])]);
  return addProjection(model, b, mlp.down, 'down_proj', b.node('Mul', [silu, up]));
};

const addNorm = (
  { spec, values }: Context,
  b: GraphBuilder,
  { weight, bias }: Norm,
  place: string,
  x: string,
): string => {
  const scope = b.scope(`${place}_layernorm`);
  const scale = addParameter(b, weight, values);
  if (bias !== undefined)
    return scope.node('LayerNormalization', [x, scale, addParameter(b, bias, values)], {
      axis: int(-1),
      epsilon: float(spec.epsilon),
    });
  const mean = scope.node('ReduceMean', [scope.node('Mul', [x, x]), b.ints([-1])]);
  const root = scope.node('Sqrt', [scope.node('Add', [mean, b.floats(spec.epsilon)])]);
  return scope.node('Mul', [scope.node('Div', [x, root]), scale]);
};

/** A tied head multiplies by the embeddings as they are: Gemm transposes without a copy, and wants a matrix. */
const addHead = (
  { spec, sequence, values, root }: Context,
  head: Parameter | undefined,
  table: string,
  x: string,
): string => {
  const b = root.scope('lm_head');
  if (head !== undefined)
    return b.node('MatMul', [x, addParameter(b, head, values)], {}, { outputs: ['logits'] });
  const rows = b.node('Reshape', [x, b.ints([-1, spec.hidden])]);
  const product = b.node('Gemm', [rows, table], { transB: int(1) });
  return b.node('Reshape', [product, b.ints([-1, sequence, spec.vocab])], {}, { outputs: ['logits'] });
};
