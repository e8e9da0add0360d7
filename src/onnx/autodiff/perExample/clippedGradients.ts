import { err, ok, type Result } from '../../../core/result.ts';
import { type OnnxFault, onnxFault } from '../../fault.ts';
import type { Graph, Node } from '../../ir/types.ts';
import { constantsOf, type Differentiated, differentiate } from '../differentiate.ts';
import {
  createEmitter,
  type Dims,
  type Emitter,
  graphBehind,
  type Known,
  type Name,
  namesOf,
} from '../emitter.ts';
import { addAll, compare, div, mul, scale, unary, where, zeros } from '../math.ts';
import { titleOf } from '../rule.ts';
import type { Fed } from '../trainingGraph.ts';
import { applyRule } from './applyRule.ts';
import { type BatchFlow, nodesBefore, traceBatch } from './batchFlow.ts';
import { type Contribution, measured, turned, weighed } from './contribution.ts';
import { keepsNorm } from './places.ts';
import { contributionOf, type Setting } from './uses.ts';

/**
 * Each example's gradient is clipped to a norm before they are added, and noise is added to the sum: DP-SGD (Abadi et al., "Deep
 * Learning with Differential Privacy", 2016, algorithm 1). How much privacy that gives is for an accountant to say.
 *
 * The examples are the rows of the first dimension of the inputs. An input with another first dimension is the same for all.
 */
export type PerExample = {
  /** The most that the norm of one example's gradient may be. */
  readonly clip: number;
  /**
   * With noise: `training.noise`, a scalar, is the noise multiplier σ; `training.noise.<weight>`, of the weight's dims, is from
   * a standard normal distribution, drawn anew for each step. The gradient gets σ·clip·noise ÷ the batch.
   */
  readonly noise?: boolean;
  /**
   * What the sum is divided by; the number of examples if it isn't given. Where examples are drawn each by chance (Poisson
   * sampling) it is their expected number, and those that the batch has too many have a mask of zeros.
   */
  readonly expectedBatch?: number;
};

export type ClippedGradients = Differentiated & {
  /** float32 [examples]: the norms of their gradients before they were clipped. */
  readonly norms: Name;
};

export const whyNotByExample = ({ clip, expectedBatch = 1 }: PerExample): OnnxFault | undefined => {
  if (!(clip > 0 && clip < Number.POSITIVE_INFINITY))
    return onnxFault('invalid', `an example's gradient clipped to ${clip}: more than 0`);
  if (!(expectedBatch > 0 && expectedBatch < Number.POSITIVE_INFINITY))
    return onnxFault('invalid', `an expected batch of ${expectedBatch}: more than 0`);
  return undefined;
};

/** What is fed for it. */
export const noiseFed = (
  { noise }: PerExample,
  weights: readonly Name[],
  known: ReadonlyMap<Name, Known>,
): readonly Fed[] => {
  const one = (name: Name, dims: Dims): Fed => ({ name: `training.noise${name}`, dtype: 'float32', dims });
  return noise ? [one('', []), ...weights.map((name) => one(`.${name}`, known.get(name)?.dims ?? []))] : [];
};

/**
 * The clipped gradients, in one pass back: norms by example come from what flows into the nodes that use weights, and the
 * clipped sums of the same, so that nothing is differentiated twice and a linear layer's gradients are never written out by
 * example ("book-keeping", Bu et al., "Differentially Private Optimization on Large Foundation Models", 2023). In place
 * of the gradients that `differentiate` gives; knows no loss, but that it is the mean of the examples' own, and of `output` alone.
 */
export const clippedGradients = (
  graph: Graph,
  options: PerExample & {
    readonly loss: Name;
    /** What the loss compares, its first axis the examples. */
    readonly output: Name;
    readonly wrt: readonly Name[];
    readonly inputs: readonly Name[];
    readonly batch: number;
    readonly known: ReadonlyMap<Name, Known>;
    /** As `differentiate` takes them. */
    readonly stopped?: ReadonlySet<Name>;
  },
): Result<ClippedGradients, OnnxFault> => {
  const { batch, output, known } = options;
  const flow = traceBatch(graph, { batch, of: output, inputs: options.inputs, known });
  if (!flow.ok) return flow;
  if (flow.value.get(output)?.axis !== 0)
    return err(onnxFault('invalid', `the first axis of '${output}' is not that of the examples`));
  const found = findUses(nodesBefore(graph, output), { ...options, flow: flow.value });
  if (!found.ok) return found;
  const taken = namesOf(graph);
  const sum = createEmitter({
    prefix: 'examples',
    known: (name) => known.get(name),
    isTaken: (name) => taken.has(name),
  });
  const loss = scale(sum, options.loss, batch);
  const uses = [...found.value.values()].flat();
  const back = differentiate(graphBehind(graph, sum), {
    loss,
    wrt: [...new Set(uses.map(({ node }) => node.outputs[0] ?? ''))],
    known: new Map([...known, ...sum.emitted]),
    ...(options.stopped ? { stopped: options.stopped } : {}),
  });
  if (!back.ok) return back;
  return withClipping(back.value, { ...options, uses: found.value, flow: flow.value });
};

type FoundUse = {
  readonly node: Node;
  readonly input: number;
  /** Through what the weight went before it met an example. */
  readonly views: readonly Node[];
};
type Uses = ReadonlyMap<Name, readonly FoundUse[]>;

/** Where each weight meets examples. */
const findUses = (
  nodes: readonly Node[],
  {
    wrt,
    flow,
    known,
  }: { readonly wrt: readonly Name[]; readonly flow: BatchFlow } & {
    readonly known: ReadonlyMap<Name, Known>;
  },
): Result<Uses, OnnxFault> => {
  const views = new Map(wrt.map((weight) => [weight, { weight, nodes: [] as readonly Node[] }]));
  const uses = new Map<Name, FoundUse[]>(wrt.map((weight) => [weight, []]));
  for (const node of nodes) {
    const weights = node.inputs.flatMap((name, input) => {
      const view = views.get(name);
      return view ? [{ ...view, input }] : [];
    });
    const [first] = weights;
    if (!first) continue;
    if (node.inputs.some((input) => flow.has(input)))
      for (const { weight, input, nodes: before } of weights)
        uses.get(weight)?.push({ node, input, views: before });
    else {
      const [from, to] = [known.get(node.inputs[first.input] ?? ''), known.get(node.outputs[0] ?? '')];
      if (weights.length > 1 || !from || !to || !keepsNorm(node, from.dims, to.dims))
        return err(
          onnxFault(
            'unsupported',
            `${titleOf(node)}: no gradient by example of '${first.weight}', which is changed before it meets an example`,
            titleOf(node),
          ),
        );
      views.set(node.outputs[0] ?? '', { weight: first.weight, nodes: [...first.nodes, node] });
    }
  }
  return ok(uses);
};

const withClipping = (
  back: Differentiated,
  options: PerExample & {
    readonly uses: Uses;
    readonly flow: BatchFlow;
    readonly batch: number;
    readonly wrt: readonly Name[];
  },
): Result<ClippedGradients, OnnxFault> => {
  const { batch, clip, wrt } = options;
  const taken = namesOf(back.graph);
  const e = createEmitter({
    prefix: 'clip',
    known: (name) => back.known.get(name),
    isTaken: (name) => taken.has(name),
  });
  /** By first output, as they are now: rules ask nodes for further outputs. */
  const latest = new Map(back.graph.nodes.map((node) => [node.outputs[0] ?? '', node]));
  const setting: Setting = {
    e,
    flow: options.flow,
    batch,
    constants: constantsOf(back.graph),
    replace: (node) => void latest.set(node.outputs[0] ?? '', node),
  };
  const weights = new Map<Name, Collected>();
  for (const weight of wrt) {
    const collected = collect(weight, options.uses.get(weight) ?? [], { ...setting, back, latest });
    if (!collected.ok) return collected;
    weights.set(weight, collected.value);
  }
  const squares = [...weights.values()].flatMap((one) => one.squares ?? []);
  const [first = zeros(e, [batch]), ...others] = squares;
  const norms = unary(e, 'Sqrt', addAll(e, [first, ...others]));
  const limit = e.scalar(clip);
  const factors = where(e, compare(e, 'Greater', norms, limit), div(e, limit, norms), e.scalar(1));
  const gradients = new Map<Name, Name>();
  for (const [weight, collected] of weights) {
    const total = clippedSum(weight, collected, factors, setting);
    if (!total.ok) return total;
    gradients.set(weight, noisyMean(e, weight, total.value, options));
  }
  const graph = graphBehind(back.graph, e);
  const nodes = graph.nodes.map((node) => latest.get(node.outputs[0] ?? '') ?? node);
  return ok({
    graph: { ...graph, nodes },
    gradients,
    known: new Map([...back.known, ...e.emitted]),
    norms,
  });
};

type Collected = {
  /** [examples]; undefined for a weight that the loss doesn't depend on. */
  readonly squares: Name | undefined;
  readonly kept: readonly Contribution[];
  /** The gradients are of the weight as these leave it. */
  readonly views: readonly Node[];
};

const collect = (
  weight: Name,
  uses: readonly FoundUse[],
  setting: Setting & { readonly back: Differentiated; readonly latest: ReadonlyMap<Name, Node> },
): Result<Collected, OnnxFault> => {
  const contributions: Contribution[] = [];
  for (const { node, input } of uses) {
    const dy = setting.back.gradients.get(node.outputs[0] ?? '') ?? '';
    const now = setting.latest.get(node.outputs[0] ?? '') ?? node;
    const made = contributionOf({ node: now, input, dy }, setting);
    if (!made.ok) return made;
    contributions.push(made.value);
  }
  const [first, ...others] = contributions;
  if (!first) return ok({ squares: undefined, kept: [], views: [] });
  if (others.length === 0) {
    const alone = measured(setting.e, [first]);
    return alone ? ok({ ...alone, views: uses[0]?.views ?? [] }) : err(refusedTogether(weight));
  }
  const same = uses.map(({ views }, at) => asItIs(contributions[at], views));
  const [one, ...more] = same.filter((each) => each !== undefined);
  const together = one && more.length === others.length ? measured(setting.e, [one, ...more]) : undefined;
  return together ? ok({ ...together, views: [] }) : err(refusedTogether(weight));
};

const refusedTogether = (weight: Name): OnnxFault =>
  onnxFault(
    'unsupported',
    `'${weight}' is used several times in ways whose gradients by example can't be compared: untie it, or freeze it`,
  );

/** As a gradient of the weight itself, so that it can be added to others; undefined if that is not known here. */
const asItIs = (one: Contribution | undefined, views: readonly Node[]): Contribution | undefined =>
  views.reduce((now, { op, attributes }) => {
    if (op === 'Identity') return now;
    const perm = attributes['perm'];
    const swaps = perm === undefined || (perm.type === 'ints' && perm.value.join() === '1,0');
    return now && op === 'Transpose' && swaps ? turned(now) : undefined;
  }, one);

const clippedSum = (
  weight: Name,
  { kept, views }: Collected,
  factors: Name,
  setting: Setting,
): Result<Name, OnnxFault> => {
  const { e } = setting;
  const dims = e.dims(views.at(-1)?.outputs[0] ?? weight);
  const [first, ...others] = kept.map((one) => weighed(e, one, factors, dims));
  if (first === undefined) return ok(zeros(e, e.dims(weight)));
  let total = addAll(e, [first, ...others]);
  for (const [at, view] of [...views.entries()].toReversed()) {
    const before = views[at - 1]?.outputs[0] ?? weight;
    const back = applyRule(view, { ...setting, input: view.inputs.indexOf(before), dy: total });
    if (!back.ok) return back;
    total = back.value;
  }
  return ok(total);
};

const noisyMean = (
  e: Emitter,
  weight: Name,
  total: Name,
  { noise, clip, batch, expectedBatch = batch }: PerExample & { readonly batch: number },
): Name => {
  const mean = scale(e, total, 1 / expectedBatch);
  if (!noise) return mean;
  const spread = scale(e, 'training.noise', clip / expectedBatch);
  return e.emit('Add', [mean, mul(e, `training.noise.${weight}`, spread)], e.dims(weight));
};
