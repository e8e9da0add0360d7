import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import type { Graph } from '../ir/types.ts';
import type { Known, Name } from './emitter.ts';
import { bytesOf, demandOrder, peakBytes } from './memory.ts';
import { type ForwardPass, forwardPassOf, type Rewritten, withSegmentAgain } from './recomputeSegment.ts';

/**
 * How much of the forward pass is computed again: `least`, whatever takes the least memory; or no more than brings the peak of
 * `peakBytes` below a number of bytes.
 */
export type Recompute = 'least' | { readonly budgetBytes: number };

export type RecomputeOptions = {
  /** So many of the nodes, the first, are the forward pass. */
  readonly forward: number;
  /** Inputs that are weights. */
  readonly weights: readonly Name[];
  readonly known: ReadonlyMap<Name, Known>;
  readonly to: Recompute;
};

/**
 * Trades time for memory (Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016): the forward pass is cut into
 * segments where little crosses, only that is kept, and the backward pass computes each segment but the last again when it
 * comes to it, at the cost of less than one more forward pass. Gradients are the same to the last bit. Knows no
 * operator and no runtime; the peak is that of `peakBytes` in `demandOrder`.
 *
 * `graph.outputs` are what must be kept, gradients among them. `too-large`: the budget can't be met; the message says what can.
 */
export const recompute = (
  graph: Graph,
  options: RecomputeOptions,
): Result<{ readonly graph: Graph; readonly known: ReadonlyMap<Name, Known> }, OnnxFault> => {
  const { to, known } = options;
  const budget = to === 'least' ? 0 : to.budgetBytes;
  if (!(budget >= 0)) return err(onnxFault('invalid', `a budget of ${budget} bytes: 0 or more`));
  let best = { graph, known, peak: peakOf({ graph, known }) };
  const pass = forwardPassOf(graph, options.forward, options.weights);
  let worse = 0;
  for (const count of segmentCounts) {
    // More checkpoints, smaller segments: past the best number the first outweigh the second.
    if (worse >= 3) break;
    if (to !== 'least' && best.peak <= budget) return ok(best);
    const made = inSegments({ graph, known }, pass, cutsOf(graph, pass, known, count));
    const peak = peakOf(made);
    worse = peak < best.peak ? 0 : worse + 1;
    if (worse === 0) best = { ...made, peak };
  }
  if (to === 'least' || best.peak <= budget) return ok(best);
  return err(
    onnxFault(
      'too-large',
      `a training step needs ${best.peak} bytes for what it computes, however much of it is computed again; ${budget} are given`,
    ),
  );
};

const segmentCounts = [2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32];

const peakOf = ({ graph, known }: Pick<Rewritten, 'graph' | 'known'>): number =>
  peakBytes({ ...graph, nodes: demandOrder(graph) }, known);

/** The last segment first, as the backward pass comes to them; it isn't computed again itself. */
const inSegments = (
  start: Pick<Rewritten, 'graph' | 'known'>,
  pass: ForwardPass,
  cuts: readonly number[],
): Pick<Rewritten, 'graph' | 'known'> => {
  let now: Rewritten = { ...start, at: pass.nodes.length };
  for (const [segment, to] of [...cuts.entries()].toReversed()) {
    const from = cuts[segment - 1] ?? 0;
    now = withSegmentAgain(now, pass, { from, to, prefix: `again${segment}`, since: now.at }) ?? now;
  }
  return now;
};

/** Where the forward pass is cut: near to equal parts of what is kept for the backward pass, and there where least crosses. */
const cutsOf = (
  graph: Graph,
  { nodes, constant, lastUse }: ForwardPass,
  known: ReadonlyMap<Name, Known>,
  count: number,
): readonly number[] => {
  const forward = nodes.length;
  const kept = new Set(graph.nodes.slice(forward).flatMap(({ inputs }) => inputs));
  const crossing = Array.from({ length: forward + 1 }, () => 0);
  const keptBefore = [0];
  for (const [at, { outputs }] of nodes.entries()) {
    let bytes = 0;
    for (const name of outputs) {
      const type = known.get(name);
      if (!type || constant.has(name)) continue;
      if (kept.has(name)) bytes += bytesOf(type);
      // It crosses every place behind its maker up to its last user.
      const until = Math.min(lastUse.get(name) ?? at, forward);
      crossing[at + 1] = (crossing[at + 1] ?? 0) + bytesOf(type);
      crossing[until + 1] = (crossing[until + 1] ?? 0) - bytesOf(type);
    }
    keptBefore.push((keptBefore[at] ?? 0) + bytes);
  }
  for (let at = 1; at <= forward; at++) crossing[at] = (crossing[at] ?? 0) + (crossing[at - 1] ?? 0);
  return chosen({ crossing, keptBefore, forward, count });
};

const chosen = ({
  crossing,
  keptBefore,
  forward,
  count,
}: {
  readonly crossing: readonly number[];
  readonly keptBefore: readonly number[];
  readonly forward: number;
  readonly count: number;
}): readonly number[] => {
  const share = (keptBefore[forward] ?? 0) / count;
  const best = new Map<number, { at: number; cost: number }>();
  for (let at = 1; at < forward; at++) {
    const position = (keptBefore[at] ?? 0) / share;
    const part = Math.round(position);
    if (part < 1 || part >= count) continue;
    // What crosses counts most; among equals the place nearest to where the part would end.
    const cost = (crossing[at] ?? 0) + Math.abs(position - part) * share * 0.1;
    if (cost < (best.get(part)?.cost ?? Number.POSITIVE_INFINITY)) best.set(part, { at, cost });
  }
  return [...best.values()].map(({ at }) => at).toSorted((a, b) => a - b);
};
