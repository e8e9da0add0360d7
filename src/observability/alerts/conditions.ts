import type { SignalReader } from '../analytics/types.ts';
import type { HealthReport } from '../health/types.ts';
import { type Baselines, judgeAnomaly } from './anomaly.ts';
import type { SeriesFinder } from './selector.ts';
import type { AlertRule, Condition, Severity } from './types.ts';
import { sayShare, sayTime, sayValue } from './words.ts';

/** What conditions are judged by, at an instant. */
export type Signals = {
  readonly reader: SignalReader;
  readonly health: HealthReport | undefined;
  readonly finder: SeriesFinder;
  readonly baselines: Baselines;
  readonly now: number;
  /** Since when evaluations follow each other without a gap. */
  readonly awakeSince: number;
  /** First moments after each sleep or start: links are still dead then, and that says nothing about the service. */
  readonly settling: readonly Span[];
  /** Pages of burn rates that are over: their failures were told, and are no reason to tell again. */
  readonly incidents: readonly (Span & { readonly rule: string })[];
};

type Span = { readonly from: number; readonly to: number };

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
      return signals.finder.find(signals.reader, condition.metric).map((key) => ({
        series: key,
        severity: rule.severity,
        ...judgeAnomaly(rule.id, condition, key, signals),
      }));
    case 'burn-rate':
      return judgeBurn(rule.id, condition, signals);
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

const clear: Judgement = { state: 'clear', message: 'it is as it should be again' };
const unknown: Judgement = { state: 'unknown', message: 'too little was measured' };

const judgeThreshold = (condition: Of<'threshold'>, key: string, signals: Signals): Judgement => {
  const measured = measure(condition, key, signals);
  if (!measured || measured.samples < (condition.minimumSamples ?? 1)) return unknown;
  const { value } = measured;
  const { above, below, metric, windowMs } = condition;
  const tooMuch = above !== undefined && value > above;
  if (!tooMuch && !(below !== undefined && value < below)) return clear;
  const what = `${key}: ${words[condition.of]} within ${sayTime(windowMs)} is ${sayValue(metric, value)}`;
  const limit = tooMuch
    ? `more than ${sayValue(metric, above)} is too much`
    : `less than ${sayValue(metric, below ?? 0)} is too little`;
  return { state: 'holds', message: `${what}; ${limit}` };
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
  { of, windowMs, minimumSamples }: Of<'threshold'>,
  key: string,
  { reader, now, awakeSince }: Signals,
): { readonly value: number; readonly samples: number } | undefined => {
  const from = now - windowMs;
  if (of === 'latest') {
    const newest = reader.latest(key);
    return newest && newest.at >= from && newest.at <= now ? { value: newest.value, samples: 1 } : undefined;
  }
  if (of === 'p50' || of === 'p95' || of === 'p99') {
    const sketch = reader.distribution(key, from, now);
    const value = sketch?.quantile(quantiles[of]);
    if (sketch && value !== undefined) return { value, samples: sketch.count };
  }
  if (of === 'increase' || of === 'rate') {
    const value = reader.increase(key, from, now);
    const samples = minimumSamples === undefined ? 1 : reader.values(key, from, now).length;
    return { value: of === 'rate' ? value / (Math.max(1, now - from) / 1_000) : value, samples };
  }
  const values = reader.values(key, from, now);
  const [first, last] = [values[0], values.at(-1)];
  if (!first || !last) return undefined;
  // Of a part of the window only, it would say that nothing changes because little time has passed.
  if (of === 'change' && now - Math.max(first.at, awakeSince) < 0.9 * windowMs) return undefined;
  const samples = values.length;
  switch (of) {
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
 * A window counts if its long and its short part burn: the long one makes it significant, the short one ends it soon. Windows of
 * each severity are an alert of their own, so that a page ends when its short windows say so; while a graver one holds, the
 * others are not news.
 */
const judgeBurn = (rule: string, condition: Of<'burn-rate'>, signals: Signals): readonly Verdict[] => {
  const apart = unionOf([...signals.settling, ...signals.incidents.filter((each) => each.rule === rule)]);
  const good = signals.finder.find(signals.reader, condition.good);
  const total = signals.finder.find(signals.reader, condition.total);
  const within = (windowMs: number, untilMs = 0) =>
    countWithin({ good, total, apart }, windowMs, untilMs, signals);
  const allowed = 1 - condition.objective;
  const verdicts: Verdict[] = [];
  for (const severity of ['page', 'ticket', 'info'] as const) {
    const windows = condition.windows.filter((window) => window.severity === severity);
    if (windows.length === 0) continue;
    const graver = verdicts.some(({ state }) => state === 'holds');
    verdicts.push({ series: severity, severity, ...judgeWindows(windows, condition, allowed, within) });
    const own = verdicts.at(-1);
    if (graver && own) verdicts.splice(-1, 1, { ...own, state: 'unknown' });
  }
  return verdicts;
};

const judgeWindows = (
  windows: Of<'burn-rate'>['windows'],
  { minimumEvents, minimumFailures = 1 }: Of<'burn-rate'>,
  allowed: number,
  within: (windowMs: number, untilMs?: number) => { readonly bad: number; readonly total: number },
): Judgement => {
  let enough = false;
  for (const { longMs, shortMs, factor, minimumEvents: own = minimumEvents } of windows) {
    const long = within(longMs);
    if (long.total < own) continue;
    enough = true;
    if (long.bad < minimumFailures || long.bad < long.total * factor * allowed) continue;
    // Of what began only now, a few bad seconds are a great share; a budget is of the whole window.
    if (within(longMs, longMs / 4).total === 0) continue;
    const short = within(shortMs);
    if (short.bad < Math.max(1, short.total * factor * allowed)) continue;
    // A single failure in a quiet hour must not bring back what the long window still remembers.
    if (short.bad < minimumFailures / 2) continue;
    const share = long.bad / long.total;
    return {
      state: 'holds',
      message: `${long.bad} of ${long.total} failed within ${sayTime(longMs)} (${sayShare(share)}; the objective allows ${sayShare(allowed)}): the error budget burns ${Math.round(share / allowed)} times as fast as it may`,
    };
  }
  return enough ? clear : unknown;
};

/** The same moments, none of them twice. */
const unionOf = (spans: readonly Span[]): readonly Span[] => {
  const union: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.from - b.from)) {
    const last = union.at(-1);
    if (last && span.from <= last.to)
      union.splice(-1, 1, { from: last.from, to: Math.max(last.to, span.to) });
    else union.push(span);
  }
  return union;
};

/** From `windowMs` ago to `untilMs` ago. */
const countWithin = (
  {
    good,
    total,
    apart,
  }: { readonly good: readonly string[]; readonly total: readonly string[]; readonly apart: readonly Span[] },
  windowMs: number,
  untilMs: number,
  { reader, now }: Signals,
): { readonly bad: number; readonly total: number } => {
  const from = now - windowMs;
  const to = now - untilMs;
  const added = (keys: readonly string[]): number =>
    keys.reduce((sum, key) => {
      let each = from < to ? reader.increase(key, from, to) : 0;
      for (const span of apart) {
        const [start, end] = [Math.max(from, span.from), Math.min(to, span.to)];
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
