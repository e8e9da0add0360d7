import { ewma, type Spread, seasonalSpread, spreadOf, startEwma, zOf } from '../statistics/index.ts';
import type { Judgement, Signals } from './conditions.ts';
import type { Condition } from './types.ts';
import { sayTime, sayValue } from './words.ts';

type Anomaly = Extract<Condition, { kind: 'anomaly' }>;
type Value = { readonly at: number; readonly value: number };

/** The newest step is compared with the steps before it; shorter steps would compare noise. */
const shortestStepMs = 300_000;
const maxSteps = 288;
/** More days than three are not in memory. */
const daysNeeded = 3;
const smoothing = 0.2;

/**
 * Whether the mean of the newest step is out of line with the means of the steps before it within the window. Means of equal
 * steps are compared with each other, so what varies from sample to sample doesn't count.
 */
export const judgeAnomaly = (condition: Anomaly, key: string, signals: Signals): Judgement => {
  const { windowMs, minimumSamples, metric, factor, method, direction } = condition;
  const stepMs = Math.max(shortestStepMs, windowMs / maxSteps);
  const { now, since, reader } = signals;
  const from = Math.max(now - windowMs, since);
  const recent = meanOf(reader.values(key, Math.max(from, now - stepMs), now));
  const before = meansOf(reader.values(key, from, now - stepMs), stepMs, now);
  const usual = before.length < minimumSamples ? undefined : usualOf(method, before, now);
  if (recent === undefined || !usual) return { state: 'unknown', message: 'too little was measured' };
  const deviation = zOf(recent, { ...usual, deviation: Math.max(usual.deviation, leastOf(usual)) });
  const out = { both: Math.abs(deviation), above: deviation, below: -deviation }[direction];
  const what = `${sayValue(metric, recent)} in the last ${sayTime(stepMs)}; ${sayValue(metric, usual.center)} is usual`;
  return {
    state: out > factor ? 'holds' : 'clear',
    message: `${key}: ${what}${method === 'seasonal' ? ' at this time of day' : ''} (${Math.abs(deviation).toFixed(1)} deviations ${deviation < 0 ? 'less' : 'more'})`,
  };
};

const usualOf = (method: Anomaly['method'], means: readonly Value[], now: number): Spread | undefined => {
  if (method === 'seasonal') return seasonalSpread(means, now, { daysNeeded });
  if (method === 'robust-z') return spreadOf(means.map(({ value }) => value));
  const [first, ...rest] = means;
  if (!first) return undefined;
  const { mean, variance } = rest.reduce(
    (state, { value }) => ewma(state, value, smoothing),
    startEwma(first.value),
  );
  return { center: mean, deviation: Math.sqrt(variance) };
};

/** Where values hardly vary a twentieth of what is usual counts as a deviation: else the least change would be a great one. */
const leastOf = ({ center }: Spread): number => Math.abs(center) / 20;

/** Means of steps that end at `now`, so that they slide along and no edge of a step is anybody's edge. */
const meansOf = (values: readonly Value[], stepMs: number, now: number): readonly Value[] => {
  const means: Value[] = [];
  let [step, sum, count] = [Number.NaN, 0, 0];
  const close = () => {
    if (count > 0) means.push({ at: now - (step - 0.5) * stepMs, value: sum / count });
  };
  for (const { at, value } of values) {
    const own = Math.ceil((now - at) / stepMs);
    if (own !== step) {
      close();
      [step, sum, count] = [own, 0, 0];
    }
    sum += value;
    count++;
  }
  close();
  return means;
};

const meanOf = (values: readonly Value[]): number | undefined =>
  values.length === 0 ? undefined : values.reduce((sum, { value }) => sum + value, 0) / values.length;
