import { describe, expect, it } from 'vitest';
import { inferModel, showType } from '../infer.ts';
import type { Attribute, Tensor } from '../ir/types.ts';
import { lookUp, operators } from './registry.ts';
import { arityOf } from './schema.ts';
import { floats, graph, int, int64, int64s, ints, model, node, text, value } from './testModels.ts';

/** What comes out of one node, or why it doesn't fit. An input is a type, or a constant. */
const run = (
  op: string,
  inputs: readonly (string | Tensor)[],
  attributes: Readonly<Record<string, Attribute>> = {},
  { opset = 21, outputs = 1, domain = '' } = {},
): string => {
  const names = inputs.map((input, i) => (input === '' ? '' : `in${i}`));
  const outs = Array.from({ length: outputs }, (_, i) => `out${i}`);
  const main = graph({
    inputs: inputs.flatMap((input, i) =>
      typeof input === 'string' && input !== '' ? [value(`in${i}`, input)] : [],
    ),
    initializers: Object.fromEntries(
      inputs.flatMap((input, i) => (typeof input === 'string' ? [] : [[`in${i}`, input]])),
    ),
    nodes: [node(op, names, outs, attributes, domain)],
  });
  const { types, faults } = inferModel(model(main, { opset, imports: ['com.microsoft'] }));
  if (faults[0] !== undefined) return faults[0].message;
  return outs.map((name) => showType(types.get(name) ?? { kind: 'unknown' })).join(' ');
};

type Case = readonly [
  op: string,
  inputs: readonly (string | Tensor)[],
  attributes: Readonly<Record<string, Attribute>>,
  wanted: string,
  options?: { readonly opset?: number; readonly outputs?: number; readonly domain?: string },
];
const check = (cases: readonly Case[]) =>
  it.each(cases.map((one) => [one[0], one[3], one] as const))('%s: %s', (_op, wanted, one) => {
    expect(run(one[0], one[1], one[2], one[4])).toBe(wanted);
  });

const x = 'float32[n,3,8,8]';
const ms = { domain: 'com.microsoft' };

describe('element by element', () => {
  check([
    ['Relu', ['float32[n,4]'], {}, 'float32[n, 4]'],
    ['Add', ['float32[n,1]', 'float32[4]'], {}, 'float32[n, 4]'],
    ['Greater', ['int64[4]', 'int64[]'], {}, 'bool[4]'],
    ['Where', ['bool[n,1]', 'float16[1,m]', 'float16'], {}, 'float16[…]'],
    ['Cast', ['float32[2]'], { to: int(7) }, 'int64[2]'],
    ['Pow', ['float32[2]', 'int64[]'], {}, 'float32[2]'],
    ['Clip', [x, 'float32[]', ''], {}, 'float32[n, 3, 8, 8]'],
  ]);
  it('refuses types and shapes that do not fit, by name', () => {
    expect(run('Add', ['float32[2]', 'int64[2]'])).toMatch(/Add .*in1.* is int64, .* float32/);
    expect(run('Add', ['float32[2]', 'float32[3]'])).toMatch(/\[2\] and \[3\] do not broadcast/);
    expect(run('Sqrt', ['int32[2]'])).toMatch(/is int32, it takes float16/);
    expect(run('Cast', ['float32[2]'], { to: int(99) })).toMatch(/99 is the number of no element type/);
  });
});

describe('reductions', () => {
  const axes = { axes: ints(-1) };
  check([
    ['ReduceMean', [x], axes, 'float32[n, 3, 8, 1]', { opset: 17 }],
    ['ReduceMean', [x, int64s(1, 2)], { keepdims: int(0) }, 'float32[n, 8]', { opset: 18 }],
    ['ReduceMean', [x], {}, 'float32[1, 1, 1, 1]'],
    ['ReduceSum', [x], { noop_with_empty_axes: int(1) }, 'float32[n, 3, 8, 8]'],
    ['ReduceMean', [x, 'int64[1]'], {}, 'float32[?, ?, ?, ?]'],
    ['ArgMax', [x], { axis: int(1), keepdims: int(0) }, 'int64[n, 8, 8]'],
    ['TopK', ['float32[n,9]', int64s(3)], {}, 'float32[n, 3] int64[n, 3]', { outputs: 2 }],
    ['TopK', ['float32[n,9]'], { k: int(3) }, 'float32[n, 3] int64[n, 3]', { outputs: 2, opset: 9 }],
    ['Softmax', [x], {}, 'float32[n, 3, 8, 8]'],
    ['GlobalAveragePool', [x], {}, 'float32[n, 3, 1, 1]'],
  ]);
  it('refuses an axis that is not there', () => {
    expect(run('Softmax', ['float32[2]'], { axis: int(1) })).toMatch(/axis 1 is not among -1 to 0/);
  });
});

describe('moving elements', () => {
  check([
    ['Reshape', ['float32[b,s,576]', int64s(0, 0, 9, -1)], {}, 'float32[b, s, 9, 64]'],
    ['Squeeze', ['float32[1,n,1]'], { axes: ints(0) }, 'float32[n, 1]', { opset: 12 }],
    ['Squeeze', ['float32[1,n,1]', int64s(-1)], {}, 'float32[1, n]'],
    ['Unsqueeze', ['float32[n]', int64s(0, -1)], {}, 'float32[1, n, 1]'],
    ['Unsqueeze', ['float32[n]'], { axes: ints(1) }, 'float32[n, 1]', { opset: 11 }],
    ['Transpose', ['float32[a,b,c]'], {}, 'float32[c, b, a]'],
    ['Transpose', ['float32[a,b,c]'], { perm: ints(0, 2, 1) }, 'float32[a, c, b]'],
    ['Concat', ['float32[p,4]', 'float32[s,4]'], { axis: int(0) }, 'float32[p+s, 4]'],
    [
      'Split',
      ['float32[n,6]', int64s(2, 4)],
      { axis: int(1) },
      'float32[n, 2] float32[n, 4]',
      { outputs: 2 },
    ],
    ['Split', ['float32[5]'], { num_outputs: int(2) }, 'float32[3] float32[2]', { outputs: 2 }],
    ['Split', ['float32[6]'], { split: ints(2, 4) }, 'float32[2] float32[4]', { outputs: 2, opset: 11 }],
    ['Slice', ['float32[9,n]', int64s(2), int64s(8), int64s(0), int64s(2)], {}, 'float32[3, n]'],
    ['Slice', ['float32[9]'], { starts: ints(1), ends: ints(-1) }, 'float32[7]', { opset: 9 }],
    ['Expand', ['float32[1,4]', int64s(2, 3, 1)], {}, 'float32[2, 3, 4]'],
    ['Tile', ['float32[n,2]', int64s(2, 3)], {}, 'float32[2*n, 6]'],
    ['Pad', ['float32[n,2]', int64s(0, 1, 0, 2)], {}, 'float32[n, 5]'],
    ['Pad', ['float32[n,2]', int64s(1, 2), '', int64s(1)], {}, 'float32[n, 5]'],
    ['Pad', ['float32[4]'], { pads: ints(1, 1) }, 'float32[6]', { opset: 10 }],
    ['Resize', [x, '', floats([4], [1, 1, 2, 2.5])], {}, 'float32[n, 3, 16, 20]'],
    ['Resize', [x, '', '', int64s(4, 5)], { axes: ints(2, 3) }, 'float32[n, 3, 4, 5]'],
    ['Flatten', ['float32[a,b,4]'], {}, 'float32[a, 4*b]'],
    ['Shape', ['float32[a,2]'], {}, 'int64[2]'],
    ['DepthToSpace', ['float32[n,8,4,4]'], { blocksize: int(2) }, 'float32[n, 2, 8, 8]'],
  ]);
  it('refuses targets that do not have the elements', () => {
    expect(run('Reshape', ['float32[2,3]', int64s(4, -1)])).toMatch(/6 elements, .*\[4, -1\]/);
    expect(run('Concat', ['float32[2]', 'float32[2,2]'], { axis: int(0) })).toMatch(/dimensions/);
    expect(run('Squeeze', ['float32[2]', int64s(0)])).toMatch(/is 2, not 1/);
    expect(run('Transpose', ['float32[2,3]'], { perm: ints(0, 0) })).toMatch(/twice/);
  });
});

describe('products and windows', () => {
  check([
    ['MatMul', ['float32[b,s,4]', 'float32[4,k]'], {}, 'float32[b, s, k]'],
    ['MatMul', ['float32[4]', 'float32[4]'], {}, 'float32[]'],
    ['Gemm', ['float32[n,4]', 'float32[8,4]', 'float32[8]'], { transB: int(1) }, 'float32[n, 8]'],
    [
      'Einsum',
      ['float32[b,h,q,d]', 'float32[b,h,k,d]'],
      { equation: text('bhqd,bhkd->bhqk') },
      'float32[b, h, q, k]',
    ],
    ['Einsum', ['float32[b,2,3]', 'float32[3,4]'], { equation: text('...ij,jk->...ik') }, 'float32[b, 2, 4]'],
    [
      'Conv',
      [x, 'float32[16,3,3,3]'],
      { pads: ints(1, 1, 1, 1), strides: ints(2, 2) },
      'float32[n, 16, 4, 4]',
    ],
    ['Conv', ['float32[n,3,h,w]', 'float32[16,3,1,1]'], {}, 'float32[n, 16, h, w]'],
    ['Conv', ['float32[n,3,h,w]', 'float32[16,3,3,3]'], {}, 'float32[n, 16, h-2, w-2]'],
    ['Conv', [x, 'float32[6,1,3,3]'], { group: int(3), auto_pad: text('SAME_UPPER') }, 'float32[n, 6, 8, 8]'],
    ['ConvTranspose', [x, 'float32[3,5,2,2]'], { strides: ints(2, 2) }, 'float32[n, 5, 16, 16]'],
    [
      'MaxPool',
      ['float32[1,1,5,5]'],
      { kernel_shape: ints(2, 2), strides: ints(2, 2), ceil_mode: int(1) },
      'float32[1, 1, 3, 3]',
    ],
    [
      'LSTM',
      ['float32[s,b,4]', 'float32[2,32,4]', 'float32[2,32,8]'],
      { hidden_size: int(8), direction: text('bidirectional') },
      'float32[s, 2, b, 8] float32[2, b, 8] float32[2, b, 8]',
      { outputs: 3 },
    ],
  ]);
  it('refuses factors and channels that do not meet', () => {
    expect(run('MatMul', ['float32[2,3]', 'float32[4,5]'])).toMatch(/3 and 4 are not the same/);
    expect(run('Conv', [x, 'float32[16,4,3,3]'])).toMatch(/3 and 4/);
    expect(run('Conv', ['float32[1,3,2,2]', 'float32[1,3,5,5]'])).toMatch(/larger than the padded input/);
  });
});

describe('lookups, norms, constants', () => {
  check([
    ['Gather', ['float32[9,4]', 'int64[b,s]'], {}, 'float32[b, s, 4]'],
    ['GatherND', ['float32[2,3,4]', 'int64[5,2]'], {}, 'float32[5, 4]'],
    ['ScatterND', ['float32[4,5]', 'int64[2,1]', 'float32[2,5]'], {}, 'float32[4, 5]'],
    ['OneHot', ['int64[b]', int64(10), 'float32[2]'], {}, 'float32[b, 10]'],
    [
      'LayerNormalization',
      ['float32[b,s,8]', 'float32[8]'],
      {},
      'float32[b, s, 8] float32[b, s, 1]',
      { outputs: 2 },
    ],
    [
      'BatchNormalization',
      [x, 'float32[3]', 'float32[3]', 'float32[3]', 'float32[3]'],
      {},
      'float32[n, 3, 8, 8]',
    ],
    ['Dropout', ['float32[4]'], {}, 'float32[4] bool[4]', { outputs: 2 }],
    ['ConstantOfShape', [int64s(2, 3)], {}, 'float32[2, 3]'],
    ['Range', [int64(2), int64(9), int64(3)], {}, 'int64[3]'],
    ['SoftmaxCrossEntropyLoss', ['float32[n,10]', 'int64[n]'], {}, 'float32[]'],
    ['STFT', ['float32[1,512,1]', int64(128), 'float32[256]'], {}, 'float32[1, 3, 129, 2]'],
  ]);
  it('refuses an index beyond its axis', () => {
    expect(run('Gather', ['float32[4]', int64s(4)])).toMatch(/index 4 is not among the 4/);
  });
});

describe('quantised and fused', () => {
  const norm = ['float32[b,s,8]', 'float32[b,s,8]', 'float32[8]'];
  const heads = { num_heads: int(9), kv_num_heads: int(3) };
  const past = 'float32[b,3,p,64]';
  const int8 = 'int8[4,8]';
  check([
    ['QuantizeLinear', ['float32[n,4]', 'float32[]', 'int8[]'], {}, 'int8[n, 4]'],
    ['DequantizeLinear', [int8, 'float16[8]'], {}, 'float16[4, 8]'],
    ['DynamicQuantizeLinear', ['float32[n]'], {}, 'uint8[n] float32[] uint8[]', { outputs: 3 }],
    ['MatMulInteger', ['uint8[n,4]', int8], {}, 'int32[n, 8]'],
    [
      'MatMulNBits',
      ['float32[b,s,64]', 'uint8[128,2,16]', 'float32[256]'],
      { K: int(64), N: int(128), bits: int(4), block_size: int(32) },
      'float32[b, s, 128]',
      ms,
    ],
    [
      'GroupQueryAttention',
      ['float32[b,s,576]', 'float32[b,s,192]', 'float32[b,s,192]', past, past, 'int32[b]', 'int32[]'],
      heads,
      'float32[b, s, 576] float32[b, 3, ?, 64] float32[b, 3, ?, 64]',
      { ...ms, outputs: 3 },
    ],
    [
      'GroupQueryAttention',
      ['float32[b,s,960]', '', '', past, past, 'int32[b]', 'int32[]'],
      heads,
      'float32[b, s, 576]',
      ms,
    ],
    [
      'SkipSimplifiedLayerNormalization',
      norm,
      {},
      'float32[b, s, 8] float32[b, s, 1] float32[b, s, 1] float32[b, s, 8]',
      { ...ms, outputs: 4 },
    ],
    ['SimplifiedLayerNormalization', ['float32[b,s,8]', 'float32[8]'], {}, 'float32[b, s, 8]'],
    ['DynamicQuantizeMatMul', ['float32[n,4]', int8, 'float32[8]'], {}, 'float32[n, 8]', ms],
    ['FusedMatMul', ['float32[b,4,n]', 'float32[b,4,m]'], { transA: int(1) }, 'float32[b, n, m]', ms],
    ['GatherBlockQuantized', ['uint4[99,64]', 'int64[b,s]', 'float32[99,2]'], {}, 'float32[b, s, 64]', ms],
    [
      'Attention',
      ['float32[b,4,s,8]', 'float32[b,2,t,8]', 'float32[b,2,t,8]'],
      {},
      'float32[b, 4, s, 8]',
      { opset: 23 },
    ],
    [
      'MultiHeadAttention',
      ['float32[b,s,64]', 'float32[b,t,64]', 'float32[b,t,64]'],
      { num_heads: int(4) },
      'float32[b, s, 64]',
      ms,
    ],
  ]);
  it('refuses weights that are not as N, K and the blocks say', () => {
    const attributes = { K: int(64), N: int(128), bits: int(4), block_size: int(32) };
    const wrong = ['float32[2,64]', 'uint8[128,3,16]', 'float32[256]'];
    expect(run('MatMulNBits', wrong, attributes, ms)).toMatch(/dimension 1 of the weight .*3 and 2/);
  });
});

describe('the tables', () => {
  it('find the form of an opset', () => {
    expect(lookUp('', 'Slice', 9)).toMatchObject({ kind: 'found', version: { since: [1] } });
    expect(lookUp('ai.onnx', 'Slice', 13)).toMatchObject({ kind: 'found', version: { since: [10, 11, 13] } });
    expect(lookUp('', 'Gelu', 19)).toEqual({ kind: 'later', since: 20 });
    expect(lookUp('', 'Gleu', 19)).toEqual({ kind: 'unknown' });
    expect(lookUp('', 'toString', 19)).toEqual({ kind: 'unknown' });
    expect(lookUp('', 'Novelty', 99)).toEqual({ kind: 'too-new' });
    expect(lookUp('com.microsoft', 'Novelty', 1)).toEqual({ kind: 'open' });
    expect(lookUp('org.example', 'Novelty', 1)).toEqual({ kind: 'open' });
  });

  it('have forms in rising order, with something to give', () => {
    for (const table of Object.values(operators))
      for (const [op, versions] of Object.entries(table)) {
        const since = versions.flatMap((version) => version.since);
        expect([op, since]).toEqual([op, [...new Set(since)].sort((a, b) => a - b)]);
        for (const version of versions) expect(arityOf(version.outputs)[1]).toBeGreaterThan(0);
      }
  });
});
