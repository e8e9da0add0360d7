import { boolInput, claim, commonDims, input, type Operator, requireSameType } from '../call.ts';
import { at, broadcastIndices, indexAt, itemAt, joined, take } from '../indexing.ts';
import { isRealArray, ndArray } from '../ndArray.ts';
import { combineReal, pairsOf } from './binary.ts';

const compare =
  (holds: (a: number | bigint, b: number | bigint) => boolean): Operator =>
  (call) => {
    requireSameType(call, [0, 1]);
    const [one, other] = [input(call, 0), input(call, 1)];
    const truth = (a: number | bigint, b: number | bigint) => (holds(a, b) ? 1 : 0);
    if (isRealArray(one) && isRealArray(other)) return [combineReal(call, one, other, truth, 'bool')];
    const { dims, a, b } = pairsOf(call, one, other);
    return [
      ndArray(
        'bool',
        dims,
        Array.from<number | bigint, number>(a.values, (x, i) =>
          truth(x, itemAt<number | bigint>(b.values, i)),
        ),
      ),
    ];
  };

const logic =
  (f: (a: number, b: number) => number): Operator =>
  (call) => [combineReal(call, boolInput(call, 0), boolInput(call, 1), f)];

/** Elements of the second input where the first is true, of the third elsewhere. */
const where: Operator = (call) => {
  requireSameType(call, [1, 2]);
  const condition = boolInput(call, 0);
  const [yes, no] = [input(call, 1), input(call, 2)];
  const dims = commonDims(condition.dims, yes.dims, no.dims);
  claim(call, dims);
  const chosen = broadcastIndices(condition.dims, dims);
  const source = broadcastIndices(no.dims, dims);
  const inYes = broadcastIndices(yes.dims, dims);
  for (let i = 0; i < source.length; i++)
    source[i] = at(condition.values, indexAt(chosen, i))
      ? indexAt(inYes, i)
      : yes.values.length + indexAt(source, i);
  return [take(joined([yes, no]), dims, source)];
};

/** Comparisons, truths, and the choice by one. */
export const logicOperators = {
  Equal: compare((a, b) => a === b),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
  And: logic((a, b) => a & b),
  Or: logic((a, b) => a | b),
  Xor: logic((a, b) => a ^ b),
  Where: where,
} satisfies Record<string, Operator>;
