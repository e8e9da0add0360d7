import { convexHull, type FlatPoints } from './geometry.ts';

/** A connected region of text, as the convex hull of its pixels. */
export type Region = { readonly hull: FlatPoints; readonly pixels: number };

/**
 * Regions of values above a threshold, 8-connected. One pass over the rows joins horizontal runs with those of the
 * row above (union-find), so the cost is one look per pixel plus a little per run; pixels are never listed. A hull
 * needs only the first and last pixel of a region in each row.
 */
export const findRegions = (
  values: Float32Array,
  width: number,
  height: number,
  threshold: number,
): readonly Region[] => {
  const runs = collectRuns(values, width, height, threshold);
  const parents = joinRuns(runs);
  return gatherRegions(runs, parents);
};

/** Runs in reading order: `rows[i]`, and `starts[i]` … `ends[i]` (exclusive). */
type Runs = { readonly rows: number[]; readonly starts: number[]; readonly ends: number[] };

const collectRuns = (values: Float32Array, width: number, height: number, threshold: number): Runs => {
  const rows: number[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  for (let y = 0; y < height; y++) {
    const row = y * width;
    let x = 0;
    while (x < width) {
      while (x < width && (values[row + x] ?? 0) <= threshold) x++;
      if (x === width) break;
      const start = x;
      while (x < width && (values[row + x] ?? 0) > threshold) x++;
      rows.push(y);
      starts.push(start);
      ends.push(x);
    }
  }
  return { rows, starts, ends };
};

const joinRuns = ({ rows, starts, ends }: Runs): Int32Array => {
  const parents = Int32Array.from(rows.keys());
  let above = 0;
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    const start = starts[i] ?? 0;
    const end = ends[i] ?? 0;
    // Runs above that end left of this one can't touch a later run of this row either.
    while ((rows[above] ?? 0) < row - 1 || ((rows[above] ?? 0) === row - 1 && (ends[above] ?? 0) < start)) {
      above++;
    }
    for (let j = above; rows[j] === row - 1 && (starts[j] ?? 0) <= end; j++) union(parents, i, j);
  }
  return parents;
};

const find = (parents: Int32Array, index: number): number => {
  let root = index;
  while (parents[root] !== root) {
    const parent = parents[root] ?? root;
    parents[root] = parents[parent] ?? parent;
    root = parents[root] ?? root;
  }
  return root;
};

const union = (parents: Int32Array, a: number, b: number): void => {
  const rootA = find(parents, a);
  const rootB = find(parents, b);
  if (rootA !== rootB) parents[Math.max(rootA, rootB)] = Math.min(rootA, rootB);
};

type Outline = { points: number[]; row: number; pixels: number };

const gatherRegions = ({ rows, starts, ends }: Runs, parents: Int32Array): readonly Region[] => {
  const outlines = new Map<number, Outline>();
  for (let i = 0; i < rows.length; i++) {
    const root = find(parents, i);
    const row = rows[i] ?? 0;
    const left = starts[i] ?? 0;
    const right = ends[i] ?? 0;
    let outline = outlines.get(root);
    if (!outline) {
      outline = { points: [], row: -1, pixels: 0 };
      outlines.set(root, outline);
    }
    outline.pixels += right - left;
    // Pixel edges, not centres: a one-pixel line has an area, too.
    if (outline.row === row) {
      outline.points[outline.points.length - 4] = right;
      outline.points[outline.points.length - 2] = right;
    } else {
      outline.row = row;
      outline.points.push(left, row, left, row + 1, right, row, right, row + 1);
    }
  }
  return [...outlines.values()].map(({ points, pixels }) => ({ hull: hullOf(points), pixels }));
};

const hullOf = (points: readonly number[]): FlatPoints => {
  const order = Array.from({ length: points.length / 2 }, (_, i) => i);
  order.sort(
    (a, b) =>
      (points[a * 2 + 1] ?? 0) - (points[b * 2 + 1] ?? 0) || (points[a * 2] ?? 0) - (points[b * 2] ?? 0),
  );
  return convexHull(order.flatMap((i) => [points[i * 2] ?? 0, points[i * 2 + 1] ?? 0]));
};
