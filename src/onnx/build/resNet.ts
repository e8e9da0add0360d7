import { ok, type Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import { int } from '../ir/attributes.ts';
import type { Model } from '../ir/types.ts';
import { checkSpec, divides, oneOf, whole } from './bounds.ts';
import { createGraphBuilder, type GraphBuilder } from './graphBuilder.ts';
import { addParameter, type ConvShape, convDims, convSame, linear, linearParameters } from './layers.ts';
import {
  glorotUniform,
  heNormal,
  one,
  type Parameter,
  resolveWeights,
  type Values,
  type Weights,
  zero,
} from './parameters.ts';

/**
 * The residual network for CIFAR of He et al. 2016 (§4.2): 6·blocks + 2 layers in three stages of width w, 2w and 4w, with
 * group normalisation (Wu & He 2018) where the paper has batch normalisation: it has the same parameters, treats training
 * and use alike, and needs no statistics that peers would have to agree on.
 */
export type ResNetSpec = {
  readonly family: 'resnet';
  /** Height and width, a multiple of 4: CIFAR's is 32. */
  readonly image: number;
  readonly channels: number;
  readonly classes: number;
  /** Blocks of each stage: 3 is ResNet-20, 9 is ResNet-56. */
  readonly blocks: number;
  /** Of the first stage: the paper's is 16. */
  readonly width: number;
  /** Of the normalisation; divides the width. */
  readonly groups: number;
  /** Where a stage begins: the input subsampled and padded with empty channels (the paper's A), or a 1×1 convolution (B). */
  readonly shortcut: 'padding' | 'projection';
};

export const checkResNet = (spec: ResNetSpec): Result<void, OnnxFault> =>
  checkSpec('resnet', [
    whole('image', spec.image, 4, 1024),
    divides('two halvings', 4, 'image', spec.image),
    whole('channels', spec.channels, 1, 1024),
    whole('classes', spec.classes, 1, 2 ** 16),
    whole('blocks', spec.blocks, 1, 64),
    whole('width', spec.width, 1, 1024),
    whole('groups', spec.groups, 1, 1024),
    divides('groups', spec.groups, 'width', spec.width),
    oneOf('shortcut', spec.shortcut, ['padding', 'projection']),
  ]);

export const resNetParameters = (spec: ResNetSpec): readonly Parameter[] => [
  ...unitParameters(stem(spec)),
  ...blocksOf(spec).flatMap(({ first, second, shortcut }) =>
    [first, second, ...(shortcut ? [shortcut] : [])].flatMap(unitParameters),
  ),
  ...Object.values(classifier(spec)),
];

/** 'input' [batch, channels, image, image] → 'logits' [batch, classes]. */
export const buildResNet = (spec: ResNetSpec, weights: Weights): Result<Model, OnnxFault> => {
  const checked = checkResNet(spec);
  if (!checked.ok) return checked;
  const resolved = resolveWeights(resNetParameters(spec), weights);
  if (!resolved.ok) return resolved;
  const b = createGraphBuilder({ name: 'resnet' });
  const context: Context = { values: resolved.value, groups: spec.groups };
  const input = b.input('input', 'float32', ['batch', spec.channels, spec.image, spec.image]);
  let x = b.scope('stem').node('Relu', [addUnit(b, stem(spec), context, input)]);
  for (const block of blocksOf(spec)) x = addBlock(b, block, context, x);
  const pooled = b.node('ReduceMean', [x, b.ints([2, 3])], { keepdims: int(0) });
  const logits = linear(b, classifier(spec), resolved.value, pooled, 'logits');
  b.output(logits, 'float32', ['batch', spec.classes]);
  return ok(b.build());
};

/** A convolution and its normalisation. `size` is that of its result. */
type Unit = { readonly name: string; readonly shape: ConvShape; readonly size: number };
type Block = {
  readonly name: string;
  readonly first: Unit;
  readonly second: Unit;
  readonly shortcut?: Unit;
};
type Context = { readonly values: Values; readonly groups: number };

const stem = ({ channels, width, image }: ResNetSpec): Unit => ({
  name: 'stem',
  shape: { inputs: channels, outputs: width, kernel: 3 },
  size: image,
});

const blocksOf = (spec: ResNetSpec): readonly Block[] =>
  [0, 1, 2].flatMap((stage) =>
    Array.from({ length: spec.blocks }, (_, i): Block => {
      const outputs = spec.width * 2 ** stage;
      const size = spec.image / 2 ** stage;
      const grows = stage > 0 && i === 0;
      const inputs = grows ? outputs / 2 : outputs;
      const stride = grows ? 2 : 1;
      const name = `stage${stage}.block${i}`;
      const projection = { name: `${name}.shortcut`, shape: { inputs, outputs, kernel: 1, stride }, size };
      return {
        name,
        first: { name: `${name}.conv0`, shape: { inputs, outputs, kernel: 3, stride }, size },
        second: { name: `${name}.conv1`, shape: { inputs: outputs, outputs, kernel: 3 }, size },
        ...(grows && spec.shortcut === 'projection' ? { shortcut: projection } : {}),
      };
    }),
  );

const classifier = ({ width, classes }: ResNetSpec) =>
  linearParameters('fc', 4 * width, classes, glorotUniform(4 * width, classes));

const convWeight = ({ name, shape }: Unit): Parameter => ({
  name: `${name}.weight`,
  dims: convDims(shape),
  start: heNormal(shape.inputs * shape.kernel ** 2),
});
const normScale = ({ name, shape }: Unit): Parameter => ({
  name: `${name}.norm.weight`,
  dims: [shape.outputs, 1, 1],
  start: one,
});
const normShift = ({ name, shape }: Unit): Parameter => ({
  name: `${name}.norm.bias`,
  dims: [shape.outputs, 1, 1],
  start: zero,
});
const unitParameters = (unit: Unit) => [convWeight(unit), normScale(unit), normShift(unit)];

const addBlock = (b: GraphBuilder, block: Block, context: Context, x: string): string => {
  const inner = b.scope(block.name);
  const first = inner.node('Relu', [addUnit(b, block.first, context, x)]);
  const second = addUnit(b, block.second, context, first);
  const sum = inner.node('Add', [second, addShortcut(b, block, context, x)]);
  return inner.node('Relu', [sum]);
};

const addShortcut = (b: GraphBuilder, { name, first, shortcut }: Block, context: Context, x: string) => {
  if (shortcut !== undefined) return addUnit(b, shortcut, context, x);
  const { inputs, outputs, stride = 1 } = first.shape;
  if (stride === 1) return x;
  const scope = b.scope(`${name}.shortcut`);
  const end = first.size * stride;
  const every = scope.node('Slice', [x, b.ints([0, 0]), b.ints([end, end]), b.ints([2, 3]), b.ints([2, 2])]);
  return scope.node('Pad', [every, b.ints([0, 0, 0, 0, 0, outputs - inputs, 0, 0])]);
};

/** y = scale·(x − mean) / √(variance + ε) + shift over each group of channels and all places. */
const addUnit = (b: GraphBuilder, unit: Unit, { values, groups }: Context, input: string): string => {
  const scope = b.scope(unit.name);
  const { shape, size } = unit;
  const x = convSame(scope, shape, [input, addParameter(b, convWeight(unit), values)]);
  const grouped = scope.node('Reshape', [x, b.ints([0, groups, -1])]);
  const centred = scope.node('Sub', [grouped, scope.node('ReduceMean', [grouped, b.ints([2])])]);
  const square = scope.node('Mul', [centred, centred]);
  const variance = scope.node('Add', [scope.node('ReduceMean', [square, b.ints([2])]), b.floats(1e-5)]);
  const normal = scope.node('Div', [centred, scope.node('Sqrt', [variance])]);
  const back = scope.node('Reshape', [normal, b.ints([0, shape.outputs, size, size])]);
  const scaled = scope.node('Mul', [back, addParameter(b, normScale(unit), values)]);
  return scope.node('Add', [scaled, addParameter(b, normShift(unit), values)]);
};
