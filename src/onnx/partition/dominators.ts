/**
 * Dominators of a directed acyclic graph whose vertices are numbered in topological order, 0 being the root: d dominates v if
 * every way from the root to v leads over d. Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001; one pass is
 * enough without cycles. Common ancestors are found with Myers' jump pointers ("An applicative random-access stack", 1983),
 * so that no graph makes it quadratic.
 */
export type Dominators = {
  /** The closest one, by vertex; the root's is itself. */
  readonly parent: Int32Array;
  readonly depth: Int32Array;
  /** By vertex: all that can be reached from it can only be reached over it. */
  readonly isGate: readonly boolean[];
};

/** `from[v]` are the vertices with an edge to v, each less than v; every vertex but the root has one. */
export const dominatorsOf = (from: readonly (readonly number[])[]): Dominators => {
  const count = from.length;
  const [parent, depth, jump] = [new Int32Array(count), new Int32Array(count), new Int32Array(count)];
  const at = (array: Int32Array, index: number) => array[index] ?? 0;
  const common = (a: number, b: number): number => {
    let [low, high] = at(depth, a) < at(depth, b) ? [a, b] : [b, a];
    while (at(depth, high) > at(depth, low))
      high = at(depth, at(jump, high)) >= at(depth, low) ? at(jump, high) : at(parent, high);
    while (low !== high) {
      const next = at(jump, low) === at(jump, high) ? parent : jump;
      [low, high] = [at(next, low), at(next, high)];
    }
    return low;
  };
  for (let vertex = 1; vertex < count; vertex++) {
    const above = (from[vertex] ?? []).reduce((a, b) => common(a, b));
    const far = at(jump, above);
    const isEven = at(depth, above) - at(depth, far) === at(depth, far) - at(depth, at(jump, far));
    parent[vertex] = above;
    depth[vertex] = at(depth, above) + 1;
    jump[vertex] = isEven ? at(jump, far) : above;
  }
  return { parent, depth, isGate: gatesOf(from, parent, depth) };
};

/** An edge u → w leaves everything that u is dominated by, up to the parent of w: none of those is a gate. */
const gatesOf = (from: readonly (readonly number[])[], parent: Int32Array, depth: Int32Array): boolean[] => {
  const highest = Int32Array.from(depth);
  from.forEach((sources, to) => {
    const reached = depth[parent[to] ?? 0] ?? 0;
    for (const source of sources) highest[source] = Math.min(highest[source] ?? 0, reached);
  });
  for (let vertex = from.length - 1; vertex > 0; vertex--) {
    const above = parent[vertex] ?? 0;
    highest[above] = Math.min(highest[above] ?? 0, highest[vertex] ?? 0);
  }
  return Array.from(depth, (own, vertex) => (highest[vertex] ?? 0) >= own);
};
