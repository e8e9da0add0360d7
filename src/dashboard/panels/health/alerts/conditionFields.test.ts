import { describe, expect, it } from 'vitest';
import type { AlertRule } from '../../../../app/telemetryView.ts';
import { unitOfName } from '../../../kit/units.ts';
import { fixtureTelemetry } from '../../../telemetryDoubles.ts';
import { conditionInWords, fieldsOf, selectorsOf, withTyped, written } from './conditionFields.ts';

const slow = {
  kind: 'threshold',
  metric: 'rpc_seconds',
  of: 'p95',
  windowMs: 300_000,
  above: 0.29,
  minimumSamples: 20,
} as const;
const full = {
  kind: 'threshold',
  metric: 'storage_ratio',
  of: 'latest',
  windowMs: 60_000,
  above: 0.8,
} as const;
const typed = (condition: AlertRule['condition'], values: Readonly<Record<string, string>>) =>
  withTyped(condition, fieldsOf(condition, describeMetric), values);

const describeMetric = (selector: string) => ({
  unit: unitOfName(selector.replace(/\{.*$/, '')),
  help: `What ${selector.replace(/\{.*$/, '')} is`,
});

describe('a rule in words', () => {
  const threshold = (change: object) => conditionInWords({ ...slow, ...change }, describeMetric);
  it('says what, over how long, and the bound with its unit', () => {
    expect(threshold({})).toBe('What rpc_seconds is: 95th percentile over 5 min above 290 ms');
    expect(threshold({ of: 'increase', metric: 'crashed_total', above: 4 })).toBe(
      'What crashed_total is: more than 4 in 5 min',
    );
    expect(threshold({ of: 'change', metric: 'height', above: undefined, below: 2 })).toBe(
      'What height is: changed by less than 2 in 5 min',
    );
    expect(conditionInWords(full, describeMetric)).toBe('What storage_ratio is: above 80 %');
  });
  it('names the good ones of a goal by their label', () => {
    const goal = {
      kind: 'burn-rate',
      good: 'jobs_total{outcome="done"}',
      total: 'jobs_total{outcome!="cancelled"}',
      objective: 0.999,
      windows: [],
      minimumEvents: 20,
    } as const;
    expect(conditionInWords(goal, describeMetric)).toBe(
      'What jobs_total is: too few are “done”, and what a goal of 99.9 % allows is used up too fast',
    );
    expect(selectorsOf(goal)).toEqual([goal.good, goal.total]);
  });
  it('is said of every kind', () => {
    for (const { condition } of fixtureTelemetry('well', 0).rules.get())
      expect(conditionInWords(condition, describeMetric)).not.toMatch(/undefined|NaN/);
  });
});

describe('a rule that is set', () => {
  it('stands in the boxes in a unit for people', () => {
    expect(fieldsOf(slow, describeMetric).map((entry) => [entry.label, written(entry), entry.unit])).toEqual([
      ['Fires above', '290', 'ms'],
      ['Measured over', '5', 'min'],
      ['Not before so many samples', '20', ''],
    ]);
    expect(fieldsOf(full, describeMetric).map(written)).toEqual(['80', '1']);
  });

  it('comes back as it was if nothing was changed', () => {
    for (const { condition } of fixtureTelemetry('well', 0).rules.get())
      expect(typed(condition, {})).toEqual({ ok: true, value: condition });
  });

  it('takes numbers as people write them', () => {
    expect(typed(slow, { above: '1500', windowMs: '0,5' })).toEqual({
      ok: true,
      value: { ...slow, above: 1.5, windowMs: 30_000 },
    });
    expect(typed(full, { above: ' 92.5 ' })).toEqual({ ok: true, value: { ...full, above: 0.925 } });
  });

  it('says of each box what is wrong with it', () => {
    const result = typed(slow, { above: 'much', windowMs: '-1', minimumSamples: '2.5' });
    expect(result.ok ? {} : result.error).toEqual({
      above: '“much” is no number.',
      windowMs: 'Between 0.1 and 10,080 min, please.',
      minimumSamples: 'A whole number, please.',
    });
    for (const text of ['', ' ', 'NaN', 'Infinity', '1e999'])
      expect(typed(slow, { above: text }).ok).toBe(false);
  });

  it('refuses bounds between which there is nothing', () =>
    expect(typed({ ...full, below: 0.2 }, { below: '90' }).ok).toBe(false));
});
