import { describe, expect, it } from 'vitest';
import { describeMetric } from '../metrics/catalogue.ts';
import { defaultRules } from './rules.ts';
import { parseSelector } from './selector.ts';
import type { AlertRule } from './types.ts';

const selectorsOf = ({ condition }: AlertRule): readonly string[] => {
  switch (condition.kind) {
    case 'burn-rate':
      return [condition.good, condition.total];
    case 'health':
      return [];
    default:
      return [condition.metric];
  }
};

describe('the rules', () => {
  it.each(defaultRules.flatMap((rule) => selectorsOf(rule).map((selector) => [rule.id, selector] as const)))(
    '%s looks at %s: a metric that is described, by labels it has',
    (_id, text) => {
      const selector = parseSelector(text);
      if (!selector.ok) throw new Error(selector.error.message);
      const described = describeMetric(selector.value.name);
      expect(described).toBeDefined();
      for (const { label } of selector.value.matchers) expect(described?.labels).toContain(label);
    },
  );
});
