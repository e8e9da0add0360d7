import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import type { DataType, Graph, Tensor, Value } from '../ir/types.ts';
import { accumulated, type Pass } from './accumulate.ts';
import { differentiate } from './differentiate.ts';
import {
  createEmitter,
  type Dims,
  type Emitter,
  graphBehind,
  type Known,
  type Name,
  namesOf,
} from './emitter.ts';
import { withFusedUpdates } from './fuseUpdates.ts';
import {
  binaryCrossEntropy,
  maskedCrossEntropy,
  meanSquaredError,
  onlyForRange,
  softmaxCrossEntropy,
} from './losses.ts';
import { clipped, countsSteps, type Optimizer, slotsOf, update } from './optimizers.ts';
import {
  clippedGradients,
  noiseFed,
  type PerExample,
  whyNotByExample,
} from './perExample/clippedGradients.ts';
import { maskedByExample } from './perExample/loss.ts';
import { withNorms } from './perExample/norms.ts';
import { type Recompute, recompute } from './recompute.ts';
import { unrolled } from './unroll.ts';

export type Loss =
  /** `training.labels`, int32: the dims of the logits without the last. With `masked`, `training.mask` of the same dims in float32. */
  | { readonly kind: 'softmax-cross-entropy'; readonly logits: Name; readonly masked?: boolean }
  /** `training.target`: the dims of the output. */
  | { readonly kind: 'mean-squared-error'; readonly output: Name }
  | { readonly kind: 'binary-cross-entropy'; readonly logits: Name };

export type TrainingSpec = {
  /** The forward pass; all dims numbers, opset 18 or later. */
  readonly graph: Graph;
  readonly known: ReadonlyMap<Name, Known>;
  readonly loss: Loss;
  /** Initializers, in float32. All others are frozen. */
  readonly trainable: readonly Name[];
  readonly optimizer: Optimizer;
  /** The most that the norm of all gradients together may be. */
  readonly clip?: number;
  /** Clips the gradient of each example by itself; the loss is then the mean of the examples' own. */
  readonly perExample?: PerExample;
  /** Computes parts of the forward pass again in the backward pass, in place of keeping them. */
  readonly recompute?: Recompute;
  /** So many steps in one run, each with a batch of its own: weights are copied in and out once. */
  readonly steps?: number;
  /**
   * So many batches in each step, one after the other: the gradient of a batch that has all their examples, in the memory of
   * one. Not equal if the forward pass mixes examples of a batch.
   */
  readonly accumulate?: number;
};

/** A tensor that is fed with each run. */
export type Fed = { readonly name: Name; readonly dtype: DataType; readonly dims: Dims };

/** A tensor that lives on from run to run: the output of one is the input of the next. */
export type Carried = {
  readonly input: Name;
  readonly output: Name;
  readonly dims: Dims;
  readonly role: 'weight' | 'slot' | 'step';
  /** Undefined: zeros. */
  readonly initial: Tensor | undefined;
};

export type TrainingGraph = {
  readonly graph: Graph;
  /**
   * The inputs of the forward pass that are no initializers, then `training.labels` or `training.target`, `training.mask`, and
   * `training.rate`, the step size. With
   * several steps each has one more dimension before its own, the step; with several batches in a step all but the rate have
   * another one behind that, the batch.
   */
  readonly fed: readonly Fed[];
  readonly carried: readonly Carried[];
  /** float32, one for each step. */
  readonly loss: Name;
  /** With `perExample`, the norms of the examples' gradients before clipping: float32 [examples], or [steps, examples]. */
  readonly norms?: Name;
};

/**
 * One graph that does a training step, or several: forward, loss, backward, clipping, update. Knows what goes in and what comes
 * out; doesn't know what runs it.
 */
export const buildTrainingGraph = (spec: TrainingSpec): Result<TrainingGraph, OnnxFault> => {
  const objection = whyNot(spec);
  if (objection) return err(objection);
  const one = oneStep(spec);
  if (!one.ok) return one;
  return ok(withNorms(unrolled(one.value, spec.steps ?? 1), one.value, spec.steps ?? 1));
};

const own = ['labels', 'target', 'mask', 'rate', 'step', 'noise', 'norms'].map((name) => `training.${name}`);

const whyNot = (spec: TrainingSpec): OnnxFault | undefined => {
  const { graph, trainable, steps = 1, accumulate = 1, clip = 1 } = spec;
  if (trainable.length === 0) return onnxFault('invalid', 'nothing is to be trained: name some weights');
  const stranger = trainable.find((name) => graph.initializers.get(name)?.dtype !== 'float32');
  if (stranger !== undefined)
    return onnxFault('invalid', `'${stranger}' is no float32 initializer of the graph`);
  const taken = namesOf(graph);
  const clash = [...own, ...trainable.map((name) => `training.noise.${name}`)].find((name) =>
    taken.has(name),
  );
  if (clash !== undefined)
    return onnxFault('invalid', `'${clash}' is a name that training needs: rename it in the graph`);
  if (!Number.isSafeInteger(steps) || steps < 1 || steps > 1_000)
    return onnxFault('invalid', `${steps} steps in a run: between 1 and 1000`);
  if (!Number.isSafeInteger(accumulate) || accumulate < 1 || accumulate * steps > 1_000)
    return onnxFault(
      'invalid',
      `${accumulate} batches in each of ${steps} steps: from 1 on, and up to 1000 in a run`,
    );
  if (!(clip > 0)) return onnxFault('invalid', `gradients clipped to ${clip}: more than 0`);
  // Each batch would bring noise of its own, and norms.
  if (spec.perExample && accumulate > 1)
    return onnxFault(
      'unsupported',
      'gradients are clipped by example in one batch a step: leave accumulation out',
    );
  return spec.perExample && whyNotByExample(spec.perExample);
};

const toValue = ({ name, dtype, dims }: Fed): Value => ({
  name,
  type: { kind: 'tensor', dtype, shape: dims },
});

const oneStep = (spec: TrainingSpec): Result<TrainingGraph, OnnxFault> => {
  const { graph, trainable } = spec;
  const data = graph.inputs.flatMap(({ name }): readonly Fed[] => {
    const known = spec.known.get(name);
    return graph.initializers.has(name) || !known ? [] : [{ name, ...known }];
  });
  const vague = graph.inputs.find(({ name }) => !graph.initializers.has(name) && !spec.known.has(name));
  if (vague) return err(onnxFault('invalid', `the input '${vague.name}' must have dims that are numbers`));
  const wanted = wantedBy(spec);
  if (!wanted.ok) return wanted;
  const rate: Fed = { name: 'training.rate', dtype: 'float32', dims: [] };
  const noise = spec.perExample ? noiseFed(spec.perExample, trainable, spec.known) : [];
  const fed = [...data, ...wanted.value, ...noise];
  const given = new Map([...spec.known, ...[...fed, rate].map((each) => [each.name, each] as const)]);
  const forward = createEmitter({
    prefix: 'loss',
    known: (name) => given.get(name),
    isTaken: (name) => given.has(name) || namesOf(graph).has(name),
  });
  const { accumulate = 1 } = spec;
  const batch = data.find(({ dims }) => dims.length > 0)?.dims[0] ?? 1;
  const { loss, weight } = lossOf(forward, spec.loss, {
    many: accumulate > 1,
    ...(spec.perExample ? { examples: batch } : {}),
  });
  // A trained weight is an input, and no constant that a rule might read.
  const frozen = new Map([...graph.initializers].filter(([name]) => !trainable.includes(name)));
  const weights = trainable.map(
    (name): Fed => ({ name, dtype: 'float32', dims: given.get(name)?.dims ?? [] }),
  );
  const inputs = [...fed, rate, ...weights].map(toValue);
  const lossGraph = graphBehind({ ...graph, initializers: frozen, inputs, values: new Map() }, forward);
  const known = new Map([...given, ...forward.emitted]);
  const wrt = { loss, wrt: trainable, known, stopped: onlyForRange(forward) };
  const { perExample } = spec;
  const output = outputOf(spec.loss);
  const backward = perExample
    ? clippedGradients(lossGraph, {
        ...wrt,
        ...perExample,
        output,
        batch,
        inputs: data.map(({ name }) => name),
      })
    : differentiate(lossGraph, wrt);
  if (!backward.ok) return backward;
  const lean = spec.recompute
    ? recompute(
        {
          ...backward.value.graph,
          outputs: [
            loss,
            ...(weight === undefined ? [] : [weight]),
            ...backward.value.gradients.values(),
          ].map((name) => toValue({ name, dtype: 'float32', dims: [] })),
        },
        {
          forward: lossGraph.nodes.length,
          weights: trainable,
          known: backward.value.known,
          to: spec.recompute,
        },
      )
    : backward;
  if (!lean.ok) return lean;
  const pass: Pass = { ...backward.value, ...lean.value, loss, weight, fed };
  return ok(withUpdate(spec, accumulate > 1 ? accumulated(pass, accumulate) : pass, rate));
};

const outputOf = (loss: Loss): Name => (loss.kind === 'mean-squared-error' ? loss.output : loss.logits);

/** What the loss compares with: fed with each batch. */
const wantedBy = ({ loss, known }: TrainingSpec): Result<readonly Fed[], OnnxFault> => {
  const output = outputOf(loss);
  const dims = known.get(output)?.dims;
  if (!dims) return err(onnxFault('missing', `the graph has no value '${output}' of known dims`));
  if (loss.kind !== 'softmax-cross-entropy') return ok([{ name: 'training.target', dtype: 'float32', dims }]);
  if (dims.length === 0) return err(onnxFault('invalid', `'${output}' has no axis of classes`));
  const positions = dims.slice(0, -1);
  return ok([
    { name: 'training.labels', dtype: 'int32', dims: positions },
    ...(loss.masked ? [{ name: 'training.mask', dtype: 'float32', dims: positions } as const] : []),
  ]);
};

/**
 * Of one of `many` batches, what they count differently is not divided by yet: see `Pass`. `examples`: how many, if each has a loss
 * of its own.
 */
const lossOf = (
  e: Emitter,
  loss: Loss,
  { many, examples }: { readonly many: boolean; readonly examples?: number },
): Pick<Pass, 'loss' | 'weight'> => {
  const [labels, mask] = ['training.labels', 'training.mask'];
  const mean = (name: Name) => ({ loss: name, weight: undefined });
  switch (loss.kind) {
    case 'softmax-cross-entropy': {
      if (!loss.masked) return mean(softmaxCrossEntropy(e, loss.logits, labels));
      if (examples !== undefined)
        return mean(maskedByExample(e, loss.logits, { labels, mask, batch: examples }));
      if (!many) return mean(softmaxCrossEntropy(e, loss.logits, labels, mask));
      const { sum, weight } = maskedCrossEntropy(e, loss.logits, labels, mask);
      return { loss: sum, weight };
    }
    case 'mean-squared-error':
      return mean(meanSquaredError(e, loss.output, 'training.target'));
    case 'binary-cross-entropy':
      return mean(binaryCrossEntropy(e, loss.logits, 'training.target'));
    default:
      return loss satisfies never;
  }
};

const withUpdate = (
  spec: TrainingSpec,
  backward: Pass & { readonly norms?: Name },
  rate: Fed,
): TrainingGraph => {
  const { trainable, optimizer, clip } = spec;
  const taken = namesOf(backward.graph);
  const slots = trainable.flatMap((weight) =>
    slotsOf(optimizer).map((slot) => {
      const dims = backward.known.get(weight)?.dims ?? [];
      return { weight, slot, name: `${weight}.${slot}`, dtype: 'float32' as const, dims };
    }),
  );
  const step: Fed = { name: 'training.step', dtype: 'float32', dims: [] };
  const remembered = new Map<Name, Known>([...slots, step].map((one) => [one.name, one]));
  const e = createEmitter({
    prefix: 'update',
    known: (name) => backward.known.get(name) ?? remembered.get(name),
    isTaken: (name) => taken.has(name) || remembered.has(name),
  });
  const raw = trainable.map((weight) => backward.gradients.get(weight) ?? '') as [Name, ...Name[]];
  const gradients = clip === undefined ? raw : clipped(e, raw, clip);
  const stepNow = countsSteps(optimizer) ? e.emit('Add', ['training.step', e.scalar(1)], []) : undefined;
  const carried: Carried[] = [];
  for (const [index, weight] of trainable.entries()) {
    const mine = slots.filter((slot) => slot.weight === weight);
    const updated = update(e, optimizer, {
      weight,
      gradient: gradients[index] ?? '',
      slots: mine.map(({ name }) => name),
      rate: 'training.rate',
      step: stepNow,
    });
    const dims = e.dims(weight);
    const initial = spec.graph.initializers.get(weight);
    carried.push({ input: weight, output: updated.weight, dims, role: 'weight', initial });
    for (const [at, { name }] of mine.entries())
      carried.push({ input: name, output: updated.slots[at] ?? '', dims, role: 'slot', initial: undefined });
  }
  if (stepNow !== undefined)
    carried.push({ input: 'training.step', output: stepNow, dims: [], role: 'step', initial: undefined });
  const behind = graphBehind(backward.graph, e);
  const kept = new Set(behind.inputs.map(({ name }) => name));
  const more = carried.filter(({ input }) => !kept.has(input));
  const outputs = [backward.loss, ...carried.map(({ output }) => output)];
  return {
    fed: [...backward.fed, rate],
    carried,
    loss: backward.loss,
    ...(backward.norms === undefined ? {} : { norms: backward.norms }),
    graph: withFusedUpdates(
      {
        ...behind,
        inputs: [
          ...behind.inputs,
          ...more.map(({ input, dims }) => toValue({ name: input, dtype: 'float32', dims })),
        ],
        outputs: outputs.map((name) => toValue({ name, dtype: 'float32', dims: e.known(name)?.dims ?? [] })),
      },
      backward.known,
    ),
  };
};
