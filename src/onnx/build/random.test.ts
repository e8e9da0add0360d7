import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../core/hash.ts';
import { exactExp, exactLog, exactSinCos } from './elementary.ts';
import { createStream, fillNormal, fillUniform, philox } from './random.ts';

describe('Philox4x32-10', () => {
  it.each([
    [
      [0, 0, 0, 0],
      [0, 0],
      [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    ],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    ],
  ] as const)('answers as its authors published for counter %j', (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox(counter, key, out);
    expect([...out]).toEqual(expected);
  });
});

describe('elementary functions', () => {
  const near = (actual: number, expected: number): void => {
    expect(Math.abs(actual - expected)).toBeLessThanOrEqual(2e-15 * Math.max(1, Math.abs(expected)));
  };

  it('agree with the engine to the last places of a double', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -40, max: 2 ** 40, noNaN: true }), (x) =>
        near(exactLog(x), Math.log(x)),
      ),
      { seed: 1, numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.double({ min: -30, max: 30, noNaN: true }), (x) => near(exactExp(x) / Math.exp(x), 1)),
      { seed: 2, numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2 ** 20, noNaN: true }), (x) => {
        near(exactSinCos(x).sin, Math.sin(x));
        near(exactSinCos(x).cos, Math.cos(x));
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('are exact where the answer is', () => {
    expect(exactLog(1)).toBe(0);
    expect(exactExp(0)).toBe(1);
    expect(exactSinCos(0)).toEqual({ sin: 0, cos: 1 });
  });
});

describe('a stream of random values', () => {
  const normal = (length: number, seed = 1, name = 'w') => {
    const values = new Float32Array(length);
    fillNormal(values, createStream(seed, name), 1);
    return values;
  };
  const hashOf = (values: Float32Array) => sha256Hex(new Uint8Array(values.buffer));

  it('is the same bytes everywhere', () => {
    expect(hashOf(normal(1001))).toMatchInlineSnapshot(
      `"0135c3d71d56a20428d0df31f0a31a8dda70ac991701ca1284ac2dd5322f01d2"`,
    );
    const uniform = new Float32Array(1001);
    fillUniform(uniform, createStream(2 ** 53 - 1, 'w'), 0.1);
    expect(hashOf(uniform)).toMatchInlineSnapshot(
      `"b8514d9e86a6725f0e7b7b60a017cadfe9c593ff1c5829b005dd0af29e25a839"`,
    );
  });

  it('differs by seed, also beyond 32 bits, and by name', () => {
    const hashes = [normal(8), normal(8, 2), normal(8, 2 ** 32 + 1), normal(8, 1, 'v')].map(hashOf);
    expect(new Set(hashes).size).toBe(4);
  });

  it('begins the same however much of it is taken', () => {
    expect([...normal(7)]).toEqual([...normal(100).subarray(0, 7)]);
  });

  it('has the mean, deviation and tails of a normal distribution', () => {
    const values = normal(40_000);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.015);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
    expect(values.filter((value) => Math.abs(value) > 1.959964).length / values.length).toBeCloseTo(0.05, 2);
  });

  it('is uniform within its bound', () => {
    const values = new Float32Array(40_000);
    fillUniform(values, createStream(5, 'w'), 0.5);
    expect(Math.max(...values)).toBeLessThan(0.5);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-0.5);
    const variance = values.reduce((sum, value) => sum + value * value, 0) / values.length;
    expect(variance).toBeCloseTo(1 / 12, 2);
  });
});
