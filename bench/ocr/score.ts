/**
 * Text as it is compared: line ends trimmed, empty lines dropped (they set paragraphs apart for people), runs of
 * spaces are one. Line breaks, tabs between cells, and the reading order all count.
 */
export const comparable = (text: string): string =>
  text
    .split('\n')
    .map((line) =>
      line
        .replace(/ +/g, ' ')
        .replace(/ *\t */g, '\t')
        .trim(),
    )
    .filter((line) => line !== '')
    .join('\n');

/** Levenshtein distance over code points, in two rows of memory. */
export const editDistance = (a: string, b: string): number => {
  const from = [...a];
  const to = [...b];
  let previous = Int32Array.from({ length: to.length + 1 }, (_, i) => i);
  let current = new Int32Array(to.length + 1);
  for (let i = 1; i <= from.length; i++) {
    current[0] = i;
    for (let j = 1; j <= to.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      current[j] = Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1);
    }
    [previous, current] = [current, previous];
  }
  return previous[to.length] ?? 0;
};

export type PageScore = { readonly errors: number; readonly characters: number };

export const scorePage = (truth: string, read: string): PageScore => {
  const expected = comparable(truth);
  return { errors: editDistance(expected, comparable(read)), characters: [...expected].length };
};

/** Micro average: all errors over all characters, so that a long page weighs more than a short one. */
export const errorRate = (scores: readonly PageScore[]): number =>
  scores.reduce((sum, { errors }) => sum + errors, 0) /
  Math.max(
    1,
    scores.reduce((sum, { characters }) => sum + characters, 0),
  );
