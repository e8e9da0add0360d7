import * as v from 'valibot';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { parseWith } from '../../core/schema.ts';
import { parseSelector } from './selector.ts';
import type { AlertRule, Condition } from './types.ts';

/** What a person has changed of a rule. All else of it stays the product's, so that a newer version can better it. */
export type RuleChange = Pick<AlertRule, 'enabled'> & Partial<Pick<AlertRule, 'condition'>>;
export type RuleFault = Fault<'unknown-rule' | 'condition'>;

const dayMs = 86_400_000;
const text = v.pipe(v.string(), v.maxLength(512));
const selector = v.pipe(
  text,
  v.check((each) => parseSelector(each).ok, 'must select a metric: name{label="value"}'),
);
const span = (least: number, longest: number) =>
  v.pipe(
    v.number(),
    v.minValue(least, `must be at least ${least} ms`),
    v.maxValue(longest, `must be at most ${longest} ms`),
  );
const windowMs = span(10_000, 7 * dayMs);
const bound = v.pipe(v.number(), v.finite());
const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000));
const severity = v.picklist(['page', 'ticket', 'info']);

const thresholdSchema = v.pipe(
  v.strictObject({
    kind: v.literal('threshold'),
    metric: selector,
    of: v.picklist(['latest', 'mean', 'rate', 'increase', 'change', 'p50', 'p95', 'p99']),
    windowMs,
    above: v.exactOptional(bound),
    below: v.exactOptional(bound),
    minimumSamples: v.exactOptional(count),
  }),
  v.check(({ above, below }) => above !== undefined || below !== undefined, 'needs above or below'),
);
const burnSchema = v.strictObject({
  kind: v.literal('burn-rate'),
  good: selector,
  total: selector,
  objective: v.pipe(v.number(), v.minValue(0.5), v.maxValue(0.99999)),
  windows: v.pipe(
    v.array(
      v.pipe(
        v.strictObject({
          longMs: windowMs,
          shortMs: windowMs,
          factor: v.pipe(v.number(), v.minValue(0.1), v.maxValue(100_000)),
          severity,
          minimumEvents: v.exactOptional(count),
        }),
        v.check(({ longMs, shortMs }) => shortMs <= longMs, 'the short window must not be the longer one'),
      ),
    ),
    v.minLength(1),
    v.maxLength(8),
  ),
  minimumEvents: count,
  minimumFailures: v.exactOptional(count),
});
const anomalySchema = v.strictObject({
  kind: v.literal('anomaly'),
  metric: selector,
  method: v.picklist(['robust-z', 'ewma', 'seasonal']),
  windowMs: span(3_600_000, 7 * dayMs),
  factor: v.pipe(v.number(), v.minValue(1), v.maxValue(1_000)),
  direction: v.picklist(['both', 'above', 'below']),
  minimumSamples: count,
});

/** A condition from elsewhere (a form, storage): nothing in it can be without end or without bound. */
export const conditionSchema: v.GenericSchema<unknown, Condition> = v.variant('kind', [
  thresholdSchema,
  burnSchema,
  anomalySchema,
  v.strictObject({ kind: v.literal('absence'), metric: selector, forMs: span(60_000, dayMs) }),
  v.strictObject({ kind: v.literal('health'), check: v.pipe(v.string(), v.minLength(1), v.maxLength(100)) }),
]);

/** The rules as somebody changed them. Changes of rules that are no more are not looked at. */
export const applyChanges = (
  rules: readonly AlertRule[],
  changes: ReadonlyMap<string, RuleChange>,
): readonly AlertRule[] => rules.map((rule) => ({ ...rule, ...changes.get(rule.id) }));

/** Whether a rule may be changed so: its condition may get other numbers and metrics, not become another kind. */
export const checkChange = (
  rules: readonly AlertRule[],
  id: string,
  change: RuleChange,
): Result<RuleChange, RuleFault> => {
  const rule = rules.find((each) => each.id === id);
  if (!rule) return err(fault('unknown-rule', `there is no rule "${id.slice(0, 60)}"`));
  const { enabled, condition } = change;
  if (condition === undefined) return ok({ enabled });
  const parsed = parseWith(conditionSchema, condition);
  if (!parsed.ok) return err(fault('condition', parsed.error.message));
  if (parsed.value.kind !== rule.condition.kind)
    return err(
      fault(
        'condition',
        `the rule "${id}" is of kind ${rule.condition.kind}, not ${parsed.value.kind}: only its numbers can be changed`,
      ),
    );
  return ok({ enabled, condition: parsed.value });
};
