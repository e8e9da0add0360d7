import type { SignalReader } from '../analytics/types.ts';
import type { HealthReport } from '../health/types.ts';
import { judgeAnomaly } from './anomaly.ts';
import type { SeriesFinder } from './selector.ts';
import { worstOf } from './severity.ts';
import type { AlertRule, Condition, Severity } from './types.ts';
import { sayShare, sayTime, sayValue } from './words.ts';

/** What conditions are judged by, at an instant. */
export type Signals = {
  readonly reader: SignalReader;
  readonly health: HealthReport | undefined;
  readonly finder: SeriesFinder;
  readonly now: number;
  /** Nothing from before is looked at: the clock jumped back there, and what is stored at those times is of two pasts. */
  readonly since: number;
  /** Since when evaluations follow each other without a gap. */
  readonly awakeSince: number;
  /** First moments after each sleep or start: links are still dead then, and that says nothing about the service. */
  readonly settling: readonly { readonly from: number; readonly to: number }[];
};

/** `unknown`: too little was measured to say. */
export type Verdict = {
  readonly series: string | undefined;
  readonly state: 'holds' | 'clear' | 'unknown';
  readonly severity: Severity;
  readonly message: string;
};

/** What a rule's condition comes to now, for each of its series. Pure; finite work for each series. */
export const judge = (rule: AlertRule, signals: Signals): readonly Verdict[] => {
  const { condition } = rule;
  switch (condition.kind) {
    case 'threshold':
      return signals.finder
        .find(signals.reader, condition.metric)
        .map((key) => ({ series: key, severity: rule.severity, ...judgeThreshold(condition, key, signals) }));
    case 'anomaly':
      return signals.finder
        .find(signals.reader, condition.metric)
        .map((key) => ({ series: key, severity: rule.severity, ...judgeAnomaly(condition, key, signals) }));
    case 'burn-rate':
      return [judgeBurn(condition, rule.severity, signals)];
    case 'absence':
      return [{ series: undefined, severity: rule.severity, ...judgeAbsence(condition, signals) }];
    case 'health':
      return judgeHealth(condition, rule.severity, signals);
    default:
      return condition satisfies never;
  }
};

export type Judgement = Pick<Verdict, 'state' | 'message'>;
type Of<Kind extends Condition['kind']> = Extract<Condition, { kind: Kind }>;

const unknown: Judgement = { state: 'unknown', message: 'too little was measured' };

const judgeThreshold = (condition: Of<'threshold'>, key: string, signals: Signals): Judgement => {
  const measured = measure(condition, key, signals);
  if (!measured || measured.samples < (condition.minimumSamples ?? 1)) return unknown;
  const { value } = measured;
  const { above, below, metric, windowMs } = condition;
  const what = `${key}: ${words[condition.of]} within ${sayTime(windowMs)} is ${sayValue(metric, value)}`;
  if (above !== undefined && value > above)
    return { state: 'holds', message: `${what}; more than ${sayValue(metric, above)} is too much` };
  if (below !== undefined && value < below)
    return { state: 'holds', message: `${what}; less than ${sayValue(metric, below)} is too little` };
  return { state: 'clear', message: what };
};

const words = {
  latest: 'the newest value',
  mean: 'the mean',
  rate: 'the rate per second',
  increase: 'what was added',
  change: 'the change',
  p50: 'the median',
  p95: 'the 95th percentile',
  p99: 'the 99th percentile',
} as const satisfies Record<Of<'threshold'>['of'], string>;
const quantiles = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

const measure = (
  { of, windowMs }: Of<'threshold'>,
  key: string,
  { reader, now, since }: Signals,
): { readonly value: number; readonly samples: number } | undefined => {
  const from = Math.max(now - windowMs, since);
  if (of === 'latest') {
    const newest = reader.latest(key);
    return newest && newest.at >= from && newest.at <= now ? { value: newest.value, samples: 1 } : undefined;
  }
  if (of === 'p50' || of === 'p95' || of === 'p99') {
    const sketch = reader.distribution(key, from, now);
    const value = sketch?.quantile(quantiles[of]);
    if (sketch && value !== undefined) return { value, samples: sketch.count };
  }
  const values = reader.values(key, from, now);
  const [first, last] = [values[0], values.at(-1)];
  if (!first || !last) return undefined;
  const samples = values.length;
  switch (of) {
    case 'increase':
      return { value: reader.increase(key, from, now), samples };
    case 'rate':
      return { value: reader.increase(key, from, now) / (Math.max(1, now - from) / 1_000), samples };
    case 'change':
      return { value: last.value - first.value, samples };
    case 'mean':
      return { value: values.reduce((sum, { value }) => sum + value, 0) / samples, samples };
    default: {
      const sorted = values.map(({ value }) => value).sort((a, b) => a - b);
      return { value: sorted[Math.ceil(quantiles[of] * samples) - 1] ?? first.value, samples };
    }
  }
};

/**
 * Burn rate: the share of failures over the share that the objective allows (Google, The Site Reliability Workbook, chapter 5).
 * A window counts if its long and its short part burn: the long one makes it significant, the short one ends it soon.
 */
const judgeBurn = (condition: Of<'burn-rate'>, fallback: Severity, signals: Signals): Verdict => {
  const good = signals.finder.find(signals.reader, condition.good);
  const total = signals.finder.find(signals.reader, condition.total);
  const within = (windowMs: number) => countWithin(good, total, windowMs, signals);
  const allowed = 1 - condition.objective;
  let enough = false;
  const held = condition.windows.flatMap((window) => {
    const long = within(window.longMs);
    if (long.total < (window.minimumEvents ?? condition.minimumEvents)) return [];
    enough = true;
    if (long.bad < (condition.minimumFailures ?? 1) || long.bad / long.total < window.factor * allowed)
      return [];
    const short = within(window.shortMs);
    const burning = short.total > 0 && short.bad / short.total >= window.factor * allowed;
    return burning ? [{ ...window, ...long }] : [];
  });
  const [first] = held;
  if (!first)
    return {
      series: undefined,
      severity: fallback,
      state: enough ? 'clear' : 'unknown',
      message: enough ? `${condition.total} keeps its objective` : unknown.message,
    };
  return {
    series: undefined,
    severity: worstOf(held.map(({ severity }) => severity)),
    state: 'holds',
    message: `${first.bad} of ${first.total} failed within ${sayTime(first.longMs)} (${sayShare(first.bad / first.total)}; the objective allows ${sayShare(allowed)}): the error budget burns ${Math.round(first.bad / first.total / allowed)} times as fast as it may`,
  };
};

const countWithin = (
  good: readonly string[],
  total: readonly string[],
  windowMs: number,
  { reader, now, since, settling }: Signals,
): { readonly bad: number; readonly total: number } => {
  const from = Math.max(now - windowMs, since);
  const added = (keys: readonly string[]): number =>
    keys.reduce((sum, key) => {
      let each = reader.increase(key, from, now);
      for (const span of settling) {
        const [start, end] = [Math.max(from, span.from), Math.min(now, span.to)];
        if (start < end) each -= reader.increase(key, start, end);
      }
      return sum + each;
    }, 0);
  const all = added(total);
  return { total: all, bad: Math.max(0, all - added(good)) };
};

/** A tab that slept has measured nothing and lost nothing: only time awake counts. What was never there is not missing. */
const judgeAbsence = (
  { metric, forMs }: Of<'absence'>,
  { reader, finder, now, awakeSince }: Signals,
): Judgement => {
  const newest = finder
    .find(reader, metric)
    .reduce((at, key) => Math.max(at, reader.latest(key)?.at ?? at), Number.NEGATIVE_INFINITY);
  if (newest === Number.NEGATIVE_INFINITY || now - newest > forgottenAfterMs) return unknown;
  if (newest > now) return unknown; // written before the clock was set back
  const missing = now - Math.max(newest, awakeSince);
  return missing >= forMs
    ? { state: 'holds', message: `${metric} has not been measured for ${sayTime(now - newest)}` }
    : { state: now - newest < forMs ? 'clear' : 'unknown', message: `${metric} is measured` };
};
/** A metric that nothing writes any more, because a newer version has no such metric, is not missed for ever. */
const forgottenAfterMs = 86_400_000;

const judgeHealth = ({ check }: Of<'health'>, severity: Severity, { health }: Signals): readonly Verdict[] =>
  (health?.checks ?? [])
    .filter(({ id }) => check === '*' || id === check)
    .map(({ id, title, state, message }) => ({
      series: id,
      severity,
      state: state === 'bad' ? 'holds' : state === 'unknown' ? 'unknown' : 'clear',
      message: `${title}: ${message}`,
    }));
