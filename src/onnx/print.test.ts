import { describe, expect, it } from 'vitest';
import { unwrap } from '../core/result.ts';
import { createGraphBuilder } from './build/graphBuilder.ts';
import { buildMlp } from './build/mlp.ts';
import { float32Tensor } from './build/tensors.ts';
import { float, int, ints, text } from './ir/attributes.ts';
import type { Attribute, DataType, Graph, Model, Tensor, ValueType } from './ir/types.ts';
import { printModel, printType } from './print.ts';
import { node } from './testDoubles.ts';

const graph = (more: Partial<Graph>): Graph => ({
  name: 'g',
  nodes: [],
  inputs: [],
  outputs: [],
  initializers: new Map(),
  values: new Map(),
  ...more,
});
const model = (more: Partial<Graph>, rest: Partial<Model> = {}): Model => ({
  irVersion: 10,
  opsets: new Map([['', 21]]),
  graph: graph(more),
  functions: [],
  metadata: {},
  ...rest,
});
const f32 = (...shape: readonly (number | string | undefined)[]): ValueType => ({
  kind: 'tensor',
  dtype: 'float32',
  shape,
});
const bytes = (dtype: DataType, dims: readonly number[], ...data: readonly number[]): Tensor => ({
  dtype,
  dims,
  data: { kind: 'bytes', bytes: Uint8Array.from(data) },
});

describe('a printed model', () => {
  it('reads as a program', () => {
    const mlp = unwrap(
      buildMlp({ family: 'mlp', inputs: 4, hidden: [2], outputs: 3, activation: 'gelu' }, { kind: 'zeros' }),
    );
    const types = new Map([['/fc0/Gemm/output_0', f32('batch', 2)]]);
    expect(printModel(mlp, { types })).toMatchInlineSnapshot(`
      "onnx ir 10, opset ai.onnx 21
      producer "aivillage"
      graph mlp {
        input %input: f32[batch,4]
        initializer %fc0.weight: f32[2,4] 32 bytes = [0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0]
        initializer %fc0.bias: f32[2] 8 bytes = [0.0,0.0]
        initializer %fc1.weight: f32[3,2] 24 bytes = [0.0,0.0,0.0,0.0,0.0,0.0]
        initializer %fc1.bias: f32[3] 12 bytes = [0.0,0.0,0.0]
        %/fc0/Gemm/output_0: f32[batch,2] = Gemm(%input, %fc0.weight, %fc0.bias) {transB=1}
        %/fc0/Gelu/output_0 = Gelu(%/fc0/Gemm/output_0) {approximate="none"}
        %logits = Gemm(%/fc0/Gelu/output_0, %fc1.weight, %fc1.bias) {transB=1}
        output %logits: f32[batch,3]
      }
      "
    `);
    expect(printModel(mlp, { types })).toBe(printModel(mlp, { types }));
  });

  it('says where it comes from', () => {
    const printed = printModel(
      model(
        { name: '', doc: 'a\ngraph' },
        {
          opsets: new Map([
            ['', 21],
            ['com.microsoft', 1],
          ]),
          producer: 'pytorch',
          producerVersion: '2.4',
          domain: 'org.example',
          modelVersion: 2n ** 60n,
          doc: 'it "quotes"',
          metadata: { author: 'Ada', 'a key': 'x\u202ey' },
        },
      ),
    );
    expect(printed).toMatchInlineSnapshot(`
      "onnx ir 10, opset ai.onnx 21, com.microsoft 1
      producer "pytorch" "2.4"
      domain "org.example"
      version 1152921504606846976
      doc "it \\"quotes\\""
      metadata author = "Ada"
      metadata "a key" = "x\\u202ey"
      graph "" {
        doc "a\\ngraph"
      }
      "
    `);
  });

  it('shows every kind of attribute', () => {
    const attributes: Record<string, Attribute> = {
      strides: ints(2, 2),
      axis: int(-1),
      big: { type: 'int', value: 2n ** 62n },
      alpha: float(0.1),
      one: float(1),
      zero: { type: 'float', value: -0 },
      none: { type: 'float', value: Number.NaN },
      mode: text('linear "x"'),
      scales: { type: 'floats', value: [1, 0.5] },
      many: ints(...Array.from({ length: 1300 }, (_, i) => i)),
      labels: { type: 'strings', value: ['a', 'b'] },
      raw: { type: 'bytes', value: new Uint8Array(1234) },
      value: { type: 'tensor', value: bytes('int32', [2], 1, 0, 0, 0, 255, 255, 255, 255) },
      type: { type: 'type', value: { kind: 'sequence', element: f32('n', undefined) } },
      slope: { type: 'reference', to: 'alpha', of: 1 },
    };
    expect(
      printModel(model({ nodes: [node('Odd', ['', 'x'], ['y', ''], { attributes })] })),
    ).toMatchInlineSnapshot(`
      "onnx ir 10, opset ai.onnx 21
      graph g {
        %y, _ = Odd(_, %x) {strides=[2,2], axis=-1, big=4611686018427387904, alpha=0.1, one=1.0, zero=-0.0, none=NaN, mode="linear \\"x\\"", scales=[1.0,0.5], many=[0,1,2,3,4,5,6,7,… 1,292 more], labels=["a","b"], raw=1,234 bytes, value=i32[2] 8 bytes = [1,-1], type=sequence(f32[n,?]), slope=@alpha}
      }
      "
    `);
  });

  it('indents subgraphs, and functions stand by themselves', () => {
    const branch = (name: string, op: string): Attribute => ({
      type: 'graph',
      value: graph({ name, nodes: [node(op, ['x'], ['r'])], outputs: [{ name: 'r', type: f32(2) }] }),
    });
    const printed = printModel(
      model(
        {
          inputs: [{ name: 'c', type: { kind: 'tensor', dtype: 'bool', shape: [] } }],
          nodes: [
            node('If', ['c'], ['y'], {
              attributes: { then_branch: branch('then', 'Relu'), else_branch: branch('else', 'Neg') },
            }),
            node('Twice', ['y'], ['z'], { domain: 'local', name: '/twice' }),
          ],
        },
        {
          functions: [
            {
              name: 'Twice',
              domain: 'local',
              inputs: ['a'],
              outputs: ['b'],
              attributes: ['axis'],
              defaults: { by: float(2) },
              nodes: [node('Add', ['a', 'a'], ['b'])],
              opsets: new Map([['', 21]]),
              values: new Map(),
            },
          ],
        },
      ),
      { nodeNames: true },
    );
    expect(printed).toMatchInlineSnapshot(`
      "onnx ir 10, opset ai.onnx 21
      graph g {
        input %c: bool[]
        %y = If(%c)
          then_branch: graph then {
            %r = Relu(%x)
            output %r: f32[2]
          }
          else_branch: graph else {
            %r = Neg(%x)
            output %r: f32[2]
          }
        %z = local.Twice(%y) @/twice
      }
      function local.Twice(%a) {axis, by=2.0} -> (%b), opset ai.onnx 21 {
        %b = Add(%a, %a)
      }
      "
    `);
  });

  it('shows small tensors whole, and says what it knows of others', () => {
    const tensors: Record<string, Tensor> = {
      single: float32Tensor([3], Float32Array.of(0.1, 1, Number.POSITIVE_INFINITY)),
      scalar: float32Tensor([], Float32Array.of(-0)),
      large: float32Tensor([3, 3], new Float32Array(9)),
      packed: bytes('int4', [3], 0xf1, 0x08),
      flags: bytes('bool', [2], 1, 0),
      empty: bytes('int64', [0]),
      brain: bytes('bfloat16', [1], 0x80, 0x3f),
      short: bytes('float32', [2], 1, 2, 3),
      words: {
        dtype: 'string',
        dims: [1],
        data: { kind: 'strings', strings: [new TextEncoder().encode('hi')] },
      },
      beside: {
        dtype: 'float16',
        dims: [4096, 4096],
        data: { kind: 'external', location: 'w.bin', offset: 4096, length: 33554432 },
      },
    };
    expect(printModel(model({ initializers: new Map(Object.entries(tensors)) }))).toMatchInlineSnapshot(`
      "onnx ir 10, opset ai.onnx 21
      graph g {
        initializer %single: f32[3] 12 bytes = [0.1,1.0,Infinity]
        initializer %scalar: f32[] 4 bytes = -0.0
        initializer %large: f32[3,3] 36 bytes
        initializer %packed: i4[3] 2 bytes = [1,-1,-8]
        initializer %flags: bool[2] 2 bytes = [true,false]
        initializer %empty: i64[0] 0 bytes = []
        initializer %brain: bf16[1] 2 bytes
        initializer %short: f32[2] 3 bytes, not the 8 of its shape
        initializer %words: string[1] = ["hi"]
        initializer %beside: f16[4096,4096] 33,554,432 bytes of "w.bin" from 4,096
      }
      "
    `);
  });

  it('says how much it leaves out', () => {
    const nodes = Array.from({ length: 1000 }, (_, i) => node('Relu', [`v${i}`], [`v${i + 1}`]));
    const initializers = new Map(['a', 'b', 'c'].map((name) => [name, bytes('int8', [1], 1)]));
    const printed = printModel(model({ nodes, initializers, doc: 'x'.repeat(1300) }), {
      maxNodes: 1,
      maxInitializers: 1,
      maxText: 3,
    });
    expect(printed).toMatchInlineSnapshot(`
      "onnx ir 10, opset ai.onnx 21
      graph g {
        doc "xxx" and 1,297 more characters
        initializer %a: i8[1] 1 bytes = [1]
        … and 2 more initializers
        %v1 = Relu(%v0)
        … and 999 more nodes
      }
      "
    `);
  });

  it('quotes names that would look like something else', () => {
    const b = createGraphBuilder({ name: 'two words' });
    const x = b.input('a = Relu(%b)\n', 'float32', ['a b']);
    b.output(b.node('Relu', [x], {}, { outputs: ['\u202eevil'] }), 'float32', []);
    expect(printModel(b.build())).toMatchInlineSnapshot(`
      "onnx ir 10, opset ai.onnx 21
      producer "aivillage"
      graph "two words" {
        input %"a = Relu(%b)\\n": f32["a b"]
        %"\\u202eevil" = Relu(%"a = Relu(%b)\\n")
        output %"\\u202eevil": f32[]
      }
      "
    `);
  });

  it('stops at a depth that nobody means', () => {
    let inner = graph({ nodes: [node('Relu', ['x'], ['y'])] });
    for (let i = 0; i < 10_000; i++)
      inner = graph({
        nodes: [node('If', ['c'], ['y'], { attributes: { then_branch: { type: 'graph', value: inner } } })],
      });
    expect(printModel(model(inner))).toContain('… deeper than 16 levels');
    let type: ValueType = f32();
    for (let i = 0; i < 10_000; i++) type = { kind: 'optional', element: type };
    expect(printType(type)).toContain('(…)');
  });
});

describe('a printed type', () => {
  it.each<[ValueType, string]>([
    [f32('batch', 128), 'f32[batch,128]'],
    [f32(), 'f32[]'],
    [{ kind: 'tensor', dtype: 'bfloat16', shape: undefined }, 'bf16'],
    [{ kind: 'sparse-tensor', dtype: 'float8e4m3fn', shape: [undefined, 2] }, 'sparse f8e4m3fn[?,2]'],
    [{ kind: 'map', key: 'string', value: f32(1) }, 'map(string, f32[1])'],
    [{ kind: 'tensor', dtype: 'uint4', shape: [1] }, 'u4[1]'],
    [{ kind: 'unknown' }, '?'],
  ])('%#', (type, printed) => {
    expect(printType(type)).toBe(printed);
  });
});
