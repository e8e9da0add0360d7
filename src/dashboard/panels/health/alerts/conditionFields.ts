import type { AlertRule } from '../../../../app/telemetryView.ts';
import { err, ok, type Result } from '../../../../core/result.ts';
import { formatPercent } from '../../../kit/format.ts';
import { formatMeasured, formatRate, formatSpan, type Unit } from '../../../kit/units.ts';

type Condition = AlertRule['condition'];
type Threshold = Extract<Condition, { kind: 'threshold' }>;

/** What a person can set of a condition, in the unit it is written in. */
export type ConditionField = {
  readonly key: string;
  readonly label: string;
  /** Behind the number: "s", "MB", "%", "min". */
  readonly unit: string;
  /** Of the written unit in that of the condition. */
  readonly scale: number;
  readonly least: number;
  readonly most: number;
  readonly whole: boolean;
  readonly value: number;
};

const minute = 60_000;
/** What is known of a metric, or of the one whose series a selector names. */
export type MetricWords = { readonly unit: Unit; readonly help: string };
type Describe = (selector: string) => MetricWords;

/** "How late the page’s timers run: 95th percentile over 5 min above 200 ms". */
export const conditionInWords = (condition: Condition, describe: Describe): string => {
  switch (condition.kind) {
    case 'threshold':
      return `${describe(condition.metric).help}: ${thresholdInWords(condition, describe)}`;
    case 'burn-rate':
      return `${describe(condition.total).help}: too few are ${labelIn(condition.good)}, and what a goal of ${percent(condition.objective)} allows is used up too fast`;
    case 'anomaly':
      return `${describe(condition.metric).help}: ${condition.direction === 'both' ? 'far from' : `far ${condition.direction}`} what it was over ${formatSpan(condition.windowMs)} (factor ${condition.factor})`;
    case 'absence':
      return `${describe(condition.metric).help}: not measured for ${formatSpan(condition.forMs)}`;
    case 'health':
      return condition.check === '*'
        ? 'A check of health needs attention'
        : `The check “${condition.check}” needs attention`;
    default:
      return condition satisfies never;
  }
};

const thresholdInWords = (threshold: Threshold, describe: Describe): string => {
  const { of, above, below, metric, windowMs } = threshold;
  const { unit } = describe(metric);
  const write = (value: number) => (of === 'rate' ? formatRate(value, unit) : formatMeasured(value, unit));
  const bounds = (more: string, less: string) =>
    [
      ...(above === undefined ? [] : [`${more} ${write(above)}`]),
      ...(below === undefined ? [] : [`${less} ${write(below)}`]),
    ].join(' or ');
  const span = formatSpan(windowMs);
  switch (of) {
    case 'latest':
      return bounds('above', 'below');
    case 'increase':
      return `${bounds('more than', 'less than')} in ${span}`;
    case 'change':
      return `changed by ${bounds('more than', 'less than')} in ${span}`;
    default:
      return `${statisticWords[of]} over ${span} ${bounds('above', 'below')}`;
  }
};
const statisticWords = {
  mean: 'mean',
  rate: 'rate',
  p50: 'median',
  p95: '95th percentile',
  p99: '99th percentile',
} as const;

/** `jobs{outcome="done"}`: “done”. */
const labelIn = (selector: string): string => {
  const label = /="([^"]*)"/.exec(selector)?.[1];
  return label === undefined ? selector : `“${label}”`;
};

/** The series that a condition looks at, as Prometheus writes them. */
export const selectorsOf = (condition: Condition): readonly string[] => {
  switch (condition.kind) {
    case 'burn-rate':
      return [condition.good, condition.total];
    case 'health':
      return [];
    default:
      return [condition.metric];
  }
};

export const fieldsOf = (condition: Condition, describe: Describe): readonly ConditionField[] => {
  switch (condition.kind) {
    case 'threshold':
      return thresholdFields(condition, describe(condition.metric).unit);
    case 'burn-rate':
      return [
        {
          ...field('objective', 'Goal', condition.objective),
          unit: '%',
          scale: 0.01,
          least: 50,
          most: 99.999,
        },
        {
          ...field('minimumEvents', 'Not before so many events', condition.minimumEvents),
          least: 1,
          whole: true,
        },
      ];
    case 'anomaly':
      return [
        {
          ...field('factor', 'How far is too far', condition.factor),
          unit: '× the usual spread',
          least: 1,
          most: 100,
        },
        { ...field('windowMs', 'Compared with', condition.windowMs), unit: 'min', scale: minute, least: 1 },
        {
          ...field('minimumSamples', 'Not before so many samples', condition.minimumSamples),
          least: 2,
          whole: true,
        },
      ];
    case 'absence':
      return [{ ...field('forMs', 'Silent for', condition.forMs), unit: 'min', scale: minute, least: 0.5 }];
    case 'health':
      return [];
    default:
      return condition satisfies never;
  }
};

/** The condition with what was typed, or what is wrong with each field. */
export const withTyped = (
  condition: Condition,
  fields: readonly ConditionField[],
  typed: Readonly<Record<string, string>>,
): Result<Condition, Readonly<Record<string, string>>> => {
  const values: Record<string, number> = {};
  const errors: Record<string, string> = {};
  for (const entry of fields) {
    const text = typed[entry.key] ?? written(entry);
    const value = Number(text.trim().replace(',', '.'));
    if (text.trim() === '' || !Number.isFinite(value)) errors[entry.key] = `“${text}” is no number.`;
    else if (value < entry.least || value > entry.most)
      errors[entry.key] =
        `Between ${entry.least} and ${entry.most.toLocaleString('en-US')} ${entry.unit}, please.`.replace(
          ' ,',
          ',',
        );
    else if (entry.whole && !Number.isInteger(value)) errors[entry.key] = 'A whole number, please.';
    else values[entry.key] = text === written(entry) ? entry.value : rounded(value * entry.scale);
  }
  const { above, below } = { ...condition, ...values } as { above?: number; below?: number };
  if (above !== undefined && below !== undefined && below >= above)
    errors['below'] = 'Must be less than the bound above, or it would always fire.';
  return Object.keys(errors).length > 0 ? err(errors) : ok({ ...condition, ...values } as Condition);
};

/** A field's number as it stands in its box. */
export const written = ({ value, scale }: ConditionField): string => String(rounded(value / scale));

const thresholdFields = (condition: Threshold, unit: Unit): readonly ConditionField[] => {
  const bound = (key: 'above' | 'below', label: string): readonly ConditionField[] => {
    const value = condition[key];
    if (value === undefined) return [];
    const { words, scale } = writtenUnit(unit, value);
    const suffix = condition.of === 'rate' ? `${words} per second`.trim() : words;
    return [{ ...field(key, label, value), unit: suffix, scale, most: unit === 'ratio' ? 100 : 1e15 }];
  };
  return [
    ...bound('above', 'Fires above'),
    ...bound('below', 'Fires below'),
    {
      ...field('windowMs', 'Measured over', condition.windowMs),
      unit: 'min',
      scale: minute,
      least: 0.1,
      most: 7 * 24 * 60,
    },
    ...(condition.minimumSamples === undefined
      ? []
      : [
          {
            ...field('minimumSamples', 'Not before so many samples', condition.minimumSamples),
            least: 1,
            whole: true,
          },
        ]),
  ];
};

/** The unit in which a bound is written: milliseconds for what is short, MB for what is large. */
const writtenUnit = (unit: Unit, value: number): { readonly words: string; readonly scale: number } => {
  if (unit === 'seconds') return value < 1 ? { words: 'ms', scale: 0.001 } : { words: 's', scale: 1 };
  if (unit === 'ratio') return { words: '%', scale: 0.01 };
  if (unit === 'bytes') return value >= 1e6 ? { words: 'MB', scale: 1e6 } : { words: 'kB', scale: 1e3 };
  return { words: '', scale: 1 };
};

const field = (key: string, label: string, value: number): ConditionField => ({
  key,
  label,
  value,
  unit: '',
  scale: 1,
  least: 0,
  most: 1_000_000,
  whole: false,
});

/** Without the last digits that scaling leaves: 0.29 / 0.01 is 28.999999999999996. */
const rounded = (value: number): number => Number(value.toPrecision(12));
const percent = (share: number): string =>
  share > 0.99 && share < 1 ? `${rounded(share * 100)} %` : formatPercent(share);
