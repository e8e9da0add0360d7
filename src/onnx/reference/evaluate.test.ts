import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import type { Attribute, Model, ModelFunction, Node } from '../ir/types.ts';
import { type EvaluateOptions, evaluate } from './evaluate.ts';
import { type NdArray, ndArray, toNumbers } from './ndArray.ts';
import { supportedOperators } from './operators/table.ts';
import { bool, f32, graphOf, i64, modelOf, nodeOf, scalar, typed, wavy } from './testing.ts';

const feeds = (arrays: Readonly<Record<string, NdArray>>) => new Map(Object.entries(arrays));
const run = (
  model: Parameters<typeof evaluate>[0],
  arrays: Readonly<Record<string, NdArray>>,
  options?: EvaluateOptions,
) => unwrap(evaluate(model, feeds(arrays), options));
const numbers = (values: ReadonlyMap<string, NdArray>, name: string) => toNumbers(values.get(name)!);

const square = graphOf([nodeOf('Mul', ['x', 'x'], ['y'])], [typed('x', 'float32', ['n', 2])], ['y']);

describe('a model', () => {
  it('is computed from its feeds and initializers', () => {
    const graph = graphOf([nodeOf('MatMul', ['x', 'w'], ['h']), nodeOf('Relu', ['h'], ['y'])], ['x'], ['y'], {
      w: f32([2, 1], [1, -1]),
    });
    expect(numbers(run(modelOf(graph), { x: f32([2, 2], [3, 1, 1, 3]) }), 'y')).toEqual([2, 0]);
  });

  it('gives values in between if asked for them', () => {
    const graph = graphOf([nodeOf('Neg', ['x'], ['h']), nodeOf('Exp', ['h'], ['y'])], ['x'], ['y']);
    expect([...run(graph, { x: scalar(0) }, { outputs: ['h', 'x'] }).keys()]).toEqual(['h', 'x']);
  });

  it('takes an initializer for an input that is not fed', () => {
    const graph = graphOf([nodeOf('Add', ['x', 'b'], ['y'])], ['x', 'b'], ['y'], { b: scalar(1) });
    expect(numbers(run(graph, { x: scalar(1) }), 'y')).toEqual([2]);
    expect(numbers(run(graph, { x: scalar(1), b: scalar(5) }), 'y')).toEqual([6]);
  });

  it('is exact enough for finite differences, unless it is to be as float32 is', () => {
    const graph = graphOf([nodeOf('Mul', ['x', 'x'], ['y'])], ['x'], ['y']);
    const at = (x: number, options: EvaluateOptions) =>
      numbers(run(graph, { x: scalar(x) }, options), 'y')[0]!;
    expect((at(3 + 1e-6, {}) - at(3 - 1e-6, {})) / 2e-6).toBeCloseTo(6, 6);
    expect(at(1 + 2 ** -12, { precision: 'float32' })).toBe(Math.fround((1 + 2 ** -12) ** 2));
    expect(at(0.1, { precision: 'float32' })).toBe(Math.fround(Math.fround(0.1) ** 2));
  });

  it('changes neither feeds nor initializers', () => {
    const x = f32([2, 2], [0.1, 0.2, 0.3, 0.4]);
    run(square, { x }, { precision: 'float32' });
    expect(x).toEqual(f32([2, 2], [0.1, 0.2, 0.3, 0.4]));
  });
});

describe('errors', () => {
  const fails = (
    model: Parameters<typeof evaluate>[0],
    arrays: Readonly<Record<string, NdArray>>,
    options?: EvaluateOptions,
  ) => {
    const result = evaluate(model, feeds(arrays), options);
    if (result.ok) throw new Error('it does not fail');
    return result.error;
  };

  it('name a feed that is missing, unknown, or of another type or shape', () => {
    expect(fails(square, {})).toMatchObject({ code: 'missing', message: expect.stringContaining('x') });
    expect(fails(square, { x: wavy([1, 2]), z: scalar(1) }).message).toContain('z');
    expect(fails(square, { x: i64([1, 2], [1, 2]) }).message).toContain('int64');
    expect(fails(square, { x: wavy([1, 3]) }).message).toContain('[1,3]');
    expect(fails(square, { x: wavy([2]) }).code).toBe('invalid');
    expect(fails(square, { x: { ...wavy([2]), dims: [1, 2, 3] } }).code).toBe('invalid');
  });

  it('hold a named dim to one number in all feeds', () => {
    const graph = graphOf(
      [nodeOf('Add', ['a', 'b'], ['y'])],
      [typed('a', 'float32', ['n']), typed('b', 'float32', ['n'])],
      ['y'],
    );
    expect(fails(graph, { a: wavy([1]), b: wavy([2]) }).message).toContain('b');
  });

  it('name the operator that is not there, its domain and node', () => {
    const node = { ...nodeOf('com.example.Twist', ['x'], ['y']), name: 'the twist' };
    const fault = fails(graphOf([node], ['x'], ['y']), { x: scalar(1) });
    expect(fault).toMatchObject({ code: 'unsupported', node: 'the twist' });
    expect(fault.message).toMatch(/Twist.*com\.example/);
    for (const op of ['constructor', '__proto__', 'toString'])
      expect(fails(graphOf([nodeOf(op, ['x'], ['y'])], ['x'], ['y']), { x: scalar(1) }).code).toBe(
        'unsupported',
      );
  });

  it('are values for nodes that make no sense', () => {
    const of = (node: Node) => fails(graphOf([node], ['x'], ['y']), { x: wavy([2]) });
    expect(of(nodeOf('Relu', ['nothing'], ['y'])).message).toContain('nothing');
    expect(of(nodeOf('Relu', ['y'], ['y'])).code).toBe('invalid');
    expect(of(nodeOf('Relu', [], ['y'])).code).toBe('invalid');
    expect(of(nodeOf('Relu', ['x'], ['x'])).message).toContain('twice');
    expect(of(nodeOf('Relu', ['x'], ['y', 'z'])).code).toBe('unsupported');
    expect(of(nodeOf('Softmax', ['x'], ['y'], { axis: 'last' })).message).toContain('axis');
    expect(of(nodeOf('Softmax', ['x'], ['y'], { axis: 7 })).code).toBe('invalid');
  });

  it('come from every operator as values, whatever it is given', () => {
    const pool = [
      wavy([2, 3]),
      wavy([1, 2, 3, 3]),
      wavy([2, 1, 2, 2]),
      wavy([3]),
      i64([2], [-1, 5]),
      i64([], [2]),
      i64([2, 2], [0, 1, 1, 0]),
      bool([], [1]),
      bool([2, 3], [1, 0, 1, 1, 0, 0]),
      f32([0], []),
      f32([0, 3], []),
      ndArray('uint8', [2, 1, 8], new Array(16).fill(5)),
      ndArray('int32', [1], [2]),
      ndArray('int4', [2, 3], [1, 2, 3, 4, 5, 6]),
      scalar(Number.NaN),
      ndArray('int64', [1], [2n ** 63n - 1n]),
    ];
    const operators = [...supportedOperators()].flatMap(([domain, names]) =>
      names.map((name) => (domain ? `${domain}.${name}` : name)),
    );
    const attributes = fc.record(
      {
        axis: fc.integer({ min: -3, max: 3 }),
        axes: fc.array(fc.integer({ min: -2, max: 2 }), { maxLength: 2 }),
        kernel_shape: fc.constantFrom([2, 2], [1], [3, 3], [0, 1]),
        pads: fc.constantFrom([1, 1, 1, 1], [-1, 0, 0, 0], [1, 1]),
        strides: fc.constantFrom([2, 2], [1, -1]),
        equation: fc.constantFrom('ij,jk->ik', '...', 'ii'),
        num_heads: fc.integer({ min: -1, max: 3 }),
        kv_num_heads: fc.integer({ min: 0, max: 2 }),
        num_groups: fc.integer({ min: -1, max: 3 }),
        block_size: fc.constantFrom(0, -1, 2, 16),
        K: fc.constantFrom(3, 16),
        N: fc.constantFrom(2, 3),
        bits: fc.constantFrom(2, 4, 8, 3),
        to: fc.integer({ min: -1, max: 27 }),
        mode: fc.constantFrom('linear', 'reflect', 'none'),
        k: fc.integer({ min: -9, max: 9 }),
      },
      { requiredKeys: [] },
    );
    const given = fc.array(fc.option(fc.integer({ min: 0, max: pool.length - 1 }), { freq: 6 }), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(
        given,
        attributes,
        fc.constantFrom(7, 11, 13, 21),
        fc.nat(operators.length - 1),
        (indices, plain, opset, first) => {
          // Every operator in turn, not one at random: each is seen often enough.
          for (let i = 0; i < 8; i++) {
            const op = operators[(first + i * 17) % operators.length]!;
            const node = nodeOf(
              op,
              indices.map((index) => (index === null ? '' : `x${index}`)),
              ['y', 'z'],
              plain,
            );
            const names = [...new Set(node.inputs.filter(Boolean))];
            const arrays = Object.fromEntries(names.map((name) => [name, pool[Number(name.slice(1))]!]));
            const options = { opsets: new Map([['', opset]]), maxElements: 1e5, maxWork: 1e6 };
            const result = evaluate(graphOf([node], names, ['y']), feeds(arrays), options);
            if (!result.ok) expect(result.error.message).toContain(op);
          }
        },
      ),
      { seed: 8, numRuns: 3000 },
    );
  });

  it('stop what is too large, too long or too deep', () => {
    const ones = graphOf([nodeOf('ConstantOfShape', ['n'], ['y'])], ['n'], ['y']);
    expect(fails(ones, { n: i64([2], [2 ** 20, 2 ** 20]) })).toMatchObject({ code: 'too-large' });
    expect(fails(ones, { n: i64([1], [11]) }, { maxElements: 10 }).message).toContain('maxElements');
    const product = graphOf([nodeOf('MatMul', ['x', 'x'], ['y'])], ['x'], ['y']);
    expect(fails(product, { x: wavy([100, 100]) }, { maxWork: 1e5 }).message).toContain('maxWork');
    const caller = functionOf('F', [nodeOf('test.F', ['a'], ['b'])]);
    expect(fails(withFunction(caller), { x: scalar(1) })).toMatchObject({ code: 'too-large' });
  });
});

const functionOf = (
  name: string,
  nodes: readonly Node[],
  more: Partial<ModelFunction> = {},
): ModelFunction => ({
  name,
  domain: 'test',
  inputs: ['a'],
  outputs: ['b'],
  attributes: [],
  defaults: {},
  nodes,
  opsets: new Map([
    ['', 21],
    ['test', 1],
  ]),
  values: new Map(),
  ...more,
});
const withFunction = (body: ModelFunction, attributes: Parameters<typeof nodeOf>[3] = {}): Model =>
  modelOf(graphOf([nodeOf(`test.${body.name}`, ['x'], ['y'], attributes)], ['x'], ['y']), {
    functions: [body],
    opsets: new Map([
      ['', 21],
      ['test', 1],
    ]),
  });

describe('functions of a model', () => {
  it('are inlined, with the attributes of the node that calls', () => {
    const reference: Attribute = { type: 'reference', to: 'slope', of: 1 };
    const leaky: Node = { ...nodeOf('LeakyRelu', ['a'], ['b']), attributes: { alpha: reference } };
    const value: Attribute = { type: 'float', value: 0.5 };
    const body = functionOf('Bend', [leaky], { defaults: { slope: value } });
    expect(numbers(run(withFunction(body), { x: scalar(-8) }), 'y')).toEqual([-4]);
    expect(numbers(run(withFunction(body, { slope: { float: 0.25 } }), { x: scalar(-8) }), 'y')).toEqual([
      -2,
    ]);
  });

  it('see nothing of what is around them', () => {
    const result = evaluate(
      withFunction(functionOf('F', [nodeOf('Neg', ['x'], ['b'])])),
      feeds({ x: scalar(1) }),
    );
    expect(result).toMatchObject({ error: { code: 'invalid' } });
  });
});

describe('graphs inside a graph', () => {
  const branch = (op: string) => graphOf([nodeOf(op, ['x'], ['r'])], [], ['r']);

  it('If runs one branch, which sees the values around it', () => {
    const node = nodeOf('If', ['c'], ['y'], { then_branch: branch('Neg'), else_branch: branch('Exp') });
    const graph = graphOf([node], ['c', 'x'], ['y']);
    expect(numbers(run(graph, { c: bool([], [1]), x: scalar(2) }), 'y')).toEqual([-2]);
    expect(numbers(run(graph, { c: bool([], [0]), x: scalar(0) }), 'y')).toEqual([1]);
  });

  const body = graphOf(
    [
      nodeOf('Add', ['v', 'x'], ['w']),
      nodeOf('Less', ['w', 'limit'], ['on']),
      nodeOf('Identity', ['w'], ['seen']),
    ],
    ['i', 'c', 'v'],
    ['on', 'w', 'seen'],
  );
  const looping = (count: string) =>
    graphOf(
      [nodeOf('Loop', [count, '', 'start'], ['last', 'all'], { body })],
      ['x', 'limit', 'start', 'm'],
      ['last', 'all'],
    );
  const inputs = { x: scalar(2), start: scalar(0), m: i64([], [3]) };

  it('Loop carries values on, stacks others, and ends by count or condition', () => {
    const counted = run(looping('m'), { ...inputs, limit: scalar(100) });
    expect([numbers(counted, 'last'), numbers(counted, 'all')]).toEqual([[6], [2, 4, 6]]);
    const stopped = run(looping(''), { ...inputs, limit: scalar(8) });
    expect(stopped.get('all')).toEqual(f32([4], [2, 4, 6, 8]));
  });

  it('Loop is bounded', () => {
    const endless = evaluate(looping(''), feeds({ ...inputs, limit: scalar(Number.POSITIVE_INFINITY) }), {
      maxIterations: 50,
    });
    expect(endless).toMatchObject({ error: { code: 'too-large', message: expect.stringContaining('50') } });
  });

  it('Loop without an iteration needs a declared type for what it stacks', () => {
    const none = { ...inputs, m: i64([], [0]), limit: scalar(1) };
    expect(evaluate(looping('m'), feeds(none))).toMatchObject({ error: { code: 'unsupported' } });
  });
});
