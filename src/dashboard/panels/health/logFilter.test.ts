import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../../../app/readModels.ts';
import { componentsOf, fieldsText, filterLog } from './logFilter.ts';

const entry = (at: number, level: LogEntry['level'], component: string, message: string): LogEntry => ({
  at,
  level,
  component,
  message,
  fields: { peer: 'Abc', ms: 12, gone: undefined },
});
const entries = [
  entry(1, 'debug', 'rpc', 'call answered'),
  entry(2, 'warn', 'mesh', 'Link lost'),
  entry(3, 'error', 'pool', 'worker crashed'),
];
const all = { level: 'debug', component: undefined, search: '' } as const;
const times = (filter: Parameters<typeof filterLog>[1]) => filterLog(entries, filter).map(({ at }) => at);

describe('the log', () => {
  it('shows newest first', () => expect(times(all)).toEqual([3, 2, 1]));
  it('keeps a level and what is more serious', () =>
    expect(times({ ...all, level: 'warn' })).toEqual([3, 2]));
  it('keeps one component', () => expect(times({ ...all, component: 'mesh' })).toEqual([2]));
  it('searches messages, components and fields, whatever the case', () => {
    expect(times({ ...all, search: 'link' })).toEqual([2]);
    expect(times({ ...all, search: ' RPC ' })).toEqual([1]);
    expect(times({ ...all, search: 'peer=abc' })).toEqual([3, 2, 1]);
    expect(times({ ...all, search: 'nothing of this' })).toEqual([]);
  });
  it('lists components once, in order', () => expect(componentsOf(entries)).toEqual(['mesh', 'pool', 'rpc']));
  it('writes fields without the absent ones', () => {
    const [first] = entries;
    expect(first && fieldsText(first)).toBe('peer=Abc ms=12');
  });
});
