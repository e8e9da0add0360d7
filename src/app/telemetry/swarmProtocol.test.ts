import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { unwrap } from '../../core/result.ts';
import { createSketch } from '../../observability/index.ts';
import { decodeVitals, encodeVitals, sharedMetrics, vitalsLimits } from './swarmProtocol.ts';
import { sketchOf } from './testDoubles.ts';

const message = (change: Record<string, CborValue> = {}) =>
  encodeCbor({ v: 1, s: 600, m: [{ n: 'rpc_seconds', d: sketchOf(0.1).encode() }], ...change });
const wordsOf = (bytes: Uint8Array) => {
  const decoded = decodeVitals(bytes);
  return decoded.ok ? 'ok' : `${decoded.error.code}: ${decoded.error.message}`;
};

describe('what a tab tells of its measurements', () => {
  it('comes out as it went in', () => {
    const sketches = new Map([
      ['rpc_seconds', sketchOf(0.01, 0.2, 3)],
      ['main_thread_lag_seconds', sketchOf(0)],
    ] as const);
    const vitals = unwrap(decodeVitals(encodeVitals({ windowSeconds: 600, sketches })));
    expect(vitals.windowSeconds).toBe(600);
    expect([...vitals.sketches.keys()]).toEqual([...sketches.keys()]);
    for (const [name, sketch] of sketches)
      expect(vitals.sketches.get(name)?.encode()).toEqual(sketch.encode());
  });

  it('fits, with every distribution a busy tab has in ten minutes', () => {
    const sketches = new Map(
      sharedMetrics.map((name, row) => {
        const sketch = createSketch();
        // Three decades of latencies.
        for (let i = 0; i < 1_200; i++) sketch.add(0.001 * (row + 1) * 1_000 ** (i / 1_200));
        return [name, sketch] as const;
      }),
    );
    const bytes = encodeVitals({ windowSeconds: 600, sketches });
    expect(bytes.byteLength).toBeLessThan(vitalsLimits.maxBytes);
    expect(decodeVitals(bytes).ok).toBe(true);
  });

  it('is refused with words where it is another version, or says what nobody asked', () => {
    expect(wordsOf(message())).toBe('ok');
    expect(wordsOf(message({ v: 2 }))).toMatch(/^malformed: v/);
    expect(wordsOf(message({ s: 0 }))).toMatch(/^malformed: s/);
    expect(wordsOf(message({ s: 1e9 }))).toMatch(/^malformed: s/);
    expect(wordsOf(message({ m: [{ n: 'battery_ratio', d: sketchOf(1).encode() }] }))).toMatch(/^malformed/);
    expect(wordsOf(message({ m: [{ n: 'rpc_seconds', d: 'text' }] }))).toMatch(/^malformed/);
    const twice = { n: 'rpc_seconds', d: sketchOf(1).encode() };
    expect(wordsOf(message({ m: [twice, twice] }))).toBe('malformed: rpc_seconds is there twice');
  });

  it('must not drown what all others say', () => {
    const loud = createSketch();
    loud.add(60, vitalsLimits.maxSamples + 1);
    const words = wordsOf(message({ m: [{ n: 'rpc_seconds', d: loud.encode() }] }));
    expect(words).toMatch(/1000001 samples, at most 1000000 are believed/);
  });

  it('is read up to its limits and no further', () => {
    const big = message({ m: Array.from({ length: 9 }, () => ({ n: 'rpc_seconds', d: new Uint8Array(9) })) });
    expect(wordsOf(big)).toMatch(/^malformed/);
    const padded = new Uint8Array(vitalsLimits.maxBytes + 1);
    padded.set(message());
    expect(wordsOf(padded)).toMatch(/^malformed/);
  });

  it('never throws, whatever arrives', () => {
    const good = message();
    for (let length = 0; length < good.byteLength; length++)
      expect(decodeVitals(good.subarray(0, length)).ok).toBe(false);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        decodeVitals(bytes);
      }),
      { seed: 61, numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.nat(good.byteLength - 1), fc.nat(255), (at, byte) => {
        const damaged = Uint8Array.from(good);
        damaged[at] = byte;
        decodeVitals(damaged);
      }),
      { seed: 62, numRuns: 300 },
    );
  });
});
