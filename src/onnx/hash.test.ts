import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Bytes, sha256Hex } from '../core/hash.ts';
import { unwrap } from '../core/result.ts';
import type { DecoderSpec } from './build/decoder/spec.ts';
import { buildDecoder } from './build/decoder.ts';
import { float32Tensor, int64Tensor } from './build/tensors.ts';
import { canonicalParts } from './canonicalForm.ts';
import { contentHash, type HashDeps, hashTensor, tensorHashes } from './hash.ts';
import { float, int, ints } from './ir/attributes.ts';
import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, Value } from './ir/types.ts';
import { node } from './testDoubles.ts';

const deps: HashDeps = { digest: (bytes) => Promise.resolve(sha256Bytes(bytes)) };
const hashOf = async (model: Model, options = {}) => unwrap(await contentHash(model, deps, options)).hash;
const faultOf = async (model: Model) => {
  const result = await contentHash(model, deps);
  return result.ok ? undefined : result.error;
};

const value = (name: string, ...shape: readonly (number | string)[]): Value => ({
  name,
  type: { kind: 'tensor', dtype: 'float32', shape },
});
const graph = (more: Partial<Graph>): Graph => ({
  name: 'g',
  nodes: [],
  inputs: [],
  outputs: [],
  initializers: new Map(),
  values: new Map(),
  ...more,
});
const w = float32Tensor([2], Float32Array.of(1, 2));
const v = float32Tensor([2], Float32Array.of(3, 4));
const branch = (captured: string): Attribute => ({
  type: 'graph',
  value: graph({ nodes: [node('Neg', [captured], ['r'])], outputs: [value('r', 2)] }),
});

const twice: ModelFunction = {
  name: 'Twice',
  domain: 'local',
  inputs: ['a'],
  outputs: ['b'],
  attributes: [],
  defaults: {},
  nodes: [node('Add', ['a', 'a'], ['b'])],
  opsets: new Map([['', 21]]),
  values: new Map(),
};

/** out = If(c, −(x·w), Twice(x + v)): with everything that a model can have. */
const base: Model = {
  irVersion: 10,
  opsets: new Map([
    ['', 21],
    ['local', 1],
  ]),
  graph: graph({
    inputs: [value('x', 'batch', 2), value('c', 'batch')],
    outputs: [value('out', 'batch', 2), value('sum', 'batch', 2)],
    initializers: new Map([
      ['w', w],
      ['v', v],
    ]),
    nodes: [
      node('Mul', ['x', 'w'], ['product'], { name: 'first' }),
      node('Add', ['x', 'v'], ['sum'], { name: 'second' }),
      node('Twice', ['sum'], ['double'], { domain: 'local' }),
      node('If', ['c'], ['out'], {
        attributes: {
          then_branch: branch('product'),
          else_branch: branch('double'),
          axis: int(1),
          by: float(0.5),
        },
      }),
    ],
  }),
  functions: [twice],
  metadata: {},
};
const withGraph = (more: Partial<Graph>): Model => ({ ...base, graph: { ...base.graph, ...more } });
const { nodes, initializers } = base.graph;
const [mul, add, call, choose] = nodes as [Node, Node, Node, Node];
const changed = (index: number, more: Partial<Node>) =>
  withGraph({ nodes: nodes.map((each, i) => (i === index ? { ...each, ...more } : each)) });
const renamed = (names: Readonly<Record<string, string>>): Model => {
  const name = (old: string) => names[old] ?? old;
  const inside = (attribute: Attribute): Attribute =>
    attribute.type === 'graph'
      ? { ...attribute, value: { ...attribute.value, nodes: attribute.value.nodes.map(rename) } }
      : attribute;
  const rename = (each: Node): Node => ({
    ...each,
    inputs: each.inputs.map(name),
    outputs: each.outputs.map(name),
    attributes: Object.fromEntries(Object.entries(each.attributes).map(([key, a]) => [key, inside(a)])),
  });
  return withGraph({
    nodes: nodes.map(rename),
    initializers: new Map([...initializers].map(([old, tensor]) => [name(old), tensor])),
    inputs: base.graph.inputs.map((input) => ({ ...input, name: name(input.name) })),
  });
};

describe('the content hash is the same', () => {
  it.each<[string, Model]>([
    ['in whatever order initializers are', withGraph({ initializers: new Map([...initializers].reverse()) })],
    [
      'in whatever order nodes are that do not need each other',
      withGraph({ nodes: [add, call, mul, choose] }),
    ],
    ['under other names of values', renamed({ w: 'weight', product: 'p', sum: 'sum', double: 'd' })],
    ['under other names of nodes', changed(0, { name: 'elsewhere', doc: 'a note', metadata: { a: 'b' } })],
    [
      'with value_info',
      withGraph({ values: new Map([['product', value('product', 2)]]), name: 'other', doc: 'x' }),
    ],
    [
      'from another producer',
      { ...base, producer: 'p', producerVersion: '1', doc: 'd', metadata: { k: 'v' }, irVersion: 9 },
    ],
    [
      'under other names of dimensions',
      withGraph({
        inputs: [value('x', 'N', 2), value('c', 'N')],
        outputs: [value('out', 'N', 2), value('sum', 'N', 2)],
      }),
    ],
    [
      'with attributes in another order',
      changed(3, { attributes: Object.fromEntries(Object.entries(choose.attributes).reverse()) }),
    ],
    ['with absent options spelled out', changed(0, { inputs: ['x', 'w', ''], outputs: ['product', ''] })],
    [
      'with the domain’s long name',
      {
        ...changed(0, { domain: 'ai.onnx' }),
        opsets: new Map([
          ['local', 1],
          ['ai.onnx', 21],
        ]),
      },
    ],
    [
      'with what no output needs',
      withGraph({
        nodes: [...nodes, node('Neg', ['product'], ['waste'])],
        initializers: new Map([...initializers, ['unused', v]]),
      }),
    ],
    ['with functions that nobody calls', { ...base, functions: [{ ...twice, name: 'Thrice' }, twice] }],
    [
      'with names of tensors in them',
      withGraph({
        initializers: new Map([
          ['w', { ...w, name: 'w', typed: true, doc: 'x' }],
          ['v', v],
        ]),
      }),
    ],
    [
      'from a file that is not read yet',
      withGraph({
        initializers: new Map([
          [
            'w',
            {
              ...w,
              data: {
                kind: 'slice',
                offset: 1,
                length: 8,
                source: {
                  size: 9,
                  read: () => Promise.resolve(Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0, 0x40)),
                },
              },
            },
          ],
          ['v', v],
        ]),
      }),
    ],
  ])('%s', async (_, model) => {
    expect(await hashOf(model)).toBe(await hashOf(base));
  });
});

describe('the content hash is another', () => {
  it.each<[string, Model, Model?]>([
    ['with another operator', changed(0, { op: 'Div' })],
    ['with another domain', changed(0, { domain: 'local' })],
    ['with an overload', changed(0, { overload: 'x' })],
    ['with inputs the other way round', changed(0, { inputs: ['w', 'x'] })],
    ['with another attribute', changed(3, { attributes: { ...choose.attributes, axis: int(2) } })],
    [
      'with an attribute of another type',
      changed(3, { attributes: { ...choose.attributes, axis: ints(1) } }),
    ],
    [
      'with −0 for 0',
      changed(3, { attributes: { ...choose.attributes, by: float(-0) } }),
      changed(3, { attributes: { ...choose.attributes, by: float(0) } }),
    ],
    ['with a float for an int', changed(3, { attributes: { ...choose.attributes, axis: float(1) } })],
    [
      'with branches the other way round',
      changed(3, {
        attributes: { ...choose.attributes, then_branch: branch('double'), else_branch: branch('product') },
      }),
    ],
    [
      'with another value',
      withGraph({
        initializers: new Map([
          ['w', v],
          ['v', v],
        ]),
      }),
    ],
    [
      'with another type of tensor',
      withGraph({
        initializers: new Map([
          ['w', { ...w, dtype: 'int32' }],
          ['v', v],
        ]),
      }),
    ],
    [
      'with another shape of tensor',
      withGraph({
        initializers: new Map([
          ['w', { ...w, dims: [2, 1] }],
          ['v', v],
        ]),
      }),
    ],
    ['with another type of input', withGraph({ inputs: [value('x', 'batch', 3), value('c', 'batch')] })],
    [
      'with dimensions that need not agree',
      withGraph({ inputs: [value('x', 'batch', 2), value('c', 'other')] }),
    ],
    ['with another type of output', withGraph({ outputs: [value('out', 2, 2), value('sum', 'batch', 2)] })],
    ['with outputs the other way round', withGraph({ outputs: base.graph.outputs.toReversed() })],
    [
      'with another opset',
      {
        ...base,
        opsets: new Map([
          ['', 22],
          ['local', 1],
        ]),
      },
    ],
    [
      'with another function',
      { ...base, functions: [{ ...twice, nodes: [node('Mul', ['a', 'a'], ['b'])] }] },
    ],
    ['with a function where there was an operator', { ...base, functions: [] }],
    ['with another name of an input', renamed({ x: 'y' })],
    ['with a default for an input', withGraph({ initializers: new Map([...initializers, ['c', w]]) })],
    ['with one tensor where there were two', changed(1, { inputs: ['x', 'w'] })],
    ['with fields that nobody knows', changed(0, { rest: Uint8Array.of(1) })],
  ])('%s', async (_, model, other = base) => {
    expect(await hashOf(model)).not.toBe(await hashOf(other));
  });

  it('but not by the name of an input, if only positions count', async () => {
    const options = { interface: 'positional' };
    expect(await hashOf(renamed({ x: 'y' }), options)).toBe(await hashOf(base, options));
  });
});

describe('the canonical form', () => {
  it('is a text with tensors in it', () => {
    const parts = unwrap(canonicalParts(base));
    expect(
      parts.map((part) => (typeof part === 'string' ? part : '<tensor>')).join(''),
    ).toMatchInlineSnapshot(`
      "onnx content 1
      opset "" 21
      opset "local" 1
      input v0 "x" tensor float32[d0,2]
      input v1 "c" tensor float32[d0]
      v2 = tensor float32[2] <tensor>
      v3 = "":"Add":""(v0,v2)
      v4 = "local":"Twice":""(v3)
      v5 = tensor float32[2] <tensor>
      v6 = "":"Mul":""(v0,v5)
      v7 = "":"If":""(v1)
      ."axis" int 1
      ."by" float 0.5
      ."else_branch" graph {
      v8 = "":"Neg":""(v4)
      output v8  tensor float32[2]
      }
      ."then_branch" graph {
      v9 = "":"Neg":""(v6)
      output v9  tensor float32[2]
      }
      output v7 "out" tensor float32[d0,2]
      output v3 "sum" tensor float32[d0,2]
      function "local":"Twice":""
      opset "" 21
      input v10
      v11 = "":"Add":""(v10,v10)
      output v11
      "
    `);
  });

  it('has not changed: stored hashes stay true', async () => {
    expect(await hashOf(base)).toMatchInlineSnapshot(
      `"ae0f88085c06ee91d022af1415ee3f65d0d3d2ec37de9df58318d1505d54c850"`,
    );
  });

  it('does not depend on the order of a file, whichever it is', async () => {
    const count = 12;
    const chains = Array.from({ length: count }, (_, i) => node('Neg', ['x'], [`n${i}`]));
    const last = node(
      'Concat',
      chains.flatMap(({ outputs }) => outputs),
      ['out'],
      { attributes: { axis: int(0) } },
    );
    const model = (order: readonly Node[]) =>
      withGraph({ nodes: [...order, last], outputs: [value('out')], initializers: new Map() });
    const expected = await hashOf(model(chains));
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(chains, { minLength: count }), async (order) => {
        expect(await hashOf(model(order))).toBe(expected);
      }),
      { seed: 7, numRuns: 30 },
    );
  });

  it('is the same for training and serving only if they are the same graph', async () => {
    const spec: DecoderSpec = {
      family: 'decoder',
      vocab: 5,
      hidden: 16,
      layers: 1,
      heads: 1,
      kvHeads: 1,
      intermediate: 4,
      context: 4,
      norm: 'rms',
      epsilon: 1e-5,
      positions: { kind: 'rotary', theta: 10_000 },
      mlp: 'swiglu',
      bias: 'none',
      tied: true,
    };
    const build = (form: 'serving' | 'training') =>
      unwrap(
        buildDecoder(spec, form === 'serving' ? { kind: form } : { kind: form, sequence: 4 }, {
          kind: 'seed',
          seed: 1,
        }),
      );
    expect(await hashOf(build('serving'))).toBe(await hashOf(build('serving')));
    expect(await hashOf(build('serving'))).not.toBe(await hashOf(build('training')));
  });
});

describe('a graph without a canonical form is refused', () => {
  it.each<[string, Model, string]>([
    [
      'a cycle',
      withGraph({ nodes: [node('Neg', ['b'], ['a']), node('Neg', ['a'], ['b'])], outputs: [value('a')] }),
      '"a" needs itself',
    ],
    [
      'an unknown value',
      withGraph({ nodes: [node('Neg', ['ghost'], ['a'])], outputs: [value('a')] }),
      '"ghost" is used, and nothing defines it',
    ],
    [
      'an unknown output',
      withGraph({ outputs: [value('ghost')] }),
      '"ghost" is used, and nothing defines it',
    ],
    [
      'a value defined twice',
      withGraph({ nodes: [...nodes, node('Neg', ['x'], ['product'])] }),
      '"product" is defined twice',
    ],
    [
      'an initializer defined twice',
      withGraph({ nodes: [...nodes, node('Neg', ['x'], ['w'])] }),
      '"w" is defined twice',
    ],
  ])('%s', async (_, model, message) => {
    expect(await faultOf(model)).toMatchObject({ code: 'invalid', message });
  });

  it('if it nests too deep, and not if it is only long', async () => {
    let inner = graph({ nodes: [node('Neg', ['x'], ['r'])], outputs: [value('r')] });
    for (let i = 0; i < 5_000; i++)
      inner = graph({
        nodes: [node('If', ['c'], ['r'], { attributes: { then_branch: { type: 'graph', value: inner } } })],
        outputs: [value('r')],
      });
    expect(await faultOf({ ...base, graph: inner })).toMatchObject({ code: 'too-large' });
    const chain = Array.from({ length: 20_000 }, (_, i) => node('Neg', [`${i}`], [`${i + 1}`]));
    const long = withGraph({ nodes: chain.toReversed(), inputs: [value('0')], outputs: [value('20000')] });
    expect(await faultOf(long)).toBeUndefined();
  });
});

describe('a tensor’s hash', () => {
  it('is the SHA-256 of its bytes', async () => {
    const hashes = unwrap(await tensorHashes(base, deps));
    expect(hashes.get('w')).toBe(sha256Hex(Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0, 0x40)));
    expect([...hashes.keys()]).toEqual(['w', 'v']);
    expect(unwrap(await contentHash(base, deps)).tensors).toEqual(hashes);
  });

  it('is of what counts of a packed type', async () => {
    const packed = (last: number): Tensor => ({
      dtype: 'int4',
      dims: [3],
      data: { kind: 'bytes', bytes: Uint8Array.of(0x21, last) },
    });
    expect(await hashTensor(packed(0xf3), deps)).toEqual(await hashTensor(packed(0x03), deps));
    expect(await hashTensor(packed(0x04), deps)).not.toEqual(await hashTensor(packed(0x03), deps));
  });

  it('tells strings apart by where they end', async () => {
    const words = (...strings: readonly string[]): Tensor => ({
      dtype: 'string',
      dims: [strings.length],
      data: { kind: 'strings', strings: strings.map((text) => new TextEncoder().encode(text)) },
    });
    expect(await hashTensor(words('ab', 'c'), deps)).not.toEqual(await hashTensor(words('a', 'bc'), deps));
    expect(await hashTensor(words('a'), deps)).toEqual({
      ok: true,
      value: sha256Hex(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 97)),
    });
  });

  const beside: Tensor = {
    dtype: 'int64',
    dims: [1],
    data: { kind: 'external', location: 'w.bin', offset: 0, length: 8 },
  };
  it('is of bytes in another file, if somebody reads them', async () => {
    const readExternal = () => Promise.resolve(Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0));
    expect(await hashTensor(beside, { ...deps, readExternal })).toEqual(
      await hashTensor(int64Tensor([1], [7]), deps),
    );
  });

  it.each<[string, Tensor, Partial<HashDeps>, string, string]>([
    ['nobody can read', beside, {}, 'missing', 'tensor "" is in "w.bin", and nothing was given to read it'],
    [
      'is gone',
      beside,
      { readExternal: () => Promise.reject(new Error('404')) },
      'missing',
      'tensor "" can\'t be read: 404',
    ],
    [
      'is too short',
      { ...w, dims: [3], name: 'w' },
      {},
      'invalid',
      'tensor "w" has 8 bytes, and its type needs 12',
    ],
  ])('is none if the data %s', async (_, tensor, more, code, message) => {
    expect(await hashTensor(tensor, { ...deps, ...more })).toMatchObject({
      ok: false,
      error: { code, message },
    });
  });
});
