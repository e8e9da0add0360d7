import type { Placed } from './placing.ts';

/**
 * The spans that decided how long the first of them took: from its end back to its start, always the child that ended last
 * before what comes after it began (Yang and Miller 1988; the same walk as in Jaeger's and Uber's CRISP).
 */
export const criticalSpans = (rows: readonly Placed[]): ReadonlySet<Placed> => {
  const critical = new Set<Placed>();
  const root = longestTop(rows);
  if (!root) return critical;
  const stack: { readonly row: Placed; readonly until: number }[] = [{ row: root, until: root.end }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    critical.add(next.row);
    let until = next.until;
    for (const child of [...next.row.children].sort((a, b) => b.end - a.end || b.start - a.start)) {
      // What outlasts its parent, or overlaps what is on the path already, was not waited for.
      if (child.end > until || child.start < next.row.start) continue;
      stack.push({ row: child, until: child.end });
      until = child.start;
    }
  }
  return critical;
};

const longestTop = (rows: readonly Placed[]): Placed | undefined =>
  rows
    .filter(({ depth }) => depth === 0)
    .reduce<Placed | undefined>(
      (best, row) => (best && best.end - best.start >= row.end - row.start ? best : row),
      undefined,
    );
