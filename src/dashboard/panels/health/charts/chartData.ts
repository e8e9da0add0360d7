import type { ChartRange } from '../../../../app/telemetryView.ts';
import type { Part } from './chartModel.ts';

/** Columns for one chart. null is a gap; undefined means that the line has no point at this time, and goes on. */
export type ChartData = {
  readonly time: readonly number[];
  readonly columns: readonly (readonly (number | null | undefined)[])[];
};
export const noData: ChartData = { time: [], columns: [] };

/** One request for all lines that show the same of their series. */
export const queriesOf = (
  parts: readonly Part[],
): readonly { readonly show: Part['show']; readonly keys: readonly string[] }[] => {
  const keys = new Map<Part['show'], string[]>();
  for (const { show, key } of parts) {
    const known = keys.get(show);
    if (known) known.push(key);
    else keys.set(show, [key]);
  }
  return [...keys].map(([show, list]) => ({ show, keys: list }));
};

/** Answers to `queriesOf(parts)`, in its order, as the columns of `parts`. A line nobody answered for is one gap. */
export const columnsOf = (
  parts: readonly Part[],
  answers: readonly ChartRange[],
  maxPoints: number,
): ChartData => {
  const ranges = answers.map((range) => thin(withGaps(range), maxPoints));
  const shows = queriesOf(parts).map(({ show }) => show);
  const time = mergeTimes(ranges.map((range) => range.time));
  const columns = parts.map((part) => {
    const range = ranges[shows.indexOf(part.show)];
    const line = range?.lines.find(({ key }) => key === part.key);
    if (!range || !line) return time.map(() => null);
    return range.time.length === time.length ? line.values : spread(range.time, line.values, time);
  });
  return { time, columns };
};

/** Where more than a step and a half is missing, a moment without values: lines must not bridge what was not measured. */
export const withGaps = (range: ChartRange): ChartRange => {
  const { time, stepMs } = range;
  const longest = (stepMs / 1_000) * 1.5;
  const before = time.flatMap((at, index) => {
    const last = time[index - 1];
    return last !== undefined && at - last > longest ? [index] : [];
  });
  if (before.length === 0) return range;
  const gaps = new Set(before);
  const insert = <T>(values: readonly T[], gap: (index: number) => T): readonly T[] =>
    values.flatMap((value, index) => (gaps.has(index) ? [gap(index), value] : [value]));
  return {
    stepMs,
    time: insert(time, (index) => (time[index - 1] ?? 0) + stepMs / 1_000),
    lines: range.lines.map((line) => ({ ...line, values: insert<number | null>(line.values, () => null) })),
  };
};

/**
 * At most two points for each of `maxPoints / 2` stretches: the lowest and the highest of each line, in the order in which
 * they were, so that no peak is lost. Does nothing to what is short enough.
 */
export const thin = (range: ChartRange, maxPoints: number): ChartRange => {
  const { time } = range;
  const stretches = Math.max(1, Math.floor(maxPoints / 2));
  if (time.length <= stretches * 2) return range;
  const starts = Array.from({ length: stretches + 1 }, (_, index) =>
    Math.floor((index * time.length) / stretches),
  );
  const thinTime: number[] = [];
  for (let i = 0; i < stretches; i++) {
    const start = starts[i] ?? 0;
    const end = starts[i + 1] ?? time.length;
    thinTime.push(time[start] ?? 0, time[(start + end) >> 1] ?? 0);
  }
  const lines = range.lines.map((line) => {
    const values: (number | null)[] = [];
    for (let i = 0; i < stretches; i++)
      values.push(...extremes(line.values, starts[i] ?? 0, starts[i + 1] ?? time.length));
    return { ...line, values };
  });
  return { ...range, time: thinTime, lines };
};

const extremes = (
  values: readonly (number | null)[],
  start: number,
  end: number,
): readonly [number | null, number | null] => {
  let low: number | null = null;
  let high: number | null = null;
  let lowAt = start;
  let highAt = start;
  for (let i = start; i < end; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    if (low === null || value < low) [low, lowAt] = [value, i];
    if (high === null || value > high) [high, highAt] = [value, i];
  }
  return lowAt <= highAt ? [low, high] : [high, low];
};

const mergeTimes = (times: readonly (readonly number[])[]): readonly number[] => {
  const [first, ...others] = times;
  if (!first) return [];
  const same = (list: readonly number[]) =>
    list.length === first.length && list.every((at, index) => at === first[index]);
  return others.every(same) ? first : [...new Set(times.flat())].sort((a, b) => a - b);
};

const spread = (
  from: readonly number[],
  values: readonly (number | null)[],
  to: readonly number[],
): readonly (number | null | undefined)[] => {
  const known = new Map(from.map((at, index) => [at, values[index]]));
  return to.map((at) => known.get(at));
};
