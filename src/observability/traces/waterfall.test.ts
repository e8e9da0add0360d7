import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { summariesOf, traceOfJob } from './summaries.ts';
import { spanOf } from './testDoubles.ts';
import type { SpanRecord } from './types.ts';
import { maxRows, waterfallOf } from './waterfall.ts';

const sketch = (spans: readonly SpanRecord[]) =>
  waterfallOf(spans).map(
    ({ span, depth, offsetMs, durationMs }) => `${' '.repeat(depth)}${span.name} ${offsetMs}+${durationMs}`,
  );

describe('a waterfall', () => {
  it('draws parents before children and siblings by their start', () => {
    expect(
      sketch([
        spanOf(3, { of: 1, startedAt: 60, endedAt: 90 }),
        spanOf(4, { of: 2, startedAt: 20, endedAt: 30 }),
        spanOf(2, { of: 1, startedAt: 10, endedAt: 50 }),
        spanOf(1, { startedAt: 0, endedAt: 100 }),
      ]),
    ).toEqual(['span 1 0+100', ' span 2 10+40', '  span 4 20+10', ' span 3 60+30']);
  });

  it('says of each how much of its time was its own, children at the same time once', () => {
    const rows = waterfallOf([
      spanOf(1, { startedAt: 0, endedAt: 100 }),
      spanOf(2, { of: 1, startedAt: 10, endedAt: 40 }),
      spanOf(3, { of: 1, startedAt: 20, endedAt: 60 }),
      spanOf(4, { of: 1, startedAt: 90, endedAt: 130 }),
    ]);
    expect(rows.map(({ selfMs }) => selfMs)).toEqual([40, 30, 40, 40]);
  });

  it('marks what decided how long it took', () => {
    const rows = waterfallOf([
      spanOf(1, { startedAt: 0, endedAt: 100 }),
      spanOf(2, { of: 1, startedAt: 0, endedAt: 30 }),
      spanOf(3, { of: 1, startedAt: 5, endedAt: 20 }),
      spanOf(4, { of: 1, startedAt: 30, endedAt: 95 }),
      spanOf(5, { of: 4, startedAt: 40, endedAt: 90 }),
      spanOf(6, { of: 4, startedAt: 40, endedAt: 50 }),
      spanOf(7, { of: 1, startedAt: 50, endedAt: 300 }),
    ]);
    expect(rows.filter(({ critical }) => critical).map(({ span }) => span.name)).toEqual([
      'span 1',
      'span 2',
      'span 4',
      'span 5',
    ]);
  });

  it('shows what has lost its parent, and says so', () => {
    const rows = waterfallOf([spanOf(2, { of: 9 }), spanOf(3, { of: 2 })]);
    expect(rows.map(({ orphan, depth }) => [orphan, depth])).toEqual([
      [true, 0],
      [false, 1],
    ]);
  });

  it('puts a served call into the call, if the other device’s clock is behind, with all that is below it', () => {
    const rows = waterfallOf([
      spanOf(1, { kind: 'client', startedAt: 1_000, endedAt: 1_100 }),
      spanOf(2, { of: 1, kind: 'server', startedAt: 400, endedAt: 480 }),
      spanOf(3, { of: 2, startedAt: 410, endedAt: 470, where: 'worker' }),
    ]);
    expect(rows.map(({ offsetMs, durationMs, shiftedMs }) => [offsetMs, durationMs, shiftedMs])).toEqual([
      [0, 100, undefined],
      [10, 80, 610],
      [20, 60, 610],
    ]);
  });

  it('does so too if that clock is ahead and the call was answered; else it leaves it', () => {
    const spans = (failure: string | undefined) => [
      spanOf(1, { kind: 'client', startedAt: 0, endedAt: 100, failure }),
      spanOf(2, { of: 1, kind: 'server', startedAt: 5_000, endedAt: 5_080 }),
    ];
    expect(waterfallOf(spans(undefined))[1]).toMatchObject({ offsetMs: 10, shiftedMs: -4_990 });
    expect(waterfallOf(spans('cancelled'))[1]).toMatchObject({ offsetMs: 5_000 });
    expect(waterfallOf(spans('cancelled'))[1]?.shiftedMs).toBeUndefined();
  });

  it('never moves what has its parent’s clock', () => {
    const rows = waterfallOf([spanOf(1, { startedAt: 50 }), spanOf(2, { of: 1, startedAt: 40 })]);
    expect(rows.every(({ shiftedMs }) => shiftedMs === undefined)).toBe(true);
    expect(rows[1]?.offsetMs).toBe(0);
  });

  it('draws what still runs up to the newest time that is known', () => {
    const rows = waterfallOf([
      spanOf(1, { startedAt: 0, endedAt: undefined }),
      spanOf(2, { of: 1, startedAt: 10, endedAt: 70 }),
    ]);
    expect(rows[0]?.durationMs).toBe(70);
  });

  it('takes circles, spans that are their own parent, and the same span many times', () => {
    const rows = waterfallOf([
      spanOf(1, { of: 3, startedAt: 5 }),
      spanOf(2, { of: 1, startedAt: 6 }),
      spanOf(3, { of: 2, startedAt: 7 }),
      spanOf(4, { of: 4 }),
      spanOf(4, { of: 4 }),
      spanOf(4),
    ]);
    expect(rows.map(({ span }) => span.name).sort()).toEqual(['span 1', 'span 2', 'span 3', 'span 4']);
  });

  it('takes a chain as long as a stranger likes, and a parent of thousands', () => {
    const chain = Array.from({ length: 20_000 }, (_, i) => spanOf(i + 1, i === 0 ? {} : { of: i }));
    expect(waterfallOf(chain)).toHaveLength(maxRows);
    expect(waterfallOf(chain).at(-1)?.depth).toBe(maxRows - 1);
    const star = Array.from({ length: 5_000 }, (_, i) => spanOf(i + 1, i === 0 ? {} : { of: 1 }));
    expect(waterfallOf(star)).toHaveLength(5_000);
  });

  it('has every span once and no time below zero, whatever it is given', () => {
    const span = fc.record({
      id: fc.integer({ min: 1, max: 12 }),
      of: fc.option(fc.integer({ min: 1, max: 14 }), { nil: undefined }),
      kind: fc.constantFrom('internal' as const, 'client' as const, 'server' as const),
      startedAt: fc.integer({ min: 0, max: 1_000 }),
      endedAt: fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(span, { maxLength: 30 }), (input) => {
        const spans = input.map(({ id, of, ...rest }) =>
          spanOf(id, of === undefined ? rest : { ...rest, of }),
        );
        const rows = waterfallOf(spans);
        expect(rows).toHaveLength(new Set(input.map(({ id }) => id)).size);
        for (const { offsetMs, durationMs, selfMs } of rows) {
          expect(offsetMs).toBeGreaterThanOrEqual(0);
          expect(selfMs).toBeGreaterThanOrEqual(0);
          expect(selfMs).toBeLessThanOrEqual(durationMs);
        }
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe('traces in a list', () => {
  it('are named by their root, and know their job', () => {
    const summaries = summariesOf([
      spanOf(2, { of: 1, startedAt: 110, endedAt: 150, failure: 'it broke' }),
      spanOf(1, { name: 'job', startedAt: 100, endedAt: 190, fields: { job: 'j' } }),
      spanOf(3, { trace: 2, of: 8, name: 'served', startedAt: 300, endedAt: 310 }),
    ]);
    expect(
      summaries.map(({ name, durationMs, spans, failures, job }) => [name, durationMs, spans, failures, job]),
    ).toEqual([
      ['served', 10, 1, 0, undefined],
      ['job', 90, 2, 1, 'j'],
    ]);
    expect(traceOfJob(summaries, 'j')).toBe(summaries[1]?.traceId);
    expect(traceOfJob(summaries, 'k')).toBeUndefined();
  });
});
