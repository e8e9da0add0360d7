import { describe, expect, it } from 'vitest';
import { fixtureTelemetry } from '../../../telemetryDoubles.ts';
import { inboxInWords, silencedInWords, silenceEnd, sortAlerts } from './alertWords.ts';

const alerts = fixtureTelemetry('trouble', 1_772_389_440_000).alerts.get();

describe('the inbox', () => {
  it('has what fires first, and of that the urgent', () => {
    const sorted = sortAlerts(alerts.toReversed());
    expect(sorted.map(({ state }) => state)).toEqual(['firing', 'firing', 'pending', 'resolved']);
    expect(sorted[0]?.severity).toBe('page');
  });
  it('is told in one sentence', () => {
    expect(inboxInWords(alerts)).toBe('2 alerts fire now.');
    expect(inboxInWords([])).toBe('Nothing fires now.');
  });
});

describe('a silence', () => {
  const now = new Date(2026, 2, 1, 18, 24).getTime();
  it('ends when it was asked to', () => {
    expect(silenceEnd('1 h', '', now)).toBe(now + 3_600_000);
    expect(silenceEnd('own', '0,5', now)).toBe(now + 1_800_000);
    expect(silenceEnd('tomorrow', '', now)).toBe(new Date(2026, 2, 2, 8).getTime());
  });
  it('has an end', () => {
    for (const hours of ['', 'x', '0', '-1', 'Infinity', '721'])
      expect(silenceEnd('own', hours, now)).toBeUndefined();
  });
  it('says what it keeps quiet', () => {
    const title = (rule: string) => (rule === 'a' ? 'Slow calls' : undefined);
    expect(silencedInWords({ rule: 'a' }, title)).toBe('Slow calls');
    expect(silencedInWords({ rule: 'gone' }, title)).toBe('gone');
    expect(silencedInWords({ group: 'mesh' }, title)).toBe('All of mesh');
    expect(silencedInWords('all', title)).toBe('Everything');
  });
});
