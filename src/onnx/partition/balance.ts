/**
 * Which gates to cut at: of all ways to put segments in a row into as many stages as there are capacities, the one whose
 * fullest stage is least full, then whose fillings are most alike, then that sends least. (The linear partition problem, by
 * dynamic programming.)
 */
export type Segment = {
  /** What it needs, by name, with its cost; what two segments of one stage need is counted once. */
  readonly needs: ReadonlyMap<string, number>;
  /** Of what is sent if it is the last of a stage: elements. */
  readonly sent: number;
};

/** The last segment of each stage but the last one; undefined if there are fewer segments than stages. */
export const balance = (
  segments: readonly Segment[],
  capacities: readonly number[],
): readonly number[] | undefined => {
  const stages = capacities.length;
  if (segments.length < stages) return undefined;
  /** By number of stages and of segments in them. */
  const best: (Filling | undefined)[][] = capacities.map(() => []);
  segments.forEach((_, start) => {
    const counted = new Set<string>();
    let cost = 0;
    for (let end = start; end < segments.length; end++) {
      for (const [name, more] of segments[end]?.needs ?? []) {
        if (!counted.has(name)) cost += more;
        counted.add(name);
      }
      for (let stage = 0; stage < stages; stage++) {
        const before = stage === 0 ? (start === 0 ? nothing : undefined) : best[stage - 1]?.[start];
        const row = best[stage];
        if (before === undefined || row === undefined) continue;
        const filling = fill(before, cost / (capacities[stage] ?? 1), start, segments[end]?.sent ?? 0);
        const other = row[end + 1];
        if (other === undefined || isBetter(filling, other)) row[end + 1] = filling;
      }
    }
  });
  const lasts: number[] = [];
  for (let at = best[stages - 1]?.[segments.length]; at?.before !== undefined; at = at.before)
    if (at.start > 0) lasts.unshift(at.start - 1);
  return lasts;
};

type Filling = {
  readonly fullest: number;
  readonly squares: number;
  readonly sent: number;
  /** Of the last stage: its first segment. */
  readonly start: number;
  readonly before: Filling | undefined;
};
const nothing: Filling = { fullest: 0, squares: 0, sent: 0, start: 0, before: undefined };

const fill = (before: Filling, filling: number, start: number, sent: number): Filling => ({
  fullest: Math.max(before.fullest, filling),
  squares: before.squares + filling * filling,
  sent: before.sent + sent,
  start,
  before,
});

const isBetter = (a: Filling, b: Filling): boolean => {
  if (a.fullest !== b.fullest) return a.fullest < b.fullest;
  if (a.squares !== b.squares) return a.squares < b.squares;
  return a.sent < b.sent;
};
