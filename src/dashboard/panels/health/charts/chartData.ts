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

/** What a frame can draw of all lines together. */
const drawnPoints = 20_000;
const fewestPoints = 200;

/** Two points for each pixel, or fewer where there are many lines. */
export const pointsFor = (lines: number, pixels: number): number =>
  Math.min(pixels * 2, Math.max(fewestPoints, Math.floor(drawnPoints / Math.max(1, lines))));

/** Where more than a step and a half is missing, a moment without values: lines must not bridge what was not measured. */
export const withGaps = (range: ChartRange): ChartRange => {
  const { time, stepMs } = range;
  const longest = (stepMs / 1_000) * 1.5;
  const gaps = new Set<number>();
  for (let i = 1; i < time.length; i++) if ((time[i] ?? 0) - (time[i - 1] ?? 0) > longest) gaps.add(i);
  if (gaps.size === 0) return range;
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
  const startOf = (stretch: number) => Math.floor((stretch * time.length) / stretches);
  const thinTime = new Array<number>(stretches * 2);
  for (let i = 0; i < stretches; i++) {
    thinTime[i * 2] = time[startOf(i)] ?? 0;
    thinTime[i * 2 + 1] = time[(startOf(i) + startOf(i + 1)) >> 1] ?? 0;
  }
  const lines = range.lines.map((line) => {
    const values = new Array<number | null>(stretches * 2);
    for (let i = 0; i < stretches; i++) writeExtremes(line.values, startOf(i), startOf(i + 1), values, i * 2);
    return { ...line, values };
  });
  return { ...range, time: thinTime, lines };
};

const writeExtremes = (
  values: readonly (number | null)[],
  start: number,
  end: number,
  into: (number | null)[],
  at: number,
): void => {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let lowAt = -1;
  let highAt = -1;
  for (let i = start; i < end; i++) {
    const value = values[i];
    if (value === null || value === undefined) continue;
    if (value < low) {
      low = value;
      lowAt = i;
    }
    if (value > high) {
      high = value;
      highAt = i;
    }
  }
  const known = lowAt >= 0;
  into[at] = known ? (lowAt <= highAt ? low : high) : null;
  into[at + 1] = known ? (lowAt <= highAt ? high : low) : null;
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
