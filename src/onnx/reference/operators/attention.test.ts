import { describe, expect, it } from 'vitest';
import { type NdArray, ndArray, toNumbers } from '../ndArray.ts';
import { applyAll, applyOp, distance, f32, i64, type PlainAttributes, tryOp, wavy } from '../testing.ts';

const i32 = (dims: readonly number[], values: readonly number[]) => ndArray('int32', dims, values);
const gqa = 'com.microsoft.GroupQueryAttention';
const three = { outputs: ['y0', 'y1', 'y2'] };

/** [batch, length, heads · size] to [batch, heads, length, size]. */
const toHeads = (x: NdArray, heads: number): NdArray => {
  const [batch = 0, length = 0, hidden = 0] = x.dims;
  const split = applyOp('Reshape', [x, i64([4], [batch, length, heads, hidden / heads])]);
  return applyOp('Transpose', [split], { perm: [0, 2, 1, 3] });
};

/** The same out of plain operators: softmax(q kᵀ / √d + mask) v, each group's keys repeated for its heads. */
const plainAttention = (
  query: NdArray,
  key: NdArray,
  value: NdArray,
  heads: number,
  kvHeads: number,
): NdArray => {
  const q = toHeads(query, heads);
  const [batch = 0, , length = 0, size = 0] = q.dims;
  const repeated = (x: NdArray) => {
    const grouped = applyOp('Unsqueeze', [toHeads(x, kvHeads), i64([1], [2])]);
    const tiled = applyOp('Tile', [grouped, i64([5], [1, 1, heads / kvHeads, 1, 1])]);
    return applyOp('Reshape', [tiled, i64([4], [batch, heads, length, size])]);
  };
  const scores = applyOp('Einsum', [q, repeated(key)], { equation: 'bhid,bhjd->bhij' });
  const scaled = applyOp('Mul', [scores, f32([], [1 / Math.sqrt(size)])]);
  const hidden = applyOp('Trilu', [f32([length, length], new Array(length ** 2).fill(-1e30)), i64([], [1])]);
  const weights = applyOp('Softmax', [applyOp('Add', [scaled, hidden])]);
  const output = applyOp('Transpose', [applyOp('MatMul', [weights, repeated(value)])], {
    perm: [0, 2, 1, 3],
  });
  return applyOp('Reshape', [output, i64([3], [batch, length, heads * size])]);
};

const caches = (rows: number, half: number) => {
  const angle = (i: number) => Math.floor(i / half) / 100 ** ((i % half) / half);
  const table = (f: (x: number) => number) =>
    f32(
      [rows, half],
      Array.from({ length: rows * half }, (_, i) => f(angle(i))),
    );
  return { cos: table(Math.cos), sin: table(Math.sin) };
};

const part = (x: NdArray, axis: number, start: number, end: number) =>
  applyOp('Slice', [x, i64([1], [start]), i64([1], [end]), i64([1], [axis])]);

describe('grouped query attention', () => {
  const [heads, kvHeads, size, length] = [4, 2, 4, 5];
  const query = wavy([2, length, heads * size]);
  const key = wavy([2, length, kvHeads * size], 2);
  const value = wavy([2, length, kvHeads * size], 3);
  const attributes: PlainAttributes = { num_heads: heads, kv_num_heads: kvHeads };
  const lengths = [i32([2], [length - 1, length - 1]), i32([1], [length])];
  const prompt = (more: PlainAttributes = {}, extra: readonly (NdArray | undefined)[] = []) =>
    applyAll(
      gqa,
      [query, key, value, undefined, undefined, ...lengths, ...extra],
      { ...attributes, ...more },
      three,
    );

  it('of a prompt is attention out of plain operators, and keeps keys and values by head', () => {
    const [y, k, v] = prompt();
    expect(distance(y!, plainAttention(query, key, value, heads, kvHeads))).toBeLessThan(1e-14);
    expect(k).toEqual(toHeads(key, kvHeads));
    expect(v).toEqual(toHeads(value, kvHeads));
  });

  it('takes query, key and value in one', () => {
    const packed = applyOp('Concat', [query, key, value], { axis: 2 });
    const [y] = applyAll(
      gqa,
      [packed, undefined, undefined, undefined, undefined, ...lengths],
      attributes,
      three,
    );
    expect(distance(y!, prompt()[0]!)).toBe(0);
  });

  it('turns queries and keys by their positions, as RotaryEmbedding does', () => {
    const { cos, sin } = caches(8, size / 2);
    for (const interleaved of [0, 1]) {
      const ids = i64(
        [2, length],
        [...Array(2)].flatMap(() => [0, 1, 2, 3, 4]),
      );
      const turn = (x: NdArray, num_heads: number) =>
        applyOp('com.microsoft.RotaryEmbedding', [x, ids, cos, sin], { num_heads, interleaved });
      const [y] = prompt({ do_rotary: 1, rotary_interleaved: interleaved }, [cos, sin]);
      const expected = plainAttention(turn(query, heads), turn(key, kvHeads), value, heads, kvHeads);
      expect(distance(y!, expected)).toBeLessThan(1e-14);
    }
  });

  it('step by step with a past gives what the whole prompt gives', () => {
    const { cos, sin } = caches(8, size / 2);
    const [whole, wholeKeys] = prompt({ do_rotary: 1 }, [cos, sin]);
    let past: (NdArray | undefined)[] = [undefined, undefined];
    const rows: NdArray[] = [];
    for (let step = 0; step < length; step++) {
      const now = [query, key, value].map((x) => part(x, 1, step, step + 1));
      const total = [i32([2], [step, step]), i32([1], [step + 1])];
      const [y, k, v] = applyAll(
        gqa,
        [...now, ...past, ...total, cos, sin],
        { ...attributes, do_rotary: 1 },
        three,
      );
      rows.push(y!);
      past = [k, v];
    }
    expect(distance(applyOp('Concat', rows, { axis: 1 }), whole!)).toBeLessThan(1e-14);
    expect(distance(past[0]!, wholeKeys!)).toBeLessThan(1e-15);
  });

  it('finds its place in a cache that is longer than the past', () => {
    const [whole] = prompt();
    const cache = f32([2, kvHeads, 8, size], new Array(2 * kvHeads * 8 * size).fill(9));
    const fill = (x: NdArray) =>
      applyOp('Concat', [part(toHeads(x, kvHeads), 2, 0, 4), part(cache, 2, 4, 8)], { axis: 2 });
    const last = [query, key, value].map((x) => part(x, 1, 4, 5));
    const [y, k] = applyAll(gqa, [...last, fill(key), fill(value), ...lengths], attributes, three);
    expect(distance(y!, part(whole!, 1, 4, 5))).toBeLessThan(1e-14);
    expect(k!.dims).toEqual([2, kvHeads, 8, size]);
  });

  it('sees no further than its window, and a sink takes its share', () => {
    const one = prompt({ local_window_size: 1 })[0]!;
    const values = applyOp('Reshape', [value, i64([5], [2, length, kvHeads, 1, size])]);
    const repeated = applyOp('Tile', [values, i64([5], [1, 1, 1, heads / kvHeads, 1])]);
    expect(distance(one, applyOp('Reshape', [repeated, i64([3], [2, length, heads * size])]))).toBeLessThan(
      1e-15,
    );
    const smooth = prompt({ smooth_softmax: 1 })[0]!;
    const sink = f32([heads], [0, 0, 0, 0]);
    const withSink = prompt({}, [undefined, undefined, undefined, undefined, sink])[0]!;
    expect(distance(smooth, withSink)).toBe(0);
    expect(Math.abs(toNumbers(smooth)[0]!)).toBeLessThan(Math.abs(toNumbers(prompt()[0]!)[0]!));
  });

  it('refuses what does not fit together', () => {
    const inputs = [query, key, value, undefined, undefined];
    const tries = [
      tryOp(gqa, [...inputs, ...lengths], { num_heads: 4, kv_num_heads: 3 }, three),
      tryOp(gqa, [...inputs, i32([1], [4]), i32([1], [5])], attributes, three),
      tryOp(gqa, [...inputs, i32([2], [9, 9]), i32([1], [10])], attributes, three),
      tryOp(gqa, [...inputs, ...lengths], { ...attributes, do_rotary: 1 }, three),
    ];
    for (const result of tries) expect(result).toMatchObject({ error: { code: 'invalid' } });
  });
});

describe('rotary embedding', () => {
  it('turns each pair by its angle', () => {
    const [cos, sin] = [f32([2, 1], [1, 0]), f32([2, 1], [0, 1])];
    const x = f32([1, 2, 3], [1, 2, 3, 1, 2, 3]);
    const ids = i64([1, 2], [0, 1]);
    expect(toNumbers(applyOp('RotaryEmbedding', [x, cos, sin, ids], { num_heads: 1 }))).toEqual([
      1, 2, 3, -2, 1, 3,
    ]);
    expect(tryOp('RotaryEmbedding', [x, cos, sin, i64([1, 2], [0, 2])], { num_heads: 1 })).toMatchObject({
      error: { code: 'invalid' },
    });
  });
});
