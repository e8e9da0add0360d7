import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogLevel } from '../../core/ports/telemetry.ts';
import { createTestClock } from '../traces/testDoubles.ts';
import { createLogBook } from './logBook.ts';
import { parseLogEntry, toJsonLines } from './query.ts';
import type { LogQuery } from './types.ts';

const createRig = () => {
  const time = createTestClock();
  const book = createLogBook(time, { keptEntries: 100 });
  const said = () => book.entries.get().map(({ message }) => message);
  const found = async (query: Partial<LogQuery>) =>
    (await book.search({ level: 'debug', limit: 100, ...query })).map(({ message }) => message);
  return { time, book, said, found };
};

describe('the log', () => {
  it('has a level for each component, changed while it runs', () => {
    const { book, said } = createRig();
    book.log('debug', 'mesh', 'too quiet');
    book.setLevel('mesh', 'debug');
    book.setLevel('default', 'error');
    book.log('debug', 'mesh', 'heard now');
    book.log('warn', 'ocr', 'not any more');
    expect(said()).toEqual(['heard now']);
    expect(book.levels.get()).toEqual({ default: 'error', mesh: 'debug' });
  });

  it('takes a component of any name for a name', () => {
    const { book, said } = createRig();
    book.log('info', '__proto__', 'a');
    book.log('info', 'constructor', 'b');
    expect(said()).toEqual(['a', 'b']);
  });

  it('ties an entry to its trace', async () => {
    const { book, found } = createRig();
    book.log('info', 'rpc', 'traced', { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), n: 1 });
    book.log('info', 'rpc', 'alone');
    expect(book.entries.get()[0]).toMatchObject({ traceId: 'ab'.repeat(16), fields: { n: 1 } });
    expect(await found({ traceId: 'ab'.repeat(16) })).toEqual(['traced']);
  });

  it('finds by level, component, time and words, the newest of them', async () => {
    const { time, book, found } = createRig();
    book.log('info', 'mesh', 'A link came', { peer: 'Ben' });
    time.advance(1_000);
    book.log('warn', 'ocr', 'a worker died');
    book.log('error', 'mesh', 'a link broke');
    expect(await found({ level: 'warn' })).toEqual(['a worker died', 'a link broke']);
    expect(await found({ component: 'mesh' })).toEqual(['A link came', 'a link broke']);
    expect(await found({ text: 'ben' })).toEqual(['A link came']);
    expect(await found({ text: 'LINK', limit: 1 })).toEqual(['a link broke']);
    expect(await found({ from: time.clock.now() })).toEqual(['a worker died', 'a link broke']);
    expect(await found({ to: time.clock.now() - 1 })).toEqual(['A link came']);
    for (const limit of [0, -1, Number.NaN]) expect(await found({ limit })).toHaveLength(1);
  });

  it('says once how often a message was repeated, and keeps room for others', async () => {
    const { time, book, said, found } = createRig();
    for (let i = 0; i < 100_000; i++) book.log('error', 'gpu', 'device lost');
    book.log('info', 'mesh', 'a peer came');
    expect(said()).toEqual([...Array<string>(5).fill('device lost'), 'a peer came']);
    expect(book.dropped()).toEqual({ repeat: 99_995, flood: 0 });
    time.advance(10_000);
    expect(await found({ component: 'gpu' })).toHaveLength(6);
    expect(book.entries.get().at(-1)).toMatchObject({
      message: 'device lost',
      level: 'error',
      fields: { repeated: 99_995 },
    });
  });

  it('limits a component that says something new each time', () => {
    const { time, book, said } = createRig();
    for (let i = 0; i < 10_000; i++) book.log('error', 'loop', `turn ${i}`);
    book.log('info', 'mesh', 'a peer came');
    expect(said()).toHaveLength(100);
    expect(said().at(-1)).toBe('a peer came');
    expect(book.dropped().flood).toBe(9_800);
    time.advance(20_000);
    book.log('error', 'loop', 'again');
    expect(said().at(-1)).toBe('again');
  });

  it('tells its readers once of what happens at once', async () => {
    const { book } = createRig();
    let told = 0;
    const stop = book.entries.subscribe(() => told++);
    for (let i = 0; i < 50; i++) book.log('info', 'test', `entry ${i}`);
    await Promise.resolve();
    expect(told).toBe(1);
    expect(book.entries.get()).toBe(book.entries.get());
    stop();
    book.log('info', 'test', 'unheard');
    await Promise.resolve();
    expect(told).toBe(1);
  });

  it('goes out as JSON, a line each, and comes back', () => {
    const { book } = createRig();
    book.log('warn', 'ocr', 'two\nlines "quoted"', { n: Number.NaN, yes: true });
    const lines = toJsonLines(book.entries.get());
    expect(lines.endsWith('\n')).toBe(true);
    expect(lines.trim().split('\n')).toHaveLength(1);
    expect(JSON.parse(lines)).toMatchObject({
      at: '2023-11-14T22:13:20.000Z',
      level: 'warn',
      message: 'two\nlines "quoted"',
      fields: { n: 'NaN', yes: true },
    });
    expect(book.entries.get().map((entry) => parseLogEntry(structuredClone(entry)))).toEqual(
      book.entries.get(),
    );
  });

  it('never throws, and reads back whatever it kept', () => {
    const { book } = createRig();
    const level = fc.constantFrom<LogLevel>('info', 'warn', 'error');
    const value = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(undefined));
    fc.assert(
      fc.property(level, fc.string(), fc.string(), fc.dictionary(fc.string(), value), (l, c, m, f) => {
        book.log(l, c, m, f);
      }),
      { seed: 11, numRuns: 300 },
    );
    for (const entry of book.entries.get()) {
      const stored: unknown = JSON.parse(JSON.stringify(entry));
      expect(parseLogEntry(stored)).toEqual({ ...entry, traceId: entry.traceId, spanId: entry.spanId });
    }
  });
});
