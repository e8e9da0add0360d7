import { describe, expect, it } from 'vitest';
import { columnsOf, queriesOf, thin, withGaps } from './chartData.ts';

const range = (time: readonly number[], values: readonly (number | null)[], stepMs = 1_000) => ({
  time,
  stepMs,
  lines: [{ key: 'a', label: 'a', values }],
});

describe('gaps', () => {
  it('stand where more than a step and a half is missing', () =>
    expect(withGaps(range([1, 2, 5, 6], [1, 2, 3, 4]))).toEqual(range([1, 2, 3, 5, 6], [1, 2, null, 3, 4])));
  it('stand nowhere else', () => {
    const whole = range([1, 2, 3.4], [1, null, 3]);
    expect(withGaps(whole)).toBe(whole);
  });
});

describe('thinning', () => {
  const long = Array.from({ length: 10_000 }, (_, index) => index);
  it('keeps every peak and every pit', () => {
    const values: (number | null)[] = long.map(() => 5);
    values[4_321] = 900;
    values[7_777] = -3;
    const thinned = thin(range(long, values), 500);
    expect(thinned.time.length).toBeLessThanOrEqual(500);
    expect(thinned.lines[0]?.values).toContain(900);
    expect(thinned.lines[0]?.values).toContain(-3);
    expect(thinned.time.toSorted((a, b) => a - b)).toEqual(thinned.time);
  });
  it('keeps gaps, and leaves alone what is short', () => {
    const values = long.map((index) => (index >= 4_000 && index < 5_000 ? null : index));
    const thinned = thin(range(long, values), 100);
    const inGap = thinned.time.flatMap((at, index) =>
      at >= 4_000 && at < 4_900 ? [thinned.lines[0]?.values[index]] : [],
    );
    expect(inGap.length).toBeGreaterThan(5);
    expect(new Set(inGap)).toEqual(new Set([null]));
    const short = range([1, 2], [1, 2]);
    expect(thin(short, 500)).toBe(short);
  });
  it('draws falling and rising stretches in their order', () => {
    const thinned = thin(range([0, 1, 2, 3], [4, 3, 1, 2]), 2);
    expect(thinned.lines[0]?.values).toEqual([4, 1]);
  });
});

describe('columns', () => {
  const parts = [
    { key: 'a', show: 'p50', label: 'a p50' },
    { key: 'a', show: 'p99', label: 'a p99' },
    { key: 'b', show: 'p50', label: 'b p50' },
  ] as const;
  const line = (key: string, values: readonly (number | null)[]) => ({ key, label: key, values });

  it('one request asks for all lines that show the same', () =>
    expect(queriesOf(parts)).toEqual([
      { show: 'p50', keys: ['a', 'b'] },
      { show: 'p99', keys: ['a'] },
    ]));

  it('every line has its column, and one that nobody answered for is a gap', () => {
    const answers = [
      { time: [1, 2], stepMs: 1_000, lines: [line('a', [1, 2])] },
      { time: [1, 2], stepMs: 1_000, lines: [line('a', [8, 9])] },
    ];
    expect(columnsOf(parts, answers, 100)).toEqual({
      time: [1, 2],
      columns: [
        [1, 2],
        [8, 9],
        [null, null],
      ],
    });
  });

  it('lines of different steps share one axis without gaps of its making', () => {
    const answers = [
      { time: [1, 2, 3], stepMs: 1_000, lines: [line('a', [1, 2, 3]), line('b', [1, null, 3])] },
      { time: [1, 3], stepMs: 2_000, lines: [line('a', [8, 9])] },
    ];
    expect(columnsOf(parts, answers, 100)).toEqual({
      time: [1, 2, 3],
      columns: [
        [1, 2, 3],
        [8, undefined, 9],
        [1, null, 3],
      ],
    });
  });
});
