/** Linear between neighbours (Hyndman–Fan 7). `sorted` rises; `q` in [0, 1]. Undefined without values. */
export const quantileOf = (sorted: ArrayLike<number>, q: number): number | undefined => {
  if (sorted.length === 0 || !(q >= 0 && q <= 1)) return undefined;
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const low = sorted[below] ?? 0;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] ?? low;
  const share = position - below;
  return share === 0 ? low : low * (1 - share) + high * share; // not low + share·(high − low): that may overflow
};

/** Sorts a copy. NaN and infinities among the values are left out. */
export const medianOf = (values: Iterable<number>): number | undefined =>
  quantileOf(sortedFinite(values), 0.5);

export const sortedFinite = (values: Iterable<number>): Float64Array =>
  Float64Array.from([...values].filter(Number.isFinite)).sort();
