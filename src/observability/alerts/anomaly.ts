import { createBoundedMap } from '../../core/boundedMap.ts';
import { type Spread, spreadOf, zOf } from '../statistics/deviation.ts';
import { ewma, startEwma } from '../statistics/ewma.ts';
import { seasonalSpread } from '../statistics/seasonal.ts';
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
export const judgeAnomaly = (rule: string, condition: Anomaly, key: string, signals: Signals): Judgement => {
  const { windowMs, minimumSamples, metric, factor, method, direction } = condition;
  const stepMs = Math.max(shortestStepMs, windowMs / maxSteps);
  const { now, reader, baselines } = signals;
  const recent = meanOf(reader.values(key, now - Math.min(windowMs, stepMs), now));
  const until = now - (now % stepMs) - stepMs;
  const usual = baselines.of(`${rule} ${key}`, JSON.stringify([condition, until]), () => {
    const before = meansOf(reader.values(key, until - windowMs, until), stepMs, until);
    return before.length < minimumSamples ? undefined : usualOf(method, before, until + stepMs);
  });
  if (recent === undefined || !usual) return { state: 'unknown', message: 'too little was measured' };
  const deviation = zOf(recent, { ...usual, deviation: Math.max(usual.deviation, leastOf(usual)) });
  const out = { both: Math.abs(deviation), above: deviation, below: -deviation }[direction];
  const change = Math.abs(recent - usual.center);
  if (out <= factor || change < (condition.minimumChange ?? 0) * Math.abs(usual.center))
    return { state: 'clear', message: 'it is as usual again' };
  const what = `${sayValue(metric, recent)} in the last ${sayTime(stepMs)}; ${sayValue(metric, usual.center)} is usual`;
  return {
    state: 'holds',
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

/**
 * What is usual moves slowly and costs a look at everything: it is worked out once in a step, of what was there when the step
 * began. `of` returns what was made for this key and moment, or makes it.
 */
export type Baselines = ReturnType<typeof createBaselines>;
export const createBaselines = (limit = 2_000) => {
  const known = createBoundedMap<string, { readonly moment: string; readonly usual: Spread | undefined }>(
    limit,
  );
  return {
    of(key: string, moment: string, make: () => Spread | undefined): Spread | undefined {
      const kept = known.get(key);
      if (kept?.moment === moment) return kept.usual;
      const usual = make();
      known.set(key, { moment, usual });
      return usual;
    },
  };
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
