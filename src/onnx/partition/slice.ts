import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { describeNode } from '../infer.ts';
import type { Graph, Node } from '../ir/types.ts';
import type { DataFlow } from './dataFlow.ts';
import type { Pin } from './pins.ts';
import { type Gate, makesAnyOf, type Stream } from './stream.ts';

/** What of a graph belongs to which stage. */
export type Layout = {
  readonly flow: DataFlow;
  readonly stream: Stream;
  /** The gates that are cut at. */
  readonly cuts: readonly Gate[];
  /** By node of the stream. */
  readonly stageOfNode: readonly (number | undefined)[];
  /** By value: the one stage that may compute it. Values that every stage may compute are left out. */
  readonly stageOfValue: ReadonlyMap<string, number>;
};

/** What one stage is made of: nodes in order, and the names it gets from outside. */
export type Slice = {
  readonly nodes: readonly number[];
  readonly inputs: ReadonlySet<string>;
  readonly initializers: ReadonlySet<string>;
  readonly outputs: Graph['outputs'];
  /** Shape nodes whose operand is in another stage. */
  readonly foreignShapes: readonly Node[];
};

export const layOut = (
  flow: DataFlow,
  stream: Stream,
  pins: readonly Pin[],
  cutAt: readonly number[],
): Layout => {
  const stageOf = (segment: number) => cutAt.filter((gate) => gate < segment).length;
  const stageOfNode = stream.segments.map((segment) =>
    segment === undefined ? undefined : stageOf(segment),
  );
  const stageOfValue = new Map<string, number>();
  for (const { values, segments } of pins)
    for (const name of values) stageOfValue.set(name, stageOf(segments?.[0] ?? 0));
  for (const name of stream.tokens) stageOfValue.set(name, 0);
  flow.graph.nodes.forEach((node, i) => {
    const stage = stageOfNode[i];
    if (stage !== undefined) for (const name of node.outputs) stageOfValue.set(name, stage);
  });
  return { flow, stream, cuts: cutAt.flatMap((gate) => stream.gates[gate] ?? []), stageOfNode, stageOfValue };
};

/** Back from what the stage has to give, up to what it is given. Each stage computes masks and rotations for itself. */
export const sliceStage = (layout: Layout, stage: number): Result<Slice, OnnxFault> => {
  const { flow, cuts, stageOfValue } = layout;
  const { graph, makers } = flow;
  const outputs = graph.outputs.filter(({ name }) => (stageOfValue.get(name) ?? 0) === stage);
  const [received, sent] = [cuts[stage - 1], cuts[stage]];
  const waiting = [...outputs.map(({ name }) => name), ...givenUp(sent)];
  const given = new Set(givenUp(received));
  const seen = new Set<string>();
  const nodes = new Set<number>();
  const inputs = new Set<string>();
  const initializers = new Set<string>();
  const foreignShapes = new Map<number, Node>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name) || given.has(name)) continue;
    seen.add(name);
    if ((stageOfValue.get(name) ?? stage) !== stage)
      return err(wrongStage(name, stage, stageOfValue.get(name)));
    const maker = makers.get(name);
    const node = maker === undefined ? undefined : graph.nodes[maker];
    if (maker === undefined || node === undefined) {
      (flow.inputs.has(name) ? inputs : initializers).add(name);
      continue;
    }
    const [operand = ''] = node.inputs;
    const isThere = (stageOfValue.get(operand) ?? stage) === stage || isReceived(received, operand);
    if (flow.isShapeOnly[maker] && !isThere) {
      foreignShapes.set(maker, node);
      continue;
    }
    nodes.add(maker);
    const isReceiver = received?.kind === 'pair' && received.node === maker;
    for (const read of flow.reads[maker] ?? [])
      if (!isReceiver || !received.names.includes(read)) waiting.push(read);
  }
  return ok({
    nodes: [...nodes].sort((a, b) => a - b),
    inputs,
    initializers,
    outputs,
    foreignShapes: [...foreignShapes].sort(([a], [b]) => a - b).map(([, node]) => node),
  });
};

/** Why a graph has fewer gates than it needs: what goes past the narrowest place in the middle of it. */
export const narrowness = ({
  flow,
  stream,
}: {
  readonly flow: DataFlow;
  readonly stream: Stream;
}): string => {
  const { nodes } = flow.graph;
  const own = nodes.flatMap((node, i) => (makesAnyOf(node, stream.values) ? [i] : []));
  const lastRead = new Map<string, number>();
  flow.reads.forEach((names, i) => {
    if (!flow.isShapeOnly[i]) for (const name of names) if (stream.values.has(name)) lastRead.set(name, i);
  });
  const live = new Set([...stream.tokens].filter((name) => lastRead.has(name)));
  let narrowest: { readonly node: Node; readonly live: readonly string[] } | undefined;
  const [from, to] = [own.length / 4, (3 * own.length) / 4];
  own.forEach((index, place) => {
    const node = nodes[index];
    if (node === undefined) return;
    for (const name of node.outputs) if (lastRead.has(name)) live.add(name);
    for (const name of flow.reads[index] ?? []) if (lastRead.get(name) === index) live.delete(name);
    const isMiddle = place >= from && place <= to && live.size > 0;
    if (isMiddle && (narrowest === undefined || live.size < narrowest.live.length))
      narrowest = { node, live: [...live] };
  });
  if (narrowest === undefined) return 'nothing in it is between other things';
  const shown = narrowest.live.slice(0, 6).map((name) => `"${name}"`);
  const more =
    narrowest.live.length > shown.length ? ` and ${narrowest.live.length - shown.length} more` : '';
  return `behind ${narrowest.node.op} "${describeNode(narrowest.node)}", where least goes on, these do: ${shown.join(', ')}${more}`;
};

/** What has to be known where the gate is. */
const givenUp = (gate: Gate | undefined): readonly string[] =>
  gate === undefined ? [] : gate.kind === 'value' ? [gate.name] : gate.names;

const isReceived = (gate: Gate | undefined, name: string) => gate?.kind === 'value' && gate.name === name;

const wrongStage = (name: string, stage: number, maker: number | undefined): OnnxFault =>
  onnxFault(
    'unsupported',
    `value "${name}" of stage ${maker} is needed in stage ${stage} besides the hidden state`,
  );
