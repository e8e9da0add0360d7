/** Against another codec: the protobuf classes that onnxruntime-web ships (made by protobufjs, of an older onnx.proto). */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compileFunction } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { decodeModel } from './decode.ts';
import { encodeModel, joinChunks } from './encode.ts';
import { referenceModel } from './testVectors.ts';

type Oracle = {
  readonly decode: (bytes: Uint8Array) => object;
  readonly encode: (message: object) => { finish(): Uint8Array };
  readonly fromObject: (plain: object) => object;
  readonly toObject: (message: object, options: object) => object;
};

const loadOracle = (): Oracle => {
  const path = `${process.cwd()}/node_modules/onnxruntime-web/lib/onnxjs/ort-schema/protobuf/onnx.js`;
  const module = { exports: {} as { onnx: { ModelProto: Oracle } } };
  compileFunction(readFileSync(path, 'utf8'), ['require', 'module', 'exports'])(
    createRequire(path),
    module,
    module.exports,
  );
  return module.exports.onnx.ModelProto;
};

const oracle = loadOracle();
const plain = (bytes: Uint8Array) => oracle.toObject(oracle.decode(bytes), { longs: String, bytes: String });
const again = (bytes: Uint8Array) => joinChunks(unwrap(encodeModel(unwrap(decodeModel(bytes)))));

const name = fc.string({ maxLength: 8 });
const int64 = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n).map(String);
const float = fc.float({ noNaN: true });
const metadata = fc
  .uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { maxLength: 3 })
  .map((keys) => keys.map((key) => ({ key: `k${key}`, value: `v${key}` })));
const dimension = fc.oneof(
  fc.record({ dimValue: fc.integer({ min: -2, max: 2_000 }) }),
  fc.record({ dimParam: name }),
  fc.record({ denotation: name }),
);
const tensorType = fc.record({
  tensorType: fc.record({
    elemType: fc.integer({ min: 0, max: 40 }),
    shape: fc.record({ dim: fc.array(dimension, { maxLength: 3 }) }),
  }),
  denotation: name,
});
const valueType = fc.oneof(
  tensorType,
  fc.record({ sequenceType: fc.record({ elemType: tensorType }) }),
  fc.record({ mapType: fc.record({ keyType: fc.constant(7), valueType: tensorType }) }),
);
const values = fc
  .array(fc.record({ type: valueType, docString: name }), { maxLength: 3 })
  .map((items) => named(items));
const initializer = fc.oneof(
  fc
    .array(float, { maxLength: 5 })
    .map((floatData) => ({ dataType: 1, dims: [floatData.length], floatData })),
  fc
    .array(int64, { maxLength: 5 })
    .map((int64Data) => ({ dataType: 7, dims: [int64Data.length], int64Data })),
  fc
    .array(fc.integer({ min: -128, max: 127 }), { maxLength: 5 })
    .map((int32Data) => ({ dataType: 3, dims: [int32Data.length], int32Data })),
  fc.uint8Array({ maxLength: 9 }).map((rawData) => ({ dataType: 2, dims: [rawData.length], rawData })),
);
const attribute = fc.oneof(
  fc.record({ type: fc.constant(1), f: float }),
  fc.record({ type: fc.constant(2), i: int64 }),
  fc.record({ type: fc.constant(3), s: fc.uint8Array({ maxLength: 5 }) }),
  fc.record({ type: fc.constant(4), t: initializer }),
  fc.record({ type: fc.constant(6), floats: fc.array(float, { maxLength: 3 }) }),
  fc.record({ type: fc.constant(7), ints: fc.array(int64, { maxLength: 3 }) }),
  fc.record({ type: fc.constant(8), strings: fc.array(fc.uint8Array({ maxLength: 3 }), { maxLength: 2 }) }),
);
const named = <T extends object>(items: readonly T[]) =>
  items.map((item, at) => ({ ...item, name: `n${at}` }));
const node = fc.record({
  input: fc.array(name, { maxLength: 3 }),
  output: fc.array(name, { maxLength: 2 }),
  opType: name,
  domain: fc.constantFrom('', 'ai.onnx', 'com.microsoft'),
  attribute: fc.array(attribute, { maxLength: 4 }).map(named),
});
const model = fc.record(
  {
    irVersion: fc.integer({ min: 0, max: 13 }),
    opsetImport: fc.constantFrom(
      [{ version: 13 }],
      [{ domain: 'ai.onnx', version: 7 }],
      [{ domain: '', version: 1 }],
    ),
    producerName: name,
    modelVersion: int64,
    metadataProps: metadata,
    graph: fc.record({
      name,
      node: fc.array(node, { maxLength: 4 }),
      initializer: fc.array(initializer, { maxLength: 3 }).map(named),
      input: values,
      output: values,
      valueInfo: values,
    }),
  },
  { requiredKeys: ['graph'] },
);

describe('next to the codec of onnxruntime-web', () => {
  it('what was read and written again says the same to it', () => {
    fc.assert(
      fc.property(model, (message) => {
        const bytes = oracle.encode(oracle.fromObject(message)).finish();
        expect(plain(again(bytes))).toEqual(plain(bytes));
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('what was written once is the same bytes from then on', () => {
    fc.assert(
      fc.property(model, (message) => {
        const bytes = again(oracle.encode(oracle.fromObject(message)).finish());
        expect(again(bytes)).toEqual(bytes);
      }),
      { seed: 2, numRuns: 150 },
    );
  });

  it('the reference library’s file says the same to both', () => {
    const seen = plain(referenceModel()) as {
      graph: { node: { opType: string }[]; initializer: { name: string; dims: string[] }[] };
    };
    const { graph } = unwrap(decodeModel(referenceModel()));
    expect(graph.nodes.map(({ op }) => op)).toEqual(seen.graph.node.map(({ opType }) => opType));
    expect([...graph.initializers].map(([key, { dims }]) => [key, dims.map(String)])).toEqual(
      seen.graph.initializer.map(({ name: key, dims }) => [key, dims ?? []]),
    );
  });
});
