import { describe, expect, it } from 'vitest';
import { fixtureTelemetry } from '../../../telemetryDoubles.ts';
import {
  budgetInWords,
  changeInWords,
  formatAvailability,
  formatGoal,
  loadedInWords,
  reachedInWords,
  retentionOf,
  typedRetention,
} from './reportWords.ts';

describe('what is kept', () => {
  const policy = fixtureTelemetry('well', 0).retention.get();
  const typed = typedRetention(policy);
  it('comes back as it was if nothing was changed', () => {
    expect(typed).toEqual({ rawDays: '7', rawPoints: '10000', minuteDays: '30', hourDays: '365' });
    expect(retentionOf(typed)).toEqual({ ok: true, value: policy });
  });
  it('is refused box by box', () => {
    const result = retentionOf({ rawDays: 'x', rawPoints: '100.5', minuteDays: '', hourDays: '9999' });
    expect(result.ok ? {} : Object.keys(result.error)).toEqual([
      'rawDays',
      'rawPoints',
      'minuteDays',
      'hourDays',
    ]);
  });
  it('keeps the coarse at least as long as the fine', () => {
    const minutes = retentionOf({ ...typed, minuteDays: '3' });
    expect(minutes.ok ? {} : minutes.error).toEqual({
      minuteDays: 'At least as long as every value is kept.',
    });
    const hours = retentionOf({ ...typed, hourDays: '10' });
    expect(hours.ok ? {} : hours.error).toEqual({ hourDays: 'At least as long as the minutes are kept.' });
  });
});

describe('advice in words', () => {
  it('never rounds an availability up', () => {
    expect(formatAvailability(1)).toBe('100\u00a0%');
    expect(formatAvailability(0.999_999)).toBe('99.999\u00a0%');
    expect(formatAvailability(0.992_79)).toBe('99.27\u00a0%');
    expect(formatAvailability(0.5)).toBe('50.0\u00a0%');
    expect(formatAvailability(0)).toBe('0.0\u00a0%');
  });
  it('writes a goal as it was set', () =>
    expect([0.99, 0.999, 0.5].map(formatGoal)).toEqual(['99\u00a0%', '99.9\u00a0%', '50\u00a0%']));
  it('says what is left of a budget, and how far it is overspent', () => {
    const level = {
      id: '',
      title: '',
      objective: 0.99,
      windowMs: 1,
      good: 1,
      total: 1,
      availability: 1,
      latency: undefined,
    };
    expect(budgetInWords({ ...level, budgetLeft: 0.28 })).toBe('28 % of its error budget is left');
    expect(budgetInWords({ ...level, budgetLeft: -0.7 })).toBe(
      'Overspent: 170 % of its error budget is used',
    );
    expect(budgetInWords({ ...level, total: 0, budgetLeft: undefined })).toBe('Nothing happened yet');
  });
  it('says when something is full only if it grows', () => {
    const saturation = { id: '', title: '', now: 1, limit: 2, unit: 'bytes', evidence: '' } as const;
    expect(reachedInWords({ ...saturation, reachedAt: undefined })).toBe('It does not grow.');
    const open = reachedInWords({ ...saturation, reachedAt: { likely: 0, earliest: 0, latest: undefined } });
    expect(open).toMatch(/^Full about .*, not before .*\.$/);
  });
  it('compares with the hour before', () => {
    expect(changeInWords(3.2)).toBe('3.2 times as often as in the hour before');
    expect(changeInWords(1)).toBe('as often as in the hour before');
    expect(changeInWords(undefined)).toBe('nothing to compare with');
  });
});

it('what was loaded is said with its numbers', () =>
  expect(loadedInWords({ format: 'cbor', series: 19, points: 12_400, lost: [] })).toBe(
    '12,400 points of 19 series were added from a CBOR file.',
  ));
