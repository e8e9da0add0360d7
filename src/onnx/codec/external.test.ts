import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import type { ByteSource, Tensor } from '../ir/types.ts';
import { bytesSource } from './bytesSource.ts';
import { decodeModel } from './decode.ts';
import { encodeModel, joinChunks } from './encode.ts';
import { locationFault, resolveTensor, splitExternal } from './external.ts';
import { readModel } from './streams.ts';
import { collect, modelOf, node, tensor } from './testDoubles.ts';

const file = Uint8Array.from({ length: 64 }, (_, index) => index);
const open =
  (source: ByteSource = bytesSource(file)) =>
  async (location: string) =>
    location === 'weights/w.bin' ? source : undefined;
const external = (offset: number, length?: number, location = 'weights/w.bin'): Tensor => ({
  dtype: 'float32',
  dims: [2],
  name: 'w',
  data: { kind: 'external', location, offset, length },
});

describe('an external tensor', () => {
  it('is the part of the file that it names', async () => {
    expect(unwrap(await resolveTensor(external(8, 8), open()))).toEqual(file.slice(8, 16));
  });

  it('without a length is the rest of the file, or as much of it as it has elements', async () => {
    expect(unwrap(await resolveTensor(external(56), open()))).toEqual(file.slice(56));
    expect(unwrap(await resolveTensor(external(8), open()))).toEqual(file.slice(8, 16));
  });

  it.each([
    [external(60, 8), 'invalid', '8 bytes at 60 of weights/w.bin, which has 64'],
    [external(0, 7), 'invalid', 'has 7 bytes of data, float32 of [2] has 8'],
    [external(60), 'invalid', 'has 4 bytes of data'],
    [external(70), 'invalid', 'which has 64'],
    [external(0, 8, 'other.bin'), 'missing', "other.bin, which isn't there"],
    [external(0, 8, '../w.bin'), 'invalid', 'leads out of'],
  ] as const)('is refused: %o', async (one, code, message) => {
    const result = await resolveTensor(one, open());
    expect(result).toMatchObject({ ok: false, error: { code, message: expect.stringContaining(message) } });
  });

  it('is missing if its file can’t be opened', async () => {
    const result = await resolveTensor(external(0, 8), () => Promise.reject(new Error('no permission')));
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'missing', message: expect.stringContaining('no permission') },
    });
  });

  it('is never opened where it could lead out of the folder', async () => {
    const opened: string[] = [];
    const places = [
      '/etc/passwd',
      '\\\\host\\x',
      'C:\\x',
      'c:x',
      'a/../../b',
      '..',
      'a\\..\\b',
      'https://h/x',
      '%2e%2e/x',
      'a%2Fb',
      '',
      'a\0b',
    ];
    for (const place of places) {
      const result = await resolveTensor(
        external(0, 8, place),
        async (location) => void opened.push(location),
      );
      expect(result, place).toMatchObject({ ok: false, error: { code: 'invalid' } });
    }
    expect(opened).toEqual([]);
    for (const place of ['w.bin', './w.bin', 'a/b/c..bin', 'model.onnx_data'])
      expect(locationFault(place)).toBeUndefined();
  });
});

describe('a model that is split', () => {
  const weights = Uint8Array.from({ length: 5_000 }, (_, index) => index % 256);
  const inner = modelOf({ initializers: new Map([['inner', tensor([600], weights.slice(0, 600))]]) }).graph;
  const holder = {
    ...node('If', ['c'], ['y']),
    attributes: { then_branch: { type: 'graph', value: inner } },
  } as const;
  const model = modelOf({
    nodes: [holder],
    initializers: new Map<string, Tensor>([
      ['a', { ...tensor([1_250], weights, 'float32'), typed: true }],
      ['small', tensor([4], weights.slice(0, 4))],
      ['b', tensor([5_000], weights)],
    ]),
  });

  it('has its large tensors in another file, aligned, and reads the same', async () => {
    const split = splitExternal(model, { location: 'w.bin', above: 500 });
    const { write, bytes } = collect();
    unwrap(await split.writeData(write));
    const data = bytes();
    expect(data).toHaveLength(split.size);
    const read = unwrap(decodeModel(joinChunks(unwrap(encodeModel(split.model)))));
    const { initializers } = read.graph;
    expect(initializers.get('small')?.data.kind).toBe('bytes');
    for (const name of ['a', 'b']) {
      const one = initializers.get(name);
      if (one?.data.kind !== 'external') throw new Error(`${name} is not in the other file`);
      expect(one.data.offset % 4_096).toBe(0);
      expect(unwrap(await resolveTensor(one, async () => bytesSource(data)))).toEqual(weights);
    }
    const branch = read.graph.nodes[0]?.attributes['then_branch'];
    expect(branch?.type === 'graph' && branch.value.initializers.get('inner')?.data.kind).toBe('external');
  });

  it('may still be in its file', async () => {
    const source = bytesSource(joinChunks(unwrap(encodeModel(model))));
    const lazy = unwrap(await readModel(source, { lazyAbove: 600 }));
    const { write, bytes } = collect();
    unwrap(await splitExternal(lazy, { location: 'w.bin', above: 600, align: 1 }).writeData(write));
    expect(bytes()).toEqual(Uint8Array.from([...weights, ...weights]));
  });

  it('does not change', () => {
    expect(splitExternal(model, { location: 'w.bin', above: 1e6 })).toMatchObject({ size: 0, model });
  });
});
