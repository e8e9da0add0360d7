import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../../app/telemetryView.ts';
import {
  componentsOf,
  fieldsText,
  firstFilter,
  needsStore,
  newestFirst,
  queryOf,
  recentEntries,
} from './logQuery.ts';

const entry = (sequence: number, level: LogEntry['level'], component: string, at = sequence): LogEntry => ({
  sequence,
  at,
  level,
  component,
  message: 'x',
  fields: { peer: 'Abc', ms: 12, gone: undefined },
  traceId: undefined,
  spanId: undefined,
});
const entries = [entry(1, 'debug', 'rpc'), entry(2, 'warn', 'mesh'), entry(3, 'error', 'pool')];
const numbers = (list: readonly LogEntry[]) => list.map(({ sequence }) => sequence);

describe('the log', () => {
  it('shows newest first, and of one moment the later', () =>
    expect(
      numbers(newestFirst([entry(1, 'info', 'a', 5), entry(2, 'info', 'a', 5), entry(9, 'info', 'a', 4)])),
    ).toEqual([2, 1, 9]));
  it('keeps a level and what is more serious, and one component', () => {
    expect(numbers(recentEntries(entries, { ...firstFilter, level: 'warn' }))).toEqual([3, 2]);
    expect(numbers(recentEntries(entries, { ...firstFilter, level: 'debug', component: 'rpc' }))).toEqual([
      1,
    ]);
  });
  it('asks what is stored only for what is not at hand', () => {
    expect(needsStore(firstFilter)).toBe(false);
    expect(needsStore({ ...firstFilter, text: '  ' })).toBe(false);
    expect(needsStore({ ...firstFilter, text: 'link' })).toBe(true);
    expect(needsStore({ ...firstFilter, backMs: 1 })).toBe(true);
    expect(needsStore({ ...firstFilter, traceId: 'a' })).toBe(true);
  });
  it('asks for no more than was set', () => {
    expect(queryOf(firstFilter, 100, 50)).toEqual({ level: 'info', limit: 50 });
    expect(
      queryOf({ level: 'warn', component: 'rpc', text: ' a ', traceId: 't', backMs: 40 }, 100, 5),
    ).toEqual({
      level: 'warn',
      component: 'rpc',
      text: 'a',
      traceId: 't',
      from: 60,
      limit: 5,
    });
  });
  it('lists components once, those that only have a level too', () =>
    expect(componentsOf(entries, { default: 'info', ledger: 'debug' })).toEqual([
      'ledger',
      'mesh',
      'pool',
      'rpc',
    ]));
  it('writes fields without the absent ones', () =>
    expect(fieldsText(entry(1, 'info', 'a'))).toBe('peer=Abc ms=12'));
});
