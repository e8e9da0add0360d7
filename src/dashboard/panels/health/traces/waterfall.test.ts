import { describe, expect, it } from 'vitest';
import type { WaterfallRow } from '../../../../app/telemetryView.ts';
import { fixtureTelemetry } from '../../../telemetryDoubles.ts';
import { filterTraces } from './traceList.ts';
import { axisOf, drawnRows, inSight, moved, parentIndex, ticksOf } from './waterfall.ts';

const row = (
  id: string,
  depth: number,
  offsetMs: number,
  durationMs: number,
  rest: { readonly parent?: string; readonly where?: string; readonly running?: boolean } = {},
): WaterfallRow => ({
  span: {
    context: { traceId: 't', spanId: id, sampled: true },
    parentId: rest.parent,
    name: id,
    kind: 'internal',
    where: rest.where ?? 'tab',
    startedAt: offsetMs,
    endedAt: rest.running ? undefined : offsetMs + durationMs,
    fields: {},
    events: [],
    failure: undefined,
  },
  depth,
  orphan: false,
  offsetMs,
  durationMs,
  selfMs: 0,
  critical: false,
});
const tree = [
  row('root', 0, 0, 100),
  row('a', 1, 10, 40, { parent: 'root' }),
  row('a1', 2, 12, 10, { parent: 'a' }),
  row('b', 1, 50, 50, { parent: 'root' }),
];
const ids = (collapsed: readonly string[]) => drawnRows(tree, new Set(collapsed)).map(({ id }) => id);

describe('the rows', () => {
  it('are all there, and without what hangs below a collapsed one', () => {
    expect(ids([])).toEqual(['root', 'a', 'a1', 'b']);
    expect(ids(['a'])).toEqual(['root', 'a', 'b']);
    expect(ids(['root'])).toEqual(['root']);
    expect(ids(['a1'])).toEqual(['root', 'a', 'a1', 'b']);
  });
  it('know what they hang below', () => {
    const rows = drawnRows(tree, new Set());
    expect(rows.map((_, index) => parentIndex(rows, index))).toEqual([-1, 0, 1, 0]);
    expect(rows.map(({ children }) => children)).toEqual([true, true, false, false]);
  });
  it('have bars on one axis, which begins where the first clock began', () => {
    const late = drawnRows([...tree, row('c', 1, -100, 50, { parent: 'root', where: 'peer' })], new Set());
    expect(late.map(({ left, width }) => [left, width])).toEqual([
      [0.5, 0.5],
      [0.55, 0.2],
      [0.56, 0.05],
      [0.75, 0.25],
      [0, 0.25],
    ]);
  });
  it('of an empty or instant trace divide by nothing', () => {
    expect(axisOf([])).toEqual({ fromMs: 0, toMs: 1 });
    expect(drawnRows([row('now', 0, 0, 0)], new Set())[0]).toMatchObject({ left: 0, width: 0 });
  });
  it('say where two clocks don’t agree, but not of one place, nor of what still runs', () => {
    const shifted = (child: WaterfallRow) =>
      drawnRows([row('root', 0, 0, 100), child], new Set())[1]?.shifted;
    expect(shifted(row('x', 1, -5, 50, { parent: 'root', where: 'peer' }))).toBe(true);
    expect(shifted(row('x', 1, 80, 50, { parent: 'root', where: 'peer' }))).toBe(true);
    expect(shifted(row('x', 1, -1, 50, { parent: 'root', where: 'peer' }))).toBe(false);
    expect(shifted(row('x', 1, 80, 50, { parent: 'root' }))).toBe(false);
    expect(shifted(row('x', 1, 80, 50, { parent: 'root', where: 'peer', running: true }))).toBe(false);
  });
});

describe('what is drawn', () => {
  it('is what is in sight, and little more', () => {
    expect(inSight(1_000, 30, 0, 600)).toEqual({ first: 0, last: 28 });
    expect(inSight(1_000, 30, 15_000, 600)).toEqual({ first: 492, last: 528 });
    expect(inSight(5, 30, 0, 600)).toEqual({ first: 0, last: 5 });
  });
  it('has round ticks', () => {
    expect(ticksOf({ fromMs: 0, toMs: 3_240 }, 5)).toEqual([0, 1_000, 2_000, 3_000]);
    expect(ticksOf({ fromMs: -30, toMs: 70 }, 5)).toEqual([-20, 0, 20, 40, 60]);
    expect(ticksOf({ fromMs: 0, toMs: 0.7 }, 4)).toEqual([0, 0.2, 0.4, 0.6]);
  });
  it('is walked through without leaving it', () => {
    expect(moved(0, 'up', 4)).toBe(0);
    expect(moved(2, 'down', 4)).toBe(3);
    expect(moved(3, 'page-down', 4)).toBe(3);
    expect(moved(2, 'first', 4)).toBe(0);
  });
});

describe('the list of traces', () => {
  const traces = fixtureTelemetry('well', 1_000_000_000_000).traces.get();
  it('is filtered by words and failures', () => {
    const names = filterTraces(traces, { text: 'READ pages', failedOnly: false, order: 'newest' });
    expect(new Set(names.map(({ name }) => name))).toEqual(new Set(['Read 3 pages']));
    const failed = filterTraces(traces, { text: '', failedOnly: true, order: 'newest' });
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.every(({ failures }) => failures > 0)).toBe(true);
  });
  it('has the newest or the slowest first', () => {
    const slowest = filterTraces(traces, { text: '', failedOnly: false, order: 'slowest' });
    expect(slowest[0]?.durationMs).toBe(Math.max(...traces.map(({ durationMs }) => durationMs)));
    expect(filterTraces(traces, { text: '', failedOnly: false, order: 'newest' })[0]).toBe(traces[0]);
  });
});
