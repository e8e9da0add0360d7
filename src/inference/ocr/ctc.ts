import type { Tensor } from './tensor.ts';

export type DecodedLine = {
  readonly text: string;
  /** Mean probability of the characters, 0…1; 0 for an empty line. */
  readonly confidence: number;
  /** The time step at which each character of `text` (by code point) was emitted. */
  readonly steps: readonly number[];
};

/**
 * Greedy decoding of connectionist temporal classification (Graves et al. 2006): the best class of every step,
 * repeats merged, blanks (class 0) dropped. `probabilities` is N × steps × classes; `row` picks one line of the batch.
 */
export const decodeCtc = (
  probabilities: Tensor,
  row: number,
  dictionary: readonly string[],
  usedSteps?: number,
): DecodedLine => {
  const steps = probabilities.dims[1] ?? 0;
  const classes = probabilities.dims[2] ?? 0;
  const { data } = probabilities;
  let text = '';
  let total = 0;
  let previous = 0;
  const at: number[] = [];
  for (let step = 0; step < Math.min(steps, usedSteps ?? steps); step++) {
    const start = (row * steps + step) * classes;
    let best = 0;
    let bestValue = data[start] ?? 0;
    for (let i = 1; i < classes; i++) {
      const value = data[start + i] ?? 0;
      if (value > bestValue) {
        bestValue = value;
        best = i;
      }
    }
    if (best !== 0 && best !== previous) {
      text += dictionary[best] ?? '';
      total += bestValue;
      at.push(step);
    }
    previous = best;
  }
  const confidence = at.length === 0 ? 0 : Math.max(0, Math.min(1, total / at.length));
  return { text, confidence, steps: at };
};
