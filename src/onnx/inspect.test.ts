import { describe, expect, it } from 'vitest';
import { inspectModel } from './inspect.ts';
import type { Graph, Model, Node, Tensor } from './ir/types.ts';

const node = (op: string, more: Partial<Node> = {}): Node => ({
  op,
  domain: '',
  name: '',
  inputs: [],
  outputs: [],
  attributes: {},
  ...more,
});
const graphOf = (
  nodes: readonly Node[],
  initializers: readonly (readonly [string, Tensor])[] = [],
): Graph => ({
  name: 'g',
  nodes,
  inputs: [],
  outputs: [],
  initializers: new Map(initializers),
  values: new Map(),
});
const modelOf = (graph: Graph, more: Partial<Model> = {}): Model => ({
  irVersion: 10,
  opsets: new Map([['', 21]]),
  graph,
  functions: [],
  metadata: {},
  ...more,
});
const zeros = (dtype: Tensor['dtype'], dims: readonly number[], bytes: number): Tensor => ({
  dtype,
  dims,
  data: { kind: 'bytes', bytes: new Uint8Array(bytes) },
});

describe('the summary of a model', () => {
  it('counts weights, and not the shapes among the initializers', () => {
    const summary = inspectModel(
      modelOf(
        graphOf(
          [node('MatMul'), node('Add'), node('MatMul')],
          [
            ['w', zeros('float32', [4, 3], 48)],
            ['q', zeros('int4', [5], 3)],
            ['dims', zeros('int64', [2], 16)],
          ],
        ),
      ),
    );
    expect(summary.parameters).toBe(17);
    expect([summary.tensors, summary.tensorBytes]).toEqual([3, 67]);
    expect(summary.ops).toEqual([
      ['MatMul', 2],
      ['Add', 1],
    ]);
    expect(summary.bytesByType).toEqual([
      ['float32', 48],
      ['int64', 16],
      ['int4', 3],
    ]);
    expect(summary.largest.map(({ name }) => name)).toEqual(['w', 'dims', 'q']);
  });

  it('looks into subgraphs and functions, and names the domains of strangers', () => {
    const inner = graphOf([node('Relu')], [['w', zeros('float32', [2], 8)]]);
    const graph = graphOf([
      node('If', {
        attributes: {
          then_branch: { type: 'graph', value: inner },
          else_branch: { type: 'graphs', value: [inner] },
        },
      }),
    ]);
    const called = {
      name: 'f',
      domain: 'mine',
      inputs: [],
      outputs: [],
      attributes: [],
      defaults: {},
      nodes: [node('Gelu', { domain: 'com.microsoft' })],
      opsets: new Map(),
      values: new Map(),
    };
    const summary = inspectModel(modelOf(graph, { functions: [called] }));
    expect(summary.nodes).toBe(4);
    expect(summary.ops).toEqual([
      ['Relu', 2],
      ['If', 1],
      ['com.microsoft.Gelu', 1],
    ]);
    expect(summary.parameters).toBe(4);
  });

  it('counts weights that are constants among the nodes', () => {
    const value = { type: 'tensor', value: zeros('float32', [4], 16) } as const;
    const summary = inspectModel(
      modelOf(graphOf([node('Constant', { outputs: ['w'], attributes: { value } })])),
    );
    expect([summary.parameters, summary.tensorBytes]).toEqual([4, 16]);
    expect(summary.largest.map(({ name }) => name)).toEqual(['w']);
  });

  it('knows sizes of what was not read, and where it lies', () => {
    const source = { size: 0, read: () => Promise.reject(new Error('not now')) };
    const summary = inspectModel(
      modelOf(
        graphOf(
          [],
          [
            ['here', { dtype: 'float16', dims: [8], data: { kind: 'slice', source, offset: 0, length: 16 } }],
            [
              'there',
              {
                dtype: 'float32',
                dims: [3],
                data: { kind: 'external', location: 'w.bin', offset: 0, length: undefined },
              },
            ],
          ],
        ),
      ),
    );
    expect(summary.tensorBytes).toBe(28);
    expect(summary.files).toEqual(['w.bin']);
  });

  it('has the inputs that must be fed, not those with a default', () => {
    const graph: Graph = {
      ...graphOf([], [['w', zeros('float32', [1], 4)]]),
      inputs: ['x', 'w'].map((name) => ({ name, type: { kind: 'unknown' } })),
    };
    expect(inspectModel(modelOf(graph)).inputs.map(({ name }) => name)).toEqual(['x']);
  });
});
