import { describe, expect, it } from 'vitest';
import { createIncidentBook, parseIncident } from './incidents.ts';
import type { Incident } from './types.ts';

const incident = (startedAt: number, change: Partial<Incident> = {}): Incident => ({
  check: 'engine',
  startedAt,
  endedAt: startedAt + 500,
  message: 'the worker crashed',
  actions: [{ id: 'restart-worker', at: startedAt + 100, helped: true }],
  ...change,
});
const createDisk = (...stored: Incident[]) => {
  const items = [...stored];
  return {
    items,
    journal: {
      append: (item: Incident) => void items.push(item),
      read: async () => items.map((item) => ({ tab: 'a', item })),
    },
  };
};
const begun = (book: ReturnType<typeof createIncidentBook>) =>
  book.ended.get().map(({ startedAt }) => startedAt);

describe('a book of incidents', () => {
  it('shows those of earlier lives behind its own, and each once', async () => {
    const { items, journal } = createDisk(incident(1_000), incident(3_000));
    const book = createIncidentBook();
    book.add(incident(5_000));
    await book.keepIn(journal);
    book.add(incident(7_000));
    expect(begun(book)).toEqual([7_000, 5_000, 3_000, 1_000]);
    expect(items.map(({ startedAt }) => startedAt)).toEqual([1_000, 3_000, 5_000, 7_000]);
    const next = createIncidentBook();
    await next.keepIn(journal);
    expect(begun(next)).toEqual([7_000, 5_000, 3_000, 1_000]);
  });

  it('holds the newest hundred', async () => {
    const book = createIncidentBook();
    for (let i = 0; i < 150; i++) book.add(incident(i * 1_000));
    expect(begun(book)).toHaveLength(100);
    expect(begun(book).at(-1)).toBe(50_000);
  });

  it.each([
    ['nothing', null],
    ['one that goes on', incident(1, { endedAt: undefined })],
    ['one that ended before it began', incident(1_000, { endedAt: 10 })],
    ['a time that is none', incident(Number.NaN)],
    ['an action without a name', { ...incident(1), actions: [{ at: 1, helped: true }] }],
    ['a message without end', incident(1, { message: 'x'.repeat(5_000) })],
  ])('takes %s from no disk', (_what, value) => {
    expect(parseIncident(value)).toBeUndefined();
    expect(parseIncident(incident(1))).toEqual(incident(1));
  });
});
