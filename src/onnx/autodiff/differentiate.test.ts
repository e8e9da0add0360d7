import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { int } from '../ir/attributes.ts';
import type { Graph, Tensor, Value } from '../ir/types.ts';
import { evaluate } from '../reference/evaluate.ts';
import type { NdArray, RealArray } from '../reference/ndArray.ts';
import { node } from '../testDoubles.ts';
import { differentiate } from './differentiate.ts';
import { type Known, sizeOf } from './emitter.ts';
import { type Case, cases } from './testCases.ts';
import { drawn, float32, int64, randomBy, toValue, uint8, valuesOf } from './testDoubles.ts';

const placesOf = ({ constants, frozen, bytes }: Case): readonly number[] =>
  Object.keys({ ...constants, ...frozen, ...bytes }).map(Number);

const opsetsOf = ({ opset = 21 }: Case) => new Map([['', opset]]);

/** y = op(x0, x1, …), and the loss is a sum of all of y that weighs each element otherwise. */
const lossOf = (one: Case) => {
  const random = randomBy(7);
  const feeds = new Map<string, NdArray>();
  const initializers = new Map<string, Tensor>();
  const inputs: Value[] = [];
  const names = Array.from(
    { length: Math.max(one.inputs.length, ...placesOf(one).map((at) => at + 1)) },
    (_, at) => {
      const name = `x${at}`;
      const dims = one.inputs[at];
      const constant = one.constants?.[at];
      const condition = one.conditions?.[at];
      const [frozen, bytes] = [one.frozen?.[at], one.bytes?.[at]];
      if (constant) initializers.set(name, int64(constant));
      else if (frozen)
        initializers.set(name, float32({ ...frozen, values: Float64Array.from(frozen.values) }));
      else if (bytes) initializers.set(name, uint8(bytes));
      else if (condition) {
        inputs.push(toValue(name, 'bool', condition));
        feeds.set(name, {
          dtype: 'bool',
          dims: condition,
          values: Float64Array.from({ length: sizeOf(condition) }, (_, i) => i % 2),
        });
      } else if (dims) {
        inputs.push(toValue(name, 'float32', dims));
        feeds.set(name, drawn(dims, random, one.range));
      } else return '';
      return name;
    },
  );
  const used = one.used ?? Array.from({ length: one.outputs ?? 1 }, (_, at) => at);
  const outputs = used.map((at) => `y${at}`);
  const all = Array.from({ length: Math.max(...used) + 1 }, (_, at) => (used.includes(at) ? `y${at}` : ''));
  const operator = node(one.op, names, all, {
    domain: one.domain ?? '',
    attributes: one.attributes ?? {},
  });
  const found = unwrap(
    evaluate(
      { name: 'one', nodes: [operator], inputs, outputs: [], initializers, values: new Map() },
      feeds,
      { outputs, opsets: opsetsOf(one) },
    ),
  );
  const known = new Map<string, Known>();
  for (const [name, { dtype, dims }] of [...feeds, ...initializers, ...found])
    known.set(name, { dtype, dims });
  const nodes = [operator];
  const parts = outputs.map((output) => {
    const dims = known.get(output)?.dims ?? [];
    inputs.push(toValue(`${output}.weights`, 'float32', dims));
    feeds.set(`${output}.weights`, drawn(dims, random, [-1, 1]));
    nodes.push(node('Mul', [output, `${output}.weights`], [`${output}.weighed`]));
    nodes.push(
      node('ReduceSum', [`${output}.weighed`], [`${output}.sum`], { attributes: { keepdims: int(0) } }),
    );
    for (const [name, at] of [
      [`${output}.weights`, dims],
      [`${output}.weighed`, dims],
      [`${output}.sum`, []],
    ] as const)
      known.set(name, { dtype: 'float32', dims: at });
    return `${output}.sum`;
  });
  const loss = parts.reduce((sum, part, at) => {
    if (at === 0) return part;
    nodes.push(node('Add', [sum, part], [`loss${at}`]));
    known.set(`loss${at}`, { dtype: 'float32', dims: [] });
    return `loss${at}`;
  }, '');
  const graph: Graph = {
    name: 'case',
    nodes,
    inputs,
    outputs: [toValue(loss, 'float32', [])],
    initializers,
    values: new Map(),
  };
  const wrt = names.filter((name, at) => one.inputs[at] !== undefined && name !== '');
  return { graph, feeds, known, loss, wrt };
};

/** Central differences in float64: their own error is about 1e-9 here. */
const step = 1e-5;
const differenceOf = (
  graph: Graph,
  feeds: ReadonlyMap<string, NdArray>,
  name: string,
  opsets: ReadonlyMap<string, number>,
): readonly number[] => {
  const array = feeds.get(name) as RealArray;
  const lossAt = (index: number, by: number) => {
    const values = Float64Array.from(array.values);
    values[index] = (values[index] ?? 0) + by;
    const result = unwrap(evaluate(graph, new Map([...feeds, [name, { ...array, values }]]), { opsets }));
    return valuesOf([...result.values()][0])[0] ?? Number.NaN;
  };
  return Array.from(array.values, (_, index) => (lossAt(index, step) - lossAt(index, -step)) / (2 * step));
};

describe('the gradient of', () => {
  it.each(cases.map((one) => [one.title, one] as const))(
    '%s is what finite differences say',
    (_title, one) => {
      const { graph, feeds, known, loss, wrt } = lossOf(one);
      const backward = unwrap(differentiate(graph, { loss, wrt, known }));
      const names = wrt.map((name) => backward.gradients.get(name) ?? '');
      const found = unwrap(evaluate(backward.graph, feeds, { outputs: names, opsets: opsetsOf(one) }));
      for (const [at, name] of wrt.entries()) {
        const gradient = found.get(names[at] ?? '');
        expect(gradient?.dims).toEqual(known.get(name)?.dims);
        const expected = differenceOf(graph, feeds, name, opsetsOf(one));
        for (const [index, value] of valuesOf(gradient).entries())
          expect(Math.abs(value - (expected[index] ?? Number.NaN)), `${name}[${index}]`).toBeLessThan(
            1e-6 * Math.max(1, Math.abs(value)),
          );
      }
    },
  );
});
