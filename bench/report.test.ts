import { describe, expect, it } from 'vitest';
import { compareWithBaseline, formatTable } from './report.ts';
import { flatten, percentile } from './suite.ts';

describe('percentile', () => {
  it('is a measured value, by nearest rank', () => {
    const values = [40, 10, 30, 20];
    expect([0, 25, 50, 75, 95, 100].map((p) => percentile(values, p))).toEqual([10, 10, 20, 30, 40, 40]);
  });

  it('refuses to say anything of nothing', () => {
    expect(() => percentile([], 50)).toThrow('no values');
  });
});

describe('rows of numbers', () => {
  const result = { models: [{ name: 'mlp', ours_ms: 2, peer_ms: null, way: 'best' }], ratio: 1 };

  it('become numbers by the name of their row, and their words are left out', () => {
    expect(flatten(result)).toEqual({ mlp_ours_ms: 2, mlp_peer_ms: null, ratio: 1 });
  });

  it('stand in the table beside their baseline, with what was promised of them', () => {
    const before = { models: [{ name: 'mlp', ours_ms: 1 }] };
    const [, ours, peer] = formatTable(result, before, { limits: { mlp_ours_ms: 1.5 } }).split('\n');
    expect(ours).toMatch(/^mlp_ours_ms +2 +1 +\+100\.0 % +over its limit of 1\.5$/);
    expect(peer).toMatch(/^mlp_peer_ms +– +– +new$/);
  });
});

describe('comparison with the baseline', () => {
  it('says by how much a number changed, and leaves out what cannot be compared', () => {
    expect(compareWithBaseline(110, 100)).toBe('+10.0 %');
    expect(compareWithBaseline(90, 100)).toBe('−10.0 %');
    expect(compareWithBaseline(100, 100)).toBe('=');
    expect(compareWithBaseline(100, undefined)).toBe('new');
    expect(compareWithBaseline(null, 100)).toBe('–');
    expect(compareWithBaseline(3, 0)).toBe('–');
  });

  it('marks what is over its limit', () => {
    const table = formatTable({ p50_ms: 800, p95_ms: 6_000 }, { p50_ms: 800 }, { limits: { p95_ms: 5_000 } });
    const [, p50, p95] = table.split('\n');
    expect(p50).not.toContain('over');
    expect(p95).toContain('over its limit of 5000');
  });

  it('marks what is below its floor', () => {
    const table = formatTable({ ratio: 0.89, equal: 1 }, undefined, { floors: { ratio: 0.9, equal: 1 } });
    const [, ratio, equal] = table.split('\n');
    expect(ratio).toContain('below its floor of 0.9');
    expect(equal).not.toContain('below');
  });
});
