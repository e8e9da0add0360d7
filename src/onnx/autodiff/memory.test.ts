import { describe, expect, it } from 'vitest';
import type { Graph, Node } from '../ir/types.ts';
import { node } from '../testDoubles.ts';
import type { Known } from './emitter.ts';
import { demandOrder, peakBytes } from './memory.ts';
import { toValue } from './testDoubles.ts';

/** Values by name with their count of float32. */
const peakOf = (
  nodes: readonly Node[],
  counts: Readonly<Record<string, number>>,
  outputs: readonly string[],
) => {
  const known = new Map(
    Object.entries(counts).map(([name, count]): [string, Known] => [
      name,
      { dtype: 'float32', dims: [count] },
    ]),
  );
  const graph: Pick<Graph, 'nodes' | 'outputs'> = {
    nodes,
    outputs: outputs.map((name) => toValue(name, 'float32', [])),
  };
  return peakBytes(graph, known) / 4;
};

describe('the peak of memory', () => {
  it('has a value from its maker to its last user', () => {
    const chain = [
      node('MatMul', ['x', 'w'], ['a']),
      node('MatMul', ['a', 'w'], ['b']),
      node('MatMul', ['b', 'w'], ['c']),
    ];
    const counts = { x: 1000, w: 1000, a: 5, b: 7, c: 2 };
    expect(peakOf(chain, counts, ['c'])).toBe(12);
    expect(peakOf([...chain, node('MatMul', ['a', 'c'], ['d'])], { ...counts, d: 1 }, ['d'])).toBe(14);
  });

  it('has outputs to the end, and what nobody uses while it is made', () => {
    const nodes = [
      node('Split', ['x'], ['a', 'unused']),
      node('MatMul', ['a', 'w'], ['b']),
      node('MatMul', ['b', 'w'], ['c']),
    ];
    const counts = { a: 5, unused: 20, b: 7, c: 30 };
    expect(peakOf(nodes, counts, ['c'])).toBe(37);
    expect(peakOf(nodes, counts, ['a', 'c'])).toBe(42);
  });

  it('has a view in what it shows, and a sum in an operand that nobody uses any more', () => {
    const nodes = [
      node('MatMul', ['x', 'w'], ['a']),
      node('Reshape', ['a', 'dims'], ['b']),
      node('Add', ['b', 'one'], ['c']),
      node('MatMul', ['c', 'w'], ['d']),
    ];
    const counts = { a: 6, b: 6, c: 6, d: 1 };
    expect(peakOf(nodes, counts, ['d'])).toBe(7);
    // Which is not for the taking if somebody looks at it later, under whatever name.
    expect(peakOf([...nodes, node('MatMul', ['a', 'd'], ['e'])], { ...counts, e: 1 }, ['e'])).toBe(13);
  });
});

describe('the order of demand', () => {
  it('runs nodes just before who needs them, from the last end on', () => {
    const nodes = [
      node('A', ['x'], ['a']),
      node('Early', ['x'], ['early']),
      node('B', ['a'], ['b']),
      node('First', ['early'], ['first']),
      node('Last', ['a', 'b'], ['last']),
    ];
    expect(demandOrder({ nodes }).map(({ op }) => op)).toEqual(['A', 'B', 'Last', 'Early', 'First']);
  });

  it('begins with the input whose node stands last', () => {
    const nodes = [
      node('A', ['x'], ['a']),
      node('B', ['x', ''], ['b']),
      node('C', ['b', 'a', ''], ['c', '']),
    ];
    expect(demandOrder({ nodes }).map(({ op }) => op)).toEqual(['B', 'A', 'C']);
  });
});
