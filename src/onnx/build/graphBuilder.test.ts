import { describe, expect, it } from 'vitest';
import { int } from '../ir/attributes.ts';
import { createGraphBuilder } from './graphBuilder.ts';
import { float32Tensor } from './tensors.ts';
import { brokenRules } from './testSupport.ts';

const create = () => {
  const b = createGraphBuilder({ name: 'g' });
  return { b, x: b.input('x', 'float32', [2]) };
};

describe('a graph that is built', () => {
  it('is in order, with every value defined once', () => {
    const { b, x } = create();
    const w = b.initializer('w', float32Tensor([2], Float32Array.of(1, 2)));
    b.output(b.node('Add', [b.node('Mul', [x, w]), b.floats(1)]), 'float32', [2]);
    const model = b.build();
    expect(brokenRules(model)).toEqual([]);
    expect(model.opsets).toEqual(new Map([['', 21]]));
    expect(model.irVersion).toBe(10);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(['/Add/output_0']);
  });

  it('numbers what would have the same name, within its scope', () => {
    const { b, x } = create();
    const layer = b.scope('model').scope('layers.0');
    expect([layer.node('Relu', [x]), layer.node('Relu', [x]), b.node('Relu', [x])]).toEqual([
      '/model/layers.0/Relu/output_0',
      '/model/layers.0/Relu_1/output_0',
      '/Relu/output_0',
    ]);
  });

  it('steps over a number that somebody chose as a name', () => {
    const { b, x } = create();
    b.node('Relu', [x], {}, { name: 'Relu_1' });
    b.node('Relu', [x]);
    expect(b.node('Relu', [x])).toBe('/Relu_2/output_0');
  });

  it('gives several outputs, and lets some be left out', () => {
    const { b, x } = create();
    expect(b.nodeOf(2, 'Split', [x], { num_outputs: int(2) })).toEqual([
      '/Split/output_0',
      '/Split/output_1',
    ]);
    expect(b.nodeOf(2, 'Split', [x], { num_outputs: int(2) }, { outputs: ['', 'half'] })).toEqual([
      '',
      'half',
    ]);
  });

  it('has each constant once, wherever it is asked for', () => {
    const { b } = create();
    const long = Float32Array.from({ length: 64 }, (_, i) => i);
    const names = [
      b.ints([0, -1]),
      b.scope('a').ints([0, -1]),
      b.ints(1),
      b.ints([1]),
      b.floats(0.5),
      b.floats(0),
      b.floats(-0),
      b.floats(long, [8, 8]),
      b.scope('b').floats(long.slice(), [8, 8]),
      b.floats(long, [64]),
    ];
    expect(names).toEqual([
      '/model/constants/INT64/[0, -1]',
      '/model/constants/INT64/[0, -1]',
      '/model/constants/INT64/1',
      '/model/constants/INT64/[1]',
      '/model/constants/FLOAT/0.5',
      '/model/constants/FLOAT/0',
      '/model/constants/FLOAT/-0',
      '/model/constants/FLOAT/[8x8]#6',
      '/model/constants/FLOAT/[8x8]#6',
      '/model/constants/FLOAT/[64]#7',
    ]);
    expect(b.build().graph.initializers.size).toBe(8);
  });

  it('does not change any more once it is built', () => {
    const { b, x } = create();
    const before = b.build();
    b.node('Relu', [x]);
    expect(before.graph.nodes).toEqual([]);
    expect(b.build().graph.nodes).toHaveLength(1);
  });

  it.each<[string, (b: ReturnType<typeof create>['b']) => unknown]>([
    ['x is defined twice', (b) => b.input('x', 'float32', [])],
    ['uses y, which is not defined', (b) => b.node('Relu', ['y'])],
    ['output y is not defined', (b) => b.output('y', 'float32', [])],
    ['no opset of com.microsoft', (b) => b.node('Gelu', ['x'], {}, { domain: 'com.microsoft' })],
    ['two nodes are named /a', (b) => [1, 2].map(() => b.node('Relu', ['x'], {}, { name: 'a' }))],
    ['opset 3', () => createGraphBuilder({ name: 'g', opset: 3 })],
  ])('takes a mistake of the code for a bug: %s', (message, mistake) => {
    expect(() => mistake(create().b)).toThrow(message);
  });
});
