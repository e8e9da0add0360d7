import type { ValueType } from '../ir/types.ts';
import { domainOf } from '../ops/registry.ts';
import { type DataFlow, dependents, isIndex } from './dataFlow.ts';
import { keepGates, makesAnyOf, type Stream } from './stream.ts';

/**
 * What is outside the stream and can be in one stage only: caches and other inputs that are no mask and no position, and
 * numbers by chance, which would be others if they were drawn twice.
 */
export type Pin = {
  /** An input, or the first output of a node that draws. */
  readonly name: string;
  /** Of what is computed from it before it meets the stream, itself among it. */
  readonly values: ReadonlySet<string>;
  /** Where it meets the stream: segments, first and last. */
  readonly segments: readonly [number, number] | undefined;
};

export const pinsOf = (
  flow: DataFlow,
  types: ReadonlyMap<string, ValueType>,
  { tokens, values: stream, segments }: Stream,
): readonly Pin[] =>
  [...flow.inputs]
    .filter((name) => !tokens.has(name) && !isIndex(types.get(name)))
    .concat(drawsOf(flow, stream))
    .map((name) => {
      const values = new Set([...dependents(flow, [name])].filter((value) => !stream.has(value)));
      const met = segments.flatMap((segment, i) =>
        segment !== undefined && !flow.isShapeOnly[i] && flow.reads[i]?.some((read) => values.has(read))
          ? [segment]
          : [],
      );
      const range = met.reduce<readonly [number, number] | undefined>(
        (known, at) => (known ? [Math.min(known[0], at), Math.max(known[1], at)] : [at, at]),
        undefined,
      );
      return { name, values, segments: range };
    });

/** Without the gates between two uses of one pin: a cache that several layers read stays in one stage with them. */
export const withoutPinned = (stream: Stream, pins: readonly Pin[]): Stream => {
  const lost = new Set<number>();
  for (const { segments } of pins)
    for (let gate = segments?.[0] ?? 0; gate < (segments?.[1] ?? 0); gate++) lost.add(gate);
  return lost.size === 0 ? stream : keepGates(stream, (index) => !lost.has(index));
};

const drawsOf = (flow: DataFlow, stream: ReadonlySet<string>): readonly string[] =>
  flow.graph.nodes.flatMap((node) =>
    domainOf(node.domain) === '' && draws.has(node.op) && !makesAnyOf(node, stream)
      ? node.outputs.slice(0, 1)
      : [],
  );
const draws: ReadonlySet<string> = new Set([
  ...['RandomNormal', 'RandomUniform', 'RandomNormalLike', 'RandomUniformLike', 'Multinomial', 'Bernoulli'],
  'Dropout',
]);
