import type { TimedValue } from './types.ts';

/**
 * Largest triangle three buckets (Steinarsson 2013): the indices of the points that keep a line's look. First and last are
 * always among them. All, if there are no more than `target` or the target is below 3.
 */
export const lttb = (points: readonly TimedValue[], target: number): number[] => {
  const n = points.length;
  if (target >= n || target < 3) return Array.from(points, (_, i) => i);
  const size = (n - 2) / (target - 2);
  const startOf = (bucket: number) => Math.floor(bucket * size) + 1;
  const kept = [0];
  let previous = 0;
  for (let bucket = 0; bucket < target - 2; bucket++) {
    const end = startOf(bucket + 1);
    const next = meanPoint(points, end, Math.min(n, startOf(bucket + 2)));
    previous = largestTriangle(points, previous, startOf(bucket), end, next);
    kept.push(previous);
  }
  kept.push(n - 1);
  return kept;
};

const largestTriangle = (
  points: readonly TimedValue[],
  previous: number,
  start: number,
  end: number,
  next: TimedValue,
): number => {
  const from = points[previous] ?? next;
  let best = start;
  let bestArea = -1;
  for (let i = start; i < end; i++) {
    const point = points[i];
    if (!point) continue;
    const area = Math.abs(
      (from.at - next.at) * (point.value - from.value) - (from.at - point.at) * (next.value - from.value),
    );
    if (area > bestArea) {
      bestArea = area;
      best = i;
    }
  }
  return best;
};

const meanPoint = (points: readonly TimedValue[], start: number, end: number): TimedValue => {
  let at = 0;
  let value = 0;
  const n = end - start;
  for (let i = start; i < end; i++) {
    at += (points[i]?.at ?? 0) / n;
    value += (points[i]?.value ?? 0) / n;
  }
  return { at, value };
};
