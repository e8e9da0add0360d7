import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferModel } from './infer.ts';
import type { Attribute, Graph, Model, Node, Tensor, Value } from './ir/types.ts';
import { operators } from './ops/registry.ts';
import {
  floats,
  functionOf,
  graph,
  graphOf,
  int,
  int64s,
  ints,
  model,
  node,
  text,
  value,
} from './ops/testModels.ts';
import { maxFaults, verifyModel } from './verify.ts';

const branch = (name: string, nodes: readonly Node[], out: string) =>
  graph({ name, nodes, outputs: [value(out, 'float32')] });

/** A good one: two layers, a branch, a reshape. */
const goodGraph = graph({
  inputs: [value('x', 'float32[n,4]'), value('flag', 'bool[]')],
  outputs: [value('y', 'float32[n,2,1]')],
  initializers: { w: floats([4, 2], [1, 2, 3, 4, 5, 6, 7, 8]), b: floats([2], [0, 1]), to: int64s(-1, 2, 1) },
  values: [value('h', 'float32[n,2]')],
  nodes: [
    node('Gemm', ['x', 'w', 'b'], ['h']),
    node('If', ['flag'], ['r'], {
      then_branch: graphOf(branch('then', [node('Relu', ['h'], ['a'])], 'a')),
      else_branch: graphOf(branch('else', [node('Tanh', ['h'], ['e'])], 'e')),
    }),
    node('Reshape', ['r', 'to'], ['y']),
  ],
});
const [gemm, branches, reshape] = goodGraph.nodes as [Node, Node, Node];
const withGraph = (parts: Partial<Graph>): Model => model({ ...goodGraph, ...parts });
const withTensor = (tensor: Tensor): Model =>
  withGraph({ initializers: new Map([...goodGraph.initializers, ['b', tensor]]) });
const withNodes = (...nodes: readonly Node[]): Model => withGraph({ nodes });

const first = (broken: Model, options = {}) => verifyModel(broken, options)[0]?.message;

describe('a good model', () => {
  it('has no faults', () => {
    expect(verifyModel(model(goodGraph), { finite: true })).toEqual([]);
  });

  it('may use operators of domains and functions that are imported', () => {
    const twice = functionOf('Twice', ['a'], ['b'], [node('Add', ['a', 'a'], ['b'])]);
    const main = graph({
      inputs: [value('x', 'float32[n]')],
      outputs: [value('z', 'float32[n]')],
      nodes: [
        node('Twice', ['x'], ['y'], {}, 'own'),
        node('QuickGelu', ['y'], ['z'], { beta: int(1) }, 'com.microsoft'),
      ],
    });
    expect(verifyModel(model(main, { functions: [twice], imports: ['own', 'com.microsoft'] }))).toEqual([]);
  });
});

describe('damage is found, and named', () => {
  it.each<[string, Model, RegExp]>([
    [
      'a name defined twice',
      withNodes(gemm, branches, reshape, node('Relu', ['x'], ['h'])),
      /output of Relu "h" is defined already/,
    ],
    [
      'a name of a subgraph that hides one around it',
      withNodes(
        gemm,
        {
          ...branches,
          attributes: {
            ...branches.attributes,
            else_branch: graphOf(branch('else', [node('Tanh', ['x'], ['h'])], 'h')),
          },
        },
        reshape,
      ),
      /"h" hides one of the graph around "else"/,
    ],
    [
      'nodes out of order',
      withNodes(branches, gemm, reshape),
      /If "If of r" takes "h" before Gemm "Gemm of h" makes it; the nodes can be put in order/,
    ],
    [
      'a cycle',
      withNodes({ ...gemm, inputs: ['y', 'w', 'b'] }, branches, reshape),
      /nodes wait for each other: Gemm of h → Reshape of y → If of r/,
    ],
    [
      'an input nobody makes',
      withNodes({ ...gemm, inputs: ['x', 'w', 'bias'] }, branches, reshape),
      /Gemm "Gemm of h" takes "bias", which nobody makes/,
    ],
    [
      'an output nobody makes',
      withGraph({ outputs: [value('out', 'float32')] }),
      /output "out" of graph "main" is made by nobody/,
    ],
    [
      'too many inputs',
      withNodes({ ...gemm, inputs: ['x', 'w', 'b', 'b'] }, branches, reshape),
      /has 4 inputs, it takes 2 to 3/,
    ],
    [
      'no inputs where one is needed at least',
      withNodes(...goodGraph.nodes, node('SequenceConstruct', [], ['s'])),
      /has 0 inputs, it takes 1 or more/,
    ],
    [
      'an input left out',
      withNodes({ ...gemm, inputs: ['x', '', 'b'] }, branches, reshape),
      /leaves out input 1/,
    ],
    [
      'an attribute that is not known',
      withNodes({ ...gemm, attributes: { gamma: int(1) } }, branches, reshape),
      /has an attribute gamma, it knows alpha, beta, transA, transB/,
    ],
    [
      'an attribute of another type',
      withNodes({ ...gemm, attributes: { transB: text('1') } }, branches, reshape),
      /attribute transB of type string, it takes int/,
    ],
    [
      'an attribute that is missing',
      withNodes(gemm, branches, node('Concat', ['r'], ['y'])),
      /Concat "Concat of y" has no attribute axis/,
    ],
    [
      'an element type that does not fit',
      withTensor({ ...int64s(1, 2) }),
      /"b"\) is int64, an input of the same type is float32/,
    ],
    [
      'a shape that contradicts what is declared',
      withGraph({ values: new Map([['h', value('h', 'float32[n,3]')]]) }),
      /"h" is inferred float32\[n, 2\].* declared float32\[n, 3\]/,
    ],
    [
      'an output that contradicts what is declared',
      withGraph({ outputs: [value('y', 'float32[n,2]')] }),
      /"y" is inferred .* the ranks differ/,
    ],
    [
      'bytes that are too few',
      withTensor({ dtype: 'float32', dims: [2], data: { kind: 'bytes', bytes: new Uint8Array(7) } }),
      /initializer "b": float32\[2\] needs 8 bytes, 7 are there/,
    ],
    [
      'external data of another length',
      withTensor({
        dtype: 'float32',
        dims: [2],
        data: { kind: 'external', location: 'w', offset: 0, length: 4 },
      }),
      /needs 8 bytes, 4 are there/,
    ],
    [
      'a negative dimension',
      withTensor({ ...floats([2], [1, 2]), dims: [-2] }),
      /\[-2\] has a dimension of -2/,
    ],
    [
      'an absurd size',
      withTensor({ ...floats([2], [1, 2]), dims: [2 ** 30, 2 ** 30] }),
      /more than 1099511627776 elements/,
    ],
    [
      'a domain that is not imported',
      withNodes(gemm, branches, node('Reshape', ['r', 'to'], ['y'], {}, 'com.nobody')),
      /no opset of domain "com.nobody" is imported/,
    ],
    [
      'an operator nobody knows',
      withNodes(gemm, branches, node('Reshapee', ['r', 'to'], ['y'])),
      /ai.onnx has no such operator/,
    ],
    [
      'an operator of a later opset',
      model({ ...goodGraph, nodes: [gemm, branches, node('Gelu', ['r'], ['y'])] }, { opset: 17 }),
      /came with opset 20, the model has 17/,
    ],
    [
      'an operator withdrawn',
      withNodes(gemm, branches, node('Upsample', ['r', 'w'], ['y'])),
      /was withdrawn with opset 10/,
    ],
    [
      'an opset that is too new',
      model({ ...goodGraph, nodes: [gemm, branches, node('Novelty', ['r'], ['y'])] }, { opset: 99 }),
      /no such operator up to opset 28, the model has 99/,
    ],
    [
      'axes of another opset',
      withNodes(gemm, branches, node('Unsqueeze', ['r'], ['y'], { axes: ints(2) })),
      /has 1 inputs, it takes 2/,
    ],
  ])('%s', (_what, broken, message) => {
    expect(first(broken)).toMatch(message);
  });

  it('functions that call themselves, directly or around', () => {
    const own = functionOf('Own', ['a'], ['b'], [node('Own', ['a'], ['b'], {}, 'own')]);
    const main = graph({ inputs: [value('x', 'float32[1]')], nodes: [node('Own', ['x'], ['y'], {}, 'own')] });
    expect(first(model(main, { functions: [own], imports: ['own'] }))).toMatch(/call themselves: Own → Own/);
    const one = functionOf('One', ['a'], ['b'], [node('Two', ['a'], ['b'], {}, 'own')]);
    const two = functionOf('Two', ['a'], ['b'], [node('One', ['a'], ['b'], {}, 'own')]);
    expect(first(model(goodGraph, { functions: [one, two] }))).toMatch(
      /call themselves: .*One.*Two|Two.*One/,
    );
  });

  it('numbers that are not finite, if asked', () => {
    const broken = withTensor(floats([2], [1, Number.NaN]));
    expect(verifyModel(broken)).toEqual([]);
    expect(first(broken, { finite: true })).toMatch(/initializer "b" has elements that are not finite/);
  });
});

describe('a report', () => {
  it('has the node of each fault, broken names before broken types, and an end', () => {
    const broken = withGraph({
      outputs: [value('y', 'float32[n,2]'), value('gone', 'float32')],
      nodes: [
        ...goodGraph.nodes,
        ...Array.from({ length: 300 }, (_, i) => node('Relu', ['x'], [`z${i}`], { a: int(1) })),
      ],
    });
    const faults = verifyModel(broken);
    expect(faults.length).toBe(maxFaults);
    expect(faults[0]?.message).toMatch(/"gone"/);
    expect(faults[1]).toMatchObject({ code: 'invalid', node: 'Relu of z0' });
  });

  it('takes a long chain that waits for itself without running out of stack', () => {
    const count = 50_000;
    const nodes = Array.from({ length: count }, (_, i) => node('Relu', [`v${(i + 1) % count}`], [`v${i}`]));
    expect(first(model(graph({ nodes })))).toMatch(/wait for each other/);
  });
});

describe('whatever a graph says', () => {
  it('is judged, and nothing is thrown: every operator, with odd inputs and attributes', () => {
    const type = fc.constantFrom(
      'float32',
      'float32[]',
      'float32[n,3]',
      'int64[2]',
      'int64[1,0,m]',
      'bool[]',
      'uint8[4,?]',
    );
    const odd = fc.constantFrom<Attribute>(
      int(-7),
      int(0),
      int(2n ** 63n - 1n),
      ints(),
      ints(0, -1, 2 ** 40),
      text('...,->'),
      text('bidirectional'),
      { type: 'float', value: Number.NaN },
      { type: 'tensor', value: int64s(-3) },
      graphOf(branch('inner', [node('Relu', ['i0'], ['inner'])], 'inner')),
    );
    const constant = fc.constantFrom(
      int64s(0),
      int64s(-1, -1),
      int64s(2n ** 62n, 3),
      floats([2], [Number.NaN, -1]),
    );
    const all = Object.entries(operators).flatMap(([domain, table]) =>
      Object.entries(table).map(([op, forms]) => ({ domain, op, forms })),
    );
    const names = fc.array(fc.constantFrom('i0', 'i1', 'i2', 'c0', 'c1', 'c0', '', 'nobody'), {
      maxLength: 7,
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...all),
        fc.integer({ min: 1, max: 29 }),
        fc.tuple(type, type, type),
        fc.tuple(constant, constant),
        names,
        fc.integer({ min: 0, max: 4 }),
        fc.array(odd, { minLength: 3, maxLength: 3 }),
        ({ domain, op, forms }, opset, types, [c0, c1], inputs, outputs, values) => {
          const rules = Object.entries(forms.at(-1)?.attributes ?? {});
          const attributes = Object.fromEntries(
            rules.flatMap(([name, rule], i): [string, Attribute][] => {
              const fitting = values.find((one) => one.type === rule.type) ?? values[i % 3];
              return fitting === undefined ? [] : [[name, fitting]];
            }),
          );
          const main = graph({
            inputs: types.map((one, i): Value => value(`i${i}`, one)),
            initializers: { c0, c1 },
            nodes: [
              node(
                op,
                inputs,
                Array.from({ length: outputs }, (_, i) => `o${i}`),
                attributes,
                domain,
              ),
            ],
          });
          const one = model(main, { opset, imports: ['com.microsoft'] });
          verifyModel(one, { finite: true });
          for (const found of inferModel(one).types.values())
            if (found.kind === 'tensor')
              for (const dim of found.shape ?? [])
                if (typeof dim === 'number') expect(dim).toBeGreaterThanOrEqual(0);
        },
      ),
      { seed: 6, numRuns: 3_000 },
    );
  });
});
