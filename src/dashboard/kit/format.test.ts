import { describe, expect, it } from 'vitest';
import type { MilliCredits } from '../../core/brand.ts';
import {
  asSentence,
  formatAgo,
  formatBinary,
  formatBytes,
  formatCount,
  formatCountdown,
  formatCredits,
  formatDuration,
  formatPercent,
  shortId,
} from './format.ts';

describe('credits', () => {
  it.each([
    [0, '0.000'],
    [7, '0.007'],
    [1_234_567, '1,234.567'],
    [-1_050, '−1.050'],
    [9_007_199_254_740_991, '9,007,199,254,740.991'],
  ])('%d thousandths → %s, exactly', (milli, text) =>
    expect(formatCredits(milli as MilliCredits)).toBe(text),
  );
});

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1 kB'],
    [999_499, '999 kB'],
    [999_500, '1 MB'],
    [1_234_567, '1.23 MB'],
    [48_000_000_000, '48 GB'],
  ])('%d bytes → %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [2 ** 31, '2 GiB'],
    [128 * 2 ** 20, '128 MiB'],
    [32_768, '32 KiB'],
  ])('%d bytes of a GPU limit → %s', (bytes, text) => expect(formatBinary(bytes)).toBe(text));

  it.each([
    [0, '0 ms'],
    [0.43, '0.4 ms'],
    [48.2, '48 ms'],
    [999.6, '1 s'],
    [1_840, '1.84 s'],
    [59_960, '1 min 00 s'],
    [185_000, '3 min 05 s'],
    [7_800_000, '2 h 10 min'],
  ])('%d ms → %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it.each([
    [-5_000, 'just now'],
    [59_999, '59 s ago'],
    [60_000, '1 min ago'],
    [86_400_000, '1 day ago'],
    [180_000_000, '2 days ago'],
  ])('%d ms in the past → %s', (ms, text) => expect(formatAgo(ms)).toBe(text));

  it('a countdown never shows zero while there is time left, nor less than zero', () => {
    expect(formatCountdown(1)).toBe('1 s');
    expect(formatCountdown(-400)).toBe('0 s');
  });

  it('nearly whole is not shown as whole', () => {
    expect(formatPercent(0.996)).toBe('99.6 %');
    expect(formatPercent(1)).toBe('100 %');
    expect(formatPercent(0.5)).toBe('50 %');
  });
});

describe('words', () => {
  it('count in the singular and plural', () => {
    expect(formatCount(1, 'device')).toBe('1 device');
    expect(formatCount(1_200, 'match', 'matches')).toBe('1,200 matches');
  });
  it('sentences begin and end as such', () => {
    expect(asSentence('no WebGPU adapter')).toBe('No WebGPU adapter.');
    expect(asSentence('It was faster.')).toBe('It was faster.');
    expect(asSentence('')).toBe('');
  });
  it('short ids stay whole', () => {
    expect(shortId('abc')).toBe('abc');
    expect(shortId('abcdefghijkl')).toBe('abcdefgh…');
  });
});
