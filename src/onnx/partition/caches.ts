import type { Graph, TensorType } from '../ir/types.ts';
import { dataFlowOf } from './dataFlow.ts';
import type { Cache } from './types.ts';

/**
 * Which output is which input's next state: of one type, and of all such inputs the one that fewest nodes lie between. Where
 * one node makes several (keys and values), the order of its outputs is that of its operands. Each is paired once.
 */
export const cachesOf = (
  graph: Graph,
  isCandidate: (input: string) => boolean,
  isState: (output: string) => boolean = () => true,
): readonly Cache[] => {
  const types = new Map<string, TensorType>();
  for (const { name, type } of [...graph.inputs, ...graph.outputs])
    if (type.kind === 'tensor') types.set(name, type);
  const near = nearInputs(graph, isCandidate);
  const used = new Set<string>();
  return graph.outputs.flatMap(({ name: present }) => {
    if (!isState(present)) return [];
    const past = near(present).find(
      (input) => !used.has(input) && isNextOf(types.get(input), types.get(present)),
    );
    if (past === undefined) return [];
    used.add(past);
    return [{ past, present }];
  });
};

/** Inputs that a value is made of, the nearest first: far ones are other layers' and not looked for. */
const nearInputs = (graph: Graph, isCandidate: (input: string) => boolean) => {
  const flow = dataFlowOf(graph);
  return (output: string): readonly string[] => {
    const found: string[] = [];
    const seen = new Set<string>([output]);
    let layer: readonly string[] = [output];
    for (let distance = 0; distance < farthest && found.length === 0; distance++) {
      const next: string[] = [];
      for (const name of layer) {
        const maker = flow.makers.get(name);
        if (maker === undefined || flow.isShapeOnly[maker]) continue;
        for (const read of flow.reads[maker] ?? []) {
          if (seen.has(read)) continue;
          seen.add(read);
          if (isCandidate(read)) found.push(read);
          next.push(read);
        }
      }
      layer = next;
    }
    return found;
  };
};
/** Nodes between a cache and what becomes of it: casts, a quantisation, a concatenation. */
const farthest = 8;

/** One dimension at most may be another: a length that grows, which is no number in the file. */
const isNextOf = (past: TensorType | undefined, present: TensorType | undefined): boolean => {
  if (past?.shape === undefined || present?.shape === undefined) return false;
  if (past.dtype !== present.dtype || past.shape.length !== present.shape.length) return false;
  const others = past.shape.flatMap((dim, i) =>
    dim === present.shape?.[i] ? [] : [dim, present.shape?.[i]],
  );
  return others.length <= 2 && others.every((dim) => typeof dim !== 'number');
};
