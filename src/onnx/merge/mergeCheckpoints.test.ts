import { describe, expect, it } from 'vitest';
import { unwrap } from '../../core/result.ts';
import { float32Tensor, int64Tensor, readFloat32 } from '../build/tensors.ts';
import { bytesSource } from '../codec/bytesSource.ts';
import { readSafetensors, type Safetensors, writeSafetensors } from '../codec/safetensors.ts';
import { collect } from '../codec/testDoubles.ts';
import { tensorOf } from '../ir/tensor.ts';
import type { ByteSource, Tensor } from '../ir/types.ts';
import { tryTensors } from './computedTensor.ts';
import { mergeCheckpoints } from './mergeCheckpoints.ts';
import type { MergeMethod } from './methods.ts';

const floats = (dims: readonly number[], ...values: readonly number[]) =>
  float32Tensor(dims, Float32Array.from(values));
const halves = (dtype: 'float16' | 'bfloat16', ...values: readonly number[]) =>
  unwrap(tensorOf(dtype, [values.length], values));
const checkpoint = (tensors: Readonly<Record<string, Tensor>>): Safetensors => ({
  tensors: new Map(Object.entries(tensors)),
  metadata: { format: 'pt' },
});
const mean = { kind: 'linear', weights: [1, 1] } as const;

const bytesOf = async ({ tensors, metadata }: Safetensors): Promise<Uint8Array> => {
  const sink = collect();
  unwrap(await writeSafetensors(tensors, metadata, sink.write));
  return sink.bytes();
};
/** As it comes back from a file. */
const written = async (file: Safetensors) => unwrap(await readSafetensors(bytesSource(await bytesOf(file))));
const valuesOf = async (file: Safetensors, name: string): Promise<readonly number[]> => {
  const tensor = (await written(file)).tensors.get(name)!;
  if (tensor.data.kind !== 'slice') throw new Error('a slice was expected');
  const bytes = await tensor.data.source.read(tensor.data.offset, tensor.data.length);
  return [...unwrap(readFloat32({ ...tensor, data: { kind: 'bytes', bytes } }))];
};
const faultOf = (...[checkpoints, options]: Parameters<typeof mergeCheckpoints>): string => {
  const result = mergeCheckpoints(checkpoints, options);
  return result.ok ? 'merged' : result.error.message;
};

describe('checkpoints', () => {
  it('are merged by name, whatever their order, and keep their metadata', async () => {
    const a = checkpoint({ x: floats([2], 1, 2), y: floats([1], 3) });
    const b = checkpoint({ y: floats([1], 5), x: floats([2], 3, 6) });
    const merged = unwrap(mergeCheckpoints([a, b], { method: mean }));
    expect(merged.metadata).toEqual({ format: 'pt' });
    expect(await valuesOf(merged, 'x')).toEqual([2, 4]);
    expect(await valuesOf(merged, 'y')).toEqual([4]);
  });

  it('keep their types: 16 bits are merged in 32 and rounded', async () => {
    const a = checkpoint({ h: halves('float16', 1, 2048), b: halves('bfloat16', 1, 256) });
    const b = checkpoint({ h: halves('float16', 2, 2050), b: halves('bfloat16', 2, 258) });
    const merged = unwrap(mergeCheckpoints([a, b], { method: mean }));
    expect((await written(merged)).tensors.get('h')?.dtype).toBe('float16');
    expect(await valuesOf(merged, 'h')).toEqual([1.5, 2048]); // 2049 is no float16: ties go to even
    expect(await valuesOf(merged, 'b')).toEqual([1.5, 256]);
  });

  it('take another method where a pattern says so', async () => {
    const a = checkpoint({
      'layers.0.mlp.weight': floats([1], 1),
      'layers.0.attn.weight': floats([1], 1),
      norm: floats([1], 1),
    });
    const b = checkpoint({
      'layers.0.mlp.weight': floats([1], 3),
      'layers.0.attn.weight': floats([1], 3),
      norm: floats([1], 3),
    });
    const first = { kind: 'linear', weights: [1, 0] } as const;
    const perTensor = [
      { match: 'layers.*.attn.*', method: first },
      { match: 'nor', method: first },
    ];
    const merged = unwrap(mergeCheckpoints([a, b], { method: mean, perTensor }));
    expect(await valuesOf(merged, 'layers.0.attn.weight')).toEqual([1]);
    expect(await valuesOf(merged, 'layers.0.mlp.weight')).toEqual([2]);
    expect(await valuesOf(merged, 'norm')).toEqual([2]);
  });

  it('copy what is equal, of any type and by any method', async () => {
    const ids = int64Tensor([2], [7, 8]);
    const infinite = floats([1], Number.NEGATIVE_INFINITY);
    const one = checkpoint({ ids, infinite });
    const merged = unwrap(mergeCheckpoints([one, one], { method: { kind: 'slerp', t: 0.5 } }));
    expect(await bytesOf(merged)).toEqual(await bytesOf(one));
    const lazy = unwrap(
      mergeCheckpoints([await written(one), await written(one)], { method: { kind: 'slerp', t: 0.5 } }),
    );
    expect(await bytesOf(lazy)).toEqual(await bytesOf(one));
  });

  const random = { kind: 'dare', density: 0.5, seed: 5, weights: [1, 0.5] } as const;
  it.each<MergeMethod>([random, { ...random, kind: 'della', epsilon: 0.1 }])(
    'give the same bytes for the same seed, from files or from memory, in any order: $kind',
    async (method) => {
      const names = ['p', 'q', 'r'];
      const filled = (start: number, order = names) =>
        checkpoint(
          Object.fromEntries(
            order.map((name) => [
              name,
              floats(
                [4, 8],
                ...Array.from({ length: 32 }, (_, i) => Math.sin(start + i + name.charCodeAt(0))),
              ),
            ]),
          ),
        );
      const merge = (order: readonly string[]) =>
        unwrap(mergeCheckpoints([filled(1, [...order]), filled(2)], { base: filled(0), method }));
      const fromFiles = unwrap(
        mergeCheckpoints([await written(filled(1)), await written(filled(2))], {
          base: await written(filled(0)),
          method,
        }),
      );
      expect(await bytesOf(fromFiles)).toEqual(await bytesOf(merge(names)));
      for (const name of names)
        expect(await valuesOf(merge(['r', 'p', 'q']), name)).toEqual(await valuesOf(fromFiles, name));
    },
  );

  it('are read a tensor at a time, when it is written, and never again', async () => {
    const log: string[] = [];
    const noted = async (label: string, start: number): Promise<Safetensors> => {
      const source = bytesSource(
        await bytesOf(checkpoint({ x: floats([2], start, 1), y: floats([2], start, 2) })),
      );
      const watched: ByteSource = {
        size: source.size,
        read: (offset, length) => {
          log.push(`${label} ${length}`);
          return source.read(offset, length);
        },
      };
      return unwrap(await readSafetensors(watched));
    };
    const checkpoints = [await noted('a', 0), await noted('b', 4)];
    log.length = 0;
    const merged = unwrap(mergeCheckpoints(checkpoints, { method: mean }));
    expect(log).toEqual([]);
    unwrap(
      await writeSafetensors(
        merged.tensors,
        undefined,
        async (chunk) => void (chunk.byteLength === 8 && log.push('written')),
      ),
    );
    expect(log.filter((line) => line !== 'written')).toEqual(['a 8', 'b 8', 'a 8', 'b 8']);
    expect(log.indexOf('written', 2)).toBeLessThan(log.lastIndexOf('a 8'));
  });
});

describe('checkpoints are refused', () => {
  const x = floats([2], 1, 2);

  it('when vocabularies differ, with both shapes', () =>
    expect(
      faultOf(
        [
          checkpoint({ 'model.embed_tokens.weight': floats([3, 1], 1, 2, 3) }),
          checkpoint({ 'model.embed_tokens.weight': floats([2, 1], 1, 2) }),
        ],
        { method: mean },
      ),
    ).toBe(
      'model.embed_tokens.weight is [3, 1] in model 0 and [2, 1] in model 1: their vocabularies differ',
    ));

  it('when shapes or types differ, also from the base’s', () => {
    expect(faultOf([checkpoint({ x }), checkpoint({ x: floats([1], 1) })], { method: mean })).toBe(
      'x is [2] in model 0 and [1] in model 1',
    );
    expect(
      faultOf([checkpoint({ x })], {
        base: checkpoint({ x: halves('float16', 1, 2) }),
        method: { kind: 'ties', density: 1, weights: [1] },
      }),
    ).toBe('x is float32 in model 0 and float16 in the base');
  });

  it('when one has what the other lacks', () =>
    expect(faultOf([checkpoint({ x, y: x }), checkpoint({ x, z: x })], { method: mean })).toBe(
      'model 1 is no model of the same kind. It lacks y. It has z, which model 0 lacks.',
    ));

  it('when integers differ, in memory at once and in files when they are read', async () => {
    const [a, b] = [checkpoint({ q: int64Tensor([1], [1]) }), checkpoint({ q: int64Tensor([1], [2]) })];
    expect(faultOf([a, b], { method: mean })).toMatch(
      /^q is int64 and differs between the models.*Dequantise/,
    );
    const lazy = unwrap(mergeCheckpoints([await written(a), await written(b)], { method: mean }));
    expect(await tryTensors(lazy.tensors.values())).toMatchObject({
      ok: false,
      error: { code: 'unsupported' },
    });
  });

  it('when a number is none, opposite, or too large for its type: told by a trial, or in the middle of the file', async () => {
    const merge = (a: Tensor, b: Tensor, method: MergeMethod) =>
      unwrap(mergeCheckpoints([checkpoint({ x: a }), checkpoint({ x: b })], { method }));
    const trial = async (file: Safetensors) => {
      const result = await tryTensors(file.tensors.values());
      return result.ok ? 'fine' : `${result.error.code}: ${result.error.message}`;
    };
    const none = merge(x, floats([2], 1, Number.NaN), mean);
    expect(await trial(none)).toBe('invalid: x: element 1 of model 1 is NaN');
    expect(await trial(merge(x, floats([2], -1, -2), { kind: 'slerp', t: 0.5 }))).toContain('opposite');
    const large = merge(halves('float16', 60_000), halves('float16', 40_000), { ...mean, normalize: false });
    expect(await trial(large)).toBe('invalid: x: element 0 is 100000, Infinity as float16');
    expect(await trial(merge(x, floats([2], 5, 5), mean))).toBe('fine');
    const halfway = await writeSafetensors(none.tensors, undefined, async () => {});
    expect(halfway).toMatchObject({
      ok: false,
      error: { message: expect.stringContaining('model 1 is NaN') },
    });
  });
});
