/**
 * A bounded set of what was seen last, as a value: adding costs a copy of one small piece, not of everything. Forgets
 * whole pieces, oldest first, so it remembers between `pieces − 1` and `pieces` times `pieceSize`.
 */
export type Seen<T> = { readonly recent: readonly T[]; readonly pieces: readonly ReadonlySet<T>[] };

const pieceSize = 64;

export const nothingSeen = <T>(): Seen<T> => ({ recent: [], pieces: [] });

export const hasSeen = <T>(seen: Seen<T>, item: T): boolean =>
  seen.recent.includes(item) || seen.pieces.some((piece) => piece.has(item));

export const withSeen = <T>(seen: Seen<T>, item: T, pieces: number): Seen<T> => {
  const recent = [...seen.recent, item];
  if (recent.length < pieceSize) return { recent, pieces: seen.pieces };
  return { recent: [], pieces: [new Set(recent), ...seen.pieces].slice(0, pieces) };
};
