import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../../core/bytes.ts';
import { unwrap } from '../../core/result.ts';
import { byteLengthOf, countOf } from '../ir/dataTypes.ts';
import type { DataType, Metadata, Tensor } from '../ir/types.ts';
import { bytesSource } from './bytesSource.ts';
import { codecLimits } from './limits.ts';
import { inReferenceOrder, readSafetensors, writeSafetensors } from './safetensors.ts';
import { collect, createSparseSource, tensor } from './testDoubles.ts';
import { referenceSafetensors } from './testVectors.ts';

const read = async (bytes: Uint8Array) => unwrap(await readSafetensors(bytesSource(bytes)));
const write = async (tensors: ReadonlyMap<string, Tensor>, metadata?: Metadata) => {
  const { write, bytes } = collect();
  unwrap(await writeSafetensors(tensors, metadata, write));
  return bytes();
};
const fileOf = (header: string, data = 0) => {
  const prefix = new Uint8Array(8);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(utf8(header).byteLength), true);
  return concatBytes(prefix, utf8(header), new Uint8Array(data));
};
const entry = (begin: number, end: number, dtype = 'U8', shape: unknown = [end - begin]) => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});
const faultOf = async (bytes: Uint8Array) => {
  const result = await readSafetensors(bytesSource(bytes));
  return result.ok ? undefined : result.error;
};

describe('a safetensors file of the reference library', () => {
  it('is the same bytes again', async () => {
    const { tensors, metadata } = await read(referenceSafetensors());
    expect(await write(tensors, metadata)).toEqual(referenceSafetensors());
  });

  it('is the same bytes again from tensors in any order', async () => {
    const { tensors, metadata } = await read(referenceSafetensors());
    const shuffled = new Map([...tensors].reverse());
    expect(await write(unwrap(inReferenceOrder(shuffled)), metadata)).toEqual(referenceSafetensors());
  });

  it('has tensors, types and metadata', async () => {
    const { tensors, metadata } = await read(referenceSafetensors());
    expect(metadata).toEqual({ format: 'pt "é"\n' });
    expect(tensors.size).toBe(22);
    expect(tensors.get('a.8')).toMatchObject({ dtype: 'int64', dims: [1, 2] });
    expect(tensors.get('a.1')).toMatchObject({ dtype: 'float4e2m1', dims: [1, 4] });
    const seven = tensors.get('7')?.data;
    expect(seven?.kind === 'slice' && (await seven.source.read(seven.offset, seven.length))).toEqual(
      utf8('7777'),
    );
  });
});

describe('a safetensors file', () => {
  it('comes back with what was put into it', async () => {
    const types: DataType[] = [
      'float32',
      'float16',
      'bfloat16',
      'int64',
      'bool',
      'uint8',
      'float8e5m2',
      'complex64',
    ];
    const one = fc
      .tuple(fc.constantFrom(...types), fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }))
      .map(([dtype, dims]) =>
        tensor(dims, new Uint8Array(byteLengthOf(dtype, countOf(dims)) ?? 0).fill(5), dtype),
      );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.string(), one), { maxLength: 6 }),
        fc.option(fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), { nil: undefined }),
        async (entries, metadata) => {
          const tensors = new Map(entries);
          const bytes = await write(tensors, metadata);
          const back = await read(bytes);
          expect([...back.tensors.values()].map(({ dims }) => dims).sort()).toEqual(
            [...tensors.values()].map(({ dims }) => dims).sort(),
          );
          expect(back.metadata).toEqual(metadata);
          for (const [name, { dtype, dims }] of tensors)
            expect(back.tensors.get(name)).toMatchObject({ dtype, dims });
        },
      ),
      { seed: 1, numRuns: 150 },
    );
  });

  it('of 5 GB costs its header', async () => {
    const header = JSON.stringify({ a: entry(0, 3 * 2 ** 30), b: entry(3 * 2 ** 30, 5 * 2 ** 30) });
    const head = fileOf(header);
    const { source, readBytes } = createSparseSource(head.byteLength + 5 * 2 ** 30, [
      { offset: 0, bytes: head },
    ]);
    const { tensors } = unwrap(await readSafetensors(source));
    expect(tensors.get('b')?.data).toMatchObject({
      offset: head.byteLength + 3 * 2 ** 30,
      length: 2 * 2 ** 30,
    });
    expect(readBytes()).toBe(head.byteLength);
  });

  const json = (tensors: object, data = 0) => fileOf(JSON.stringify(tensors), data);
  it.each([
    ['is too short', Uint8Array.of(1), 'malformed', 'has 1 bytes'],
    ['ends within its header', fileOf('{}').subarray(0, 9), 'malformed', 'the file 9 in all'],
    ['has no JSON', fileOf('{"a"'), 'malformed', 'no JSON'],
    ['has JSON of another kind', fileOf('[]'), 'malformed', 'no JSON object'],
    ['has an unknown type', json({ a: entry(0, 3, 'F6_E2M3', [4]) }, 3), 'unsupported', "type 'F6_E2M3'"],
    ['has a wrong length', json({ a: entry(0, 3, 'F32', [1]) }, 3), 'invalid', 'has 3 bytes of data'],
    ['has a hole', json({ a: entry(0, 2), b: entry(3, 4) }, 4), 'malformed', '2 is next'],
    ['has an overlap', json({ a: entry(0, 2), b: entry(1, 4) }, 4), 'malformed', '2 is not yet over'],
    ['leaves the file', json({ a: entry(0, 9) }, 4), 'malformed', 'the file at'],
    ['has bytes left', json({ a: entry(0, 2) }, 4), 'malformed', 'the file at'],
    ['counts backwards', json({ a: entry(2, 0, 'U8', [0]) }, 4), 'malformed', 'no begin and end'],
    ['has fractions', json({ a: entry(0, 1.5) }, 4), 'malformed', 'lists of counts'],
    ['has metadata that is no text', json({ __metadata__: { a: 1 } }), 'malformed', "metadata 'a'"],
    [
      'has more elements than numbers',
      json({ a: entry(0, 1, 'U8', [2 ** 50, 2 ** 50]) }, 1),
      'too-large',
      'counted',
    ],
  ] as const)('is refused if it %s', async (_, bytes, code, message) => {
    expect(await faultOf(bytes)).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('is refused if its header is beyond the limit, before it is read', async () => {
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setBigUint64(0, 2n ** 40n, true);
    const { source, readBytes } = createSparseSource(2 ** 41, [{ offset: 0, bytes: prefix }]);
    expect(await readSafetensors(source)).toMatchObject({
      ok: false,
      error: {
        code: 'too-large',
        message: expect.stringContaining(String(codecLimits.safetensorsHeaderBytes)),
      },
    });
    expect(readBytes()).toBe(8);
  });

  it('cannot have strings', async () => {
    const strings = { dtype: 'string', dims: [0], data: { kind: 'strings', strings: [] } } as const;
    const result = await writeSafetensors(new Map([['s', strings]]), undefined, collect().write);
    expect(result).toMatchObject({ ok: false, error: { code: 'unsupported' } });
  });
});
