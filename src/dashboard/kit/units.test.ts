import { describe, expect, it } from 'vitest';
import { formatMeasured, formatRate, formatSpan, unitOfName } from './units.ts';

describe('measured values', () => {
  it.each([
    [0.000_004, 'seconds', '4 µs'],
    [0.0042, 'seconds', '4.2 ms'],
    [3.24, 'seconds', '3.24 s'],
    [1_230_000, 'bytes', '1.23 MB'],
    [0.834, 'ratio', '83 %'],
    [0.0042, 'ratio', '0.42 %'],
    [4.25, 'per-second', '4.25 /s'],
    [18_220, 'count', '18,220'],
    [1_240_000, 'count', '1.24 M'],
    [0, 'count', '0'],
    [-0.5, 'seconds', '−500 ms'],
    [Number.NaN, 'bytes', '–'],
    [Number.POSITIVE_INFINITY, 'count', '–'],
  ] as const)('%s in %s is %s', (value, unit, text) => expect(formatMeasured(value, unit)).toBe(text));

  it('are per second as a rate, and seconds per second a share of the time', () => {
    expect(formatRate(1_230_000, 'bytes')).toBe('1.23 MB/s');
    expect(formatRate(3.5, 'count')).toBe('3.5 /s');
    expect(formatRate(0.25, 'seconds')).toBe('25 %');
  });

  it('of a window are without what is nothing', () =>
    expect([300_000, 5_400_000, 7 * 86_400_000, 60_000, 45_000, 3_600_000].map(formatSpan)).toEqual([
      '5 min',
      '1 h 30 min',
      '7 d',
      '1 min',
      '45 s',
      '1 h',
    ]));

  it('have the unit of their name where nobody says it', () => {
    expect(unitOfName('rpc_seconds')).toBe('seconds');
    expect(unitOfName('link_bytes_total')).toBe('bytes');
    expect(unitOfName('storage_used_ratio')).toBe('ratio');
    expect(unitOfName('tasks_done_total')).toBe('count');
  });
});
