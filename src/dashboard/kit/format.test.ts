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
  formatRemaining,
  formatVc,
  formatVcChange,
  formatVcFigure,
  parseVc,
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

describe('money', () => {
  it.each([
    [0, '0'],
    [1, '0.000001'],
    [5_000_000, '5'],
    [-5_001_000, '−5.001'],
    [1_000_250_000, '1 000.25'],
    [9_007_199_254_740_991, '9 007 199 254.740991'],
  ])('%d µVC → %s, exactly', (micro, text) => {
    expect(formatVcFigure(micro).replaceAll('\u202f', ' ')).toBe(text);
    expect(formatVc(micro)).toBe(`${formatVcFigure(micro)}\u00a0VC`);
  });

  it('a change has its sign; none has none', () => {
    expect([3_000_000, 0, -3_000_000].map(formatVcChange)).toEqual(['+3\u00a0VC', '0\u00a0VC', '−3\u00a0VC']);
  });

  it('is read back as it is written', () => {
    for (const micro of [0, 1, 999_999, 1_000_000, 12_345_678_901, Number.MAX_SAFE_INTEGER])
      expect(parseVc(formatVc(micro))).toEqual({ ok: true, value: micro });
  });

  it.each([
    ['12', 12_000_000],
    ['0.5', 500_000],
    ['0,5', 500_000],
    ['12,50', 12_500_000],
    ['0,125', 125_000],
    [' 1 000.25 VC ', 1_000_250_000],
    ['1.000', 1_000_000],
    ['0.000001', 1],
  ])('%j is %d µVC', (text, micro) => expect(parseVc(text)).toEqual({ ok: true, value: micro }));

  it.each([
    ['', 'Write an amount'],
    ['1,000', 'two amounts'],
    ['1,000,000', 'two amounts'],
    ['1,000.5', 'two amounts'],
    ['1.000,5', 'two amounts'],
    ['1 00', 'no amount'],
    ['-5', 'no amount'],
    ['1e3', 'no amount'],
    ['.5', 'no amount'],
    ['five', 'no amount'],
    ['0.1234567', '7 decimals'],
    ['9007199254.740992', 'more than there can be'],
    ['9'.repeat(400), 'no amount'],
  ])('%j is refused in words', (text, words) => {
    const read = parseVc(text);
    expect(read.ok ? '' : read.error).toContain(words);
  });
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

  it.each([
    [-1, '0 s'],
    [8_001, '9 s'],
    [129_000, '2 min 09 s'],
    [11_100_000, '3 h 05 min'],
    [532_800_000, '6 d 4 h'],
  ])('%d ms are left → %s', (ms, text) => expect(formatRemaining(ms)).toBe(text));

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
