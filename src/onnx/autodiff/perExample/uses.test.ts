/** One use of weights at a time: what each operator adds to an example's gradient. */
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../../core/result.ts';
import { createGraphBuilder, type GraphBuilder } from '../../build/graphBuilder.ts';
import { float32Tensor } from '../../build/tensors.ts';
import { inferTypes } from '../../infer.ts';
import { float, int, ints, text } from '../../ir/attributes.ts';
import type { Model } from '../../ir/types.ts';
import { knownValues, sizeOf } from '../emitter.ts';
import { randomBy } from '../testDoubles.ts';
import { buildTrainingGraph } from '../trainingGraph.ts';
import { batchOf, bound, differences, gradientsBy, oneByOne, trainingOf } from './testDoubles.ts';

const batch = 4;
type Writer = {
  readonly b: GraphBuilder;
  /** float32 [batch, 3, 4]. */
  readonly x: string;
  /** int64 [batch, 5], of 0, 1 and 2. */
  readonly ids: string;
  readonly weight: (name: string, ...dims: readonly number[]) => string;
};
type Case = readonly [title: string, dims: readonly number[], write: (writer: Writer) => string];

const modelOf = (dims: readonly number[], write: (writer: Writer) => string): Model => {
  const b = createGraphBuilder({ name: 'one' });
  const x = b.input('x', 'float32', ['batch', 3, 4]);
  const ids = b.input('ids', 'int64', ['batch', 5]);
  const random = randomBy(11);
  const weight = (name: string, ...of: readonly number[]) =>
    b.initializer(
      name,
      float32Tensor(
        of,
        Float32Array.from({ length: sizeOf(of) }, () => random() + 0.5),
      ),
    );
  b.node('Identity', [write({ b, x, ids, weight })], {}, { outputs: ['y'] });
  b.output('y', 'float32', ['batch', ...dims]);
  return b.build();
};

const flat = ({ b, x }: Writer) => b.node('Reshape', [x, b.ints([-1, 4])]);
const image = ({ b, x }: Writer, ...dims: readonly number[]) => b.node('Reshape', [x, b.ints([0, ...dims])]);

const cases: readonly Case[] = [
  ['a matrix on the right', [3, 5], ({ b, x, weight }) => b.node('MatMul', [x, weight('w', 4, 5)])],
  [
    'a matrix of more columns than places',
    [3, 40],
    ({ b, x, weight }) => b.node('MatMul', [x, weight('w', 4, 40)]),
  ],
  ['a matrix on the left', [6, 4], ({ b, x, weight }) => b.node('MatMul', [weight('w', 6, 3), x])],
  ['a vector on the right', [3], ({ b, x, weight }) => b.node('MatMul', [x, weight('w', 4)])],
  ['a vector on the left', [4], ({ b, x, weight }) => b.node('MatMul', [weight('w', 3), x])],
  [
    'rows of all examples in one matrix',
    [3, 2],
    (w) => {
      const rows = w.b.node('Gemm', [flat(w), w.weight('w', 4, 2), w.weight('c', 2)], {
        alpha: float(0.5),
        beta: float(2),
      });
      return w.b.node('Reshape', [rows, w.b.ints([-1, 3, 2])]);
    },
  ],
  [
    'examples as columns',
    [6],
    (w) => {
      const columns = w.b.node('Transpose', [w.b.node('Reshape', [w.x, w.b.ints([-1, 12])])], {
        perm: ints(1, 0),
      });
      return w.b.node('Gemm', [columns, w.weight('w', 6, 12)], { transA: int(1), transB: int(1) });
    },
  ],
  [
    'examples as columns, behind a matrix',
    [6],
    (w) => {
      const columns = w.b.node('Transpose', [w.b.node('Reshape', [w.x, w.b.ints([-1, 12])])]);
      return w.b.node('Transpose', [w.b.node('MatMul', [w.weight('w', 6, 12), columns])]);
    },
  ],
  [
    'operands that are broadcast',
    [3, 4],
    ({ b, x, weight }) => {
      const product = b.node('Mul', [b.node('Sub', [x, weight('a', 4)]), weight('b', 3, 1)]);
      return b.node('Div', [b.node('Max', [product, weight('c', 1, 1, 4)]), weight('d')]);
    },
  ],
  [
    'operands of rows of all examples',
    [3, 4],
    (w) => {
      const scaled = w.b.node('LayerNormalization', [flat(w), w.weight('g', 4), w.weight('h', 4)], {
        axis: int(-1),
      });
      return w.b.node('Reshape', [w.b.node('Add', [scaled, w.weight('a', 1, 4)]), w.b.ints([-1, 3, 4])]);
    },
  ],
  [
    'a choice',
    [3, 4],
    ({ b, x, weight }) => b.node('Where', [b.node('Greater', [x, b.floats(0)]), x, weight('w', 4)]),
  ],
  [
    'views of a weight',
    [3, 2],
    ({ b, x, weight }) => {
      const rows = b.node('Slice', [weight('w', 5, 4), b.ints([1]), b.ints([3]), b.ints([0])]);
      const less = b.node('Sub', [b.floats(1), b.node('Transpose', [rows], { perm: ints(1, 0) })]);
      return b.node('MatMul', [x, less]);
    },
  ],
  [
    'a weight used twice',
    [3, 4],
    ({ b, x, weight }) => {
      const w = weight('w', 4, 4);
      return b.node('MatMul', [b.node('Tanh', [b.node('MatMul', [x, w])]), b.node('Transpose', [w])]);
    },
  ],
  [
    'a wide weight used twice, by few places',
    [12],
    (w) => {
      const matrix = w.weight('w', 12, 12);
      const rows = w.b.node('Reshape', [w.x, w.b.ints([-1, 12])]);
      return w.b.node('MatMul', [w.b.node('Tanh', [w.b.node('MatMul', [rows, matrix])]), matrix]);
    },
  ],
  [
    'a weight that is multiplied by as a matrix and by elements',
    [3, 4],
    ({ b, x, weight }) => {
      const w = weight('w', 3, 4);
      return b.node('Mul', [b.node('MatMul', [b.node('MatMul', [x, b.node('Transpose', [w])]), w]), w]);
    },
  ],
  [
    'embeddings, looked up twice and multiplied by',
    [5, 3],
    ({ b, ids, weight }) => {
      const table = weight('table', 3, 6);
      const last = b.node('Sub', [ids, b.ints([3])]);
      const both = b.node('Mul', [b.node('Gather', [table, ids]), b.node('Gather', [table, last])]);
      return b.node('MatMul', [both, b.node('Transpose', [table], { perm: ints(1, 0) })]);
    },
  ],
  [
    'a convolution in groups, with a stride, dilated, one pad',
    [4, 3],
    (w) =>
      w.b.node('Conv', [image(w, 2, 6), w.weight('w', 4, 1, 2), w.weight('c', 4)], {
        group: int(2),
        strides: ints(2),
        dilations: ints(2),
        pads: ints(0, 1),
      }),
  ],
  [
    'a convolution whose kernel is larger than what it sees',
    [30, 2, 2],
    (w) =>
      w.b.node('Conv', [image(w, 3, 2, 2), w.weight('w', 30, 3, 2, 2)], { auto_pad: text('SAME_LOWER') }),
  ],
];

describe('by example, the gradient of', () => {
  it.each(cases)('%s is that of every example run alone', (_title, dims, write) => {
    const build = () => modelOf(dims, write);
    const loss = { kind: 'mean-squared-error', output: 'y' } as const;
    const model = bound(build(), batch);
    const feeds = batchOf(trainingOf(model, { loss }).fed);
    const { norms } = oneByOne(build, loss, { clip: 1, batch, feeds });
    const clip = Math.fround((Math.min(...norms) + Math.max(...norms)) / 2);
    const expected = oneByOne(build, loss, { clip, batch, feeds });
    const found = gradientsBy(trainingOf(model, { loss, perExample: { clip } }), feeds);
    for (const [at, norm] of expected.norms.entries()) expect(found.norms[at]).toBeCloseTo(norm, 9);
    for (const [name, difference] of Object.entries(differences(found.gradients, expected.mean)))
      expect(difference, name).toBeLessThan(1e-9);
  });

  it.each<[string, string, (writer: Writer) => string]>([
    [
      'a mean over the batch',
      'ReduceMean /mean',
      ({ b, x, weight }) => {
        const mean = b.node('ReduceMean', [x, b.ints([0])], {}, { name: '/mean', outputs: ['mean'] });
        return b.node('Mul', [b.node('Sub', [x, mean]), weight('w', 4)]);
      },
    ],
    [
      'examples that are rolled',
      'Gather',
      ({ b, x, weight }) => b.node('Mul', [b.node('Gather', [x, b.ints([1, 2, 3, 0])]), weight('w', 4)]),
    ],
    [
      'products of examples',
      'MatMul',
      (w) => {
        const rows = w.b.node('Reshape', [w.x, w.b.ints([-1, 12])]);
        const similar = w.b.node('Softmax', [w.b.node('MatMul', [rows, w.b.node('Transpose', [rows])])]);
        return w.b.node('Mul', [w.b.node('MatMul', [similar, rows]), w.weight('w', 12)]);
      },
    ],
    [
      'a shape that takes examples apart',
      'Reshape',
      ({ b, x, weight }) => {
        const mixed = b.node('Reshape', [
          b.node('Transpose', [x], { perm: ints(1, 0, 2) }),
          b.ints([-1, 3, 4]),
        ]);
        return b.node('Mul', [mixed, weight('w', 4)]);
      },
    ],
    [
      'statistics of the batch',
      'BatchNormalization',
      (w) => {
        const one = w.b.floats(Float32Array.of(1, 1, 1), [3]);
        const [y = ''] = w.b.nodeOf(3, 'BatchNormalization', [w.x, w.weight('w', 3), one, one, one], {
          training_mode: int(1),
        });
        return y;
      },
    ],
    [
      'a weight that is changed first',
      'changed before it meets an example',
      ({ b, x, weight }) => b.node('MatMul', [x, b.node('Tanh', [weight('w', 4, 4)])]),
    ],
    [
      'a weight with a row for each example',
      'a part for each example',
      ({ b, x, weight }) => b.node('Mul', [x, weight('w', 4, 1, 1)]),
    ],
    [
      'an operator that has no formula',
      'Einsum',
      ({ b, x, weight }) => b.node('Einsum', [x, weight('w', 4, 4)], { equation: text('bij,jk->bik') }),
    ],
    [
      'embeddings that are added as well',
      "'table' is used several times",
      ({ b, ids, weight }) => {
        const table = weight('table', 5, 6);
        return b.node('Add', [b.node('Gather', [table, ids]), table]);
      },
    ],
  ])('is refused for %s', (_title, message, write) => {
    const dims = message.includes('table') ? [5, 6] : message === 'MatMul' ? [12] : [3, 4];
    const model = bound(modelOf(dims, write), batch);
    const made = buildTrainingGraph({
      graph: model.graph,
      known: knownValues(model.graph, unwrap(inferTypes(model))),
      loss: { kind: 'mean-squared-error', output: 'y' },
      trainable: [message.includes('table') ? 'table' : 'w'],
      optimizer: { kind: 'sgd' },
      perExample: { clip: 1 },
    });
    expect(made.ok ? '' : made.error.message).toContain(message);
  });
});
