import type { Tensor } from './tensor.ts';

export type DecodedLine = {
  readonly text: string;
  /** Mean probability of the characters, 0…1; 0 for an empty line. */
  readonly confidence: number;
};

/**
 * From these probabilities on, a gap between two characters is a word space. The recogniser learned from Chinese,
 * which has few: on blurred Latin text the right share is spread over several steps and stays below one half, while
 * gaps inside words stay below 0.03 (bench/ocr/README.md shows the measurement). After a mark that a space usually
 * follows, less is enough.
 */
export const spaceThresholds = { betweenWords: 0.1, afterMark: 0.03 } as const;

/**
 * Decoding of connectionist temporal classification (Graves et al. 2006): the best class of every step, repeats
 * merged, blanks (class 0) dropped. Spaces (the last class) are decided per gap instead of per step: a gap has one if
 * any of its steps has one, 1 − Π(1 − p), which is what the sum over alignments says for a single character between
 * two certain ones. `probabilities` is N × steps × classes; `row` picks one line of the batch.
 */
export const decodeCtc = (probabilities: Tensor, row: number, dictionary: readonly string[]): DecodedLine => {
  const steps = probabilities.dims[1] ?? 0;
  const classes = probabilities.dims[2] ?? 0;
  const { data } = probabilities;
  const space = classes - 1;
  let text = '';
  let last = '';
  let total = 0;
  let count = 0;
  let previous = 0;
  let noSpace = 1;
  for (let step = 0; step < steps; step++) {
    const start = (row * steps + step) * classes;
    const best = bestClass(data, start, classes);
    const probability = data[start + best] ?? 0;
    noSpace *= best === space ? 0 : 1 - (data[start + space] ?? 0);
    if (best !== 0 && best !== space && best !== previous) {
      const character = dictionary[best] ?? '';
      if (last !== '' && 1 - noSpace >= spaceThreshold(last, character)) text += ' ';
      text += character;
      last = character;
      total += probability;
      count++;
      noSpace = 1;
    }
    previous = best;
  }
  return { text, confidence: count === 0 ? 0 : Math.max(0, Math.min(1, total / count)) };
};

const bestClass = (data: Float32Array, start: number, classes: number): number => {
  let best = 0;
  let bestValue = data[start] ?? 0;
  for (let i = 1; i < classes; i++) {
    const value = data[start + i] ?? 0;
    if (value > bestValue) {
      bestValue = value;
      best = i;
    }
  }
  return best;
};

/** Not before digits: "4,879" and "12:30" have none. */
const spaceThreshold = (before: string, after: string): number =>
  /[,;:.!?]/.test(before) && !/[0-9]/.test(after) ? spaceThresholds.afterMark : spaceThresholds.betweenWords;
