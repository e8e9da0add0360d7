import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unwrap } from '../../../core/result.ts';
import {
  differingBlocks,
  gridLimits,
  gridQuantise,
  openingsFor,
  outputRoot,
  placesOf,
  readOpenings,
} from './grid.ts';
import { hashOf } from './testDoubles.ts';

const seeded = { seed: 20_261_121, numRuns: 200 };
const outputs = fc.int32Array({ minLength: 1, maxLength: 700 });
const seeds = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('an output on a grid', () => {
  it('is counted in steps, and refused where there is no grid', () => {
    const counts = unwrap(gridQuantise(Float32Array.of(0, 0.25, -0.25, 0.1, 100), 1_000_000));
    expect([...counts]).toEqual([0, 250, -250, 100, 100_000]);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 3e38])
      expect(gridQuantise(Float32Array.of(1, value), 1_000)).toMatchObject({
        ok: false,
        error: { message: expect.stringContaining('value 1') },
      });
  });

  it('of two devices that differ in the last bits stays within a step', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 64 }),
        (values) => {
          const here = Float32Array.from(values);
          const there = here.map((value) => value * (1 + 1e-6));
          const [a, b] = [here, there].map((each) => unwrap(gridQuantise(each, 1_000_000)));
          const worst = Math.max(...values.map((_, i) => Math.abs((a?.[i] ?? 0) - (b?.[i] ?? 9))));
          expect(worst).toBeLessThanOrEqual(1);
        },
      ),
      seeded,
    );
  });

  it('is opened at places of its own, which prove themselves', () => {
    fc.assert(
      fc.property(outputs, seeds, (values, seed) => {
        const places = placesOf(seed, values.length);
        expect(new Set(places).size).toBe(Math.min(gridLimits.places, Math.ceil(values.length / 8)));
        expect(places).toEqual([...places].sort((a, b) => a - b));
        const opened = readOpenings(outputRoot(values), openingsFor(values, places), places, values.length);
        expect(opened?.byteLength).toBe(32 * places.length);
      }),
      seeded,
    );
  });

  it('can’t be opened elsewhere, to other numbers, or with a broken path', () => {
    const values = Int32Array.from({ length: 1_000 }, (_, i) => i);
    const root = outputRoot(values);
    const places = placesOf(hashOf('seed'), values.length);
    const openings = openingsFor(values, places);
    const read = (given: typeof openings, at = places) => readOpenings(root, given, at, values.length);
    expect(read(openings)).toBeDefined();
    const [first, ...rest] = openings;
    if (!first) throw new Error('32 openings');
    expect(read(rest)).toBeUndefined();
    expect(read([{ ...first, block: hashOf('other') }, ...rest])).toBeUndefined();
    expect(read([{ ...first, path: first.path.subarray(1) }, ...rest])).toBeUndefined();
    expect(read([...rest, first])).toBeUndefined();
    expect(read(openings, placesOf(hashOf('another seed'), values.length))).toBeUndefined();
  });

  it('differs by blocks in which a number is more than a step away', () => {
    const values = Int32Array.from({ length: 64 }, (_, i) => i - 32);
    const all = placesOf(hashOf('seed'), 64);
    const openedOf = (of: Int32Array) =>
      readOpenings(outputRoot(of), openingsFor(of, all), all, 64) ?? new Uint8Array();
    const moved = (by: number, at: readonly number[]) =>
      values.map((value, i) => (at.includes(i) ? value + by : value));
    expect(differingBlocks(openedOf(values), openedOf(moved(1, [0, 9, 63])))).toBe(0);
    expect(differingBlocks(openedOf(values), openedOf(moved(-2, [0, 1, 63])))).toBe(2);
    expect(differingBlocks(openedOf(values), new Uint8Array())).toBe(8);
  });
});
