import type { HostTensor, HostTensors } from '../src/compute/runtimes/statefulSession.ts';
import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import type { OutputDifference } from './protocol.ts';

/** Gathers over several runs how far two models' outputs are apart. */
export type OutputSums = {
  add(before: HostTensors, after: HostTensors): Result<void, Fault>;
  differences(): readonly OutputDifference[];
};

export const createOutputSums = (): OutputSums => {
  const sums = new Map<string, Sum>();
  return {
    add(before, after) {
      for (const [name, one] of Object.entries(before)) {
        const other = after[name];
        if (!other) return err(fault('invalid', `Only the model before has the output "${name}".`));
        if (one.dims.join() !== other.dims.join())
          return err(
            fault('invalid', `Output "${name}" has the sizes ${one.dims} before, and ${other.dims} after.`),
          );
        const sum = sums.get(name) ?? emptySum(one.dims);
        sums.set(name, sum);
        addNumbers(sum, one, other);
        addRows(sum, one, other);
      }
      return ok(undefined);
    },
    differences: () => [...sums].map(([name, sum]) => differenceOf(name, sum)),
  };
};

type Sum = {
  readonly dims: readonly number[];
  squaresBefore: number;
  squaresAfter: number;
  squaresDifference: number;
  product: number;
  max: number;
  notFinite: number;
  rows: number;
  sameTop: number;
};

const emptySum = (dims: readonly number[]): Sum => ({
  dims,
  squaresBefore: 0,
  squaresAfter: 0,
  squaresDifference: 0,
  product: 0,
  max: 0,
  notFinite: 0,
  rows: 0,
  sameTop: 0,
});

const addNumbers = (sum: Sum, before: HostTensor, after: HostTensor): void => {
  for (let i = 0; i < before.data.length; i++) {
    const [a, b] = [Number(before.data[i]), Number(after.data[i])];
    if (!Number.isFinite(a) || !Number.isFinite(b)) {
      // Padding of minus infinity that both have is agreement.
      if (!Object.is(a, b)) sum.notFinite++;
      continue;
    }
    sum.squaresBefore += a * a;
    sum.squaresAfter += b * b;
    sum.squaresDifference += (a - b) ** 2;
    sum.product += a * b;
    sum.max = Math.max(sum.max, Math.abs(a - b));
  }
};

const addRows = (sum: Sum, before: HostTensor, after: HostTensor): void => {
  const width = before.dims.at(-1) ?? 1;
  if (before.dtype !== 'float32' || width < 2) return;
  for (let from = 0; from + width <= before.data.length; from += width) {
    sum.rows++;
    if (largestIn(before, from, width) === largestIn(after, from, width)) sum.sameTop++;
  }
};

const largestIn = ({ data }: HostTensor, from: number, width: number): number => {
  let best = 0;
  for (let i = 1; i < width; i++) if (Number(data[from + i]) > Number(data[from + best])) best = i;
  return best;
};

const differenceOf = (name: string, sum: Sum): OutputDifference => {
  const norms = Math.sqrt(sum.squaresBefore) * Math.sqrt(sum.squaresAfter);
  return {
    name,
    dims: sum.dims,
    relative: sum.squaresDifference === 0 ? 0 : Math.sqrt(sum.squaresDifference / sum.squaresBefore),
    cosine: norms === 0 ? (sum.squaresDifference === 0 ? 1 : 0) : sum.product / norms,
    max: sum.max,
    sameTop: sum.rows === 0 ? undefined : sum.sameTop / sum.rows,
    notFinite: sum.notFinite,
  };
};
