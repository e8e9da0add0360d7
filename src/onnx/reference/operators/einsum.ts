import {
  type Call,
  invalid,
  type Operator,
  realInput,
  requireSameType,
  spend,
  stringAttribute,
  zeros,
} from '../call.ts';
import { at, indexAt, itemAt, product, stridedIndices, stridesOf } from '../indexing.ts';
import { isFloat, type RealArray, wrapTo } from '../ndArray.ts';

type Equation = { readonly operands: readonly (readonly string[])[]; readonly output: readonly string[] };
/** More operands than anybody writes: each costs a multiplication in the innermost loop. */
const maxOperands = 16;

/**
 * Sums of products over labelled axes, as numpy's einsum: one loop over all labels at once, so three and more operands cost the
 * product of all sizes. A label repeated in one operand is its diagonal; an ellipsis broadcasts.
 */
const einsum: Operator = (call) => {
  const arrays = call.inputs.map((_, position) => realInput(call, position));
  requireSameType(call, [...arrays.keys()]);
  const { operands, output } = parseEquation(stringAttribute(call, 'equation', ''), arrays);
  const sizes = sizesOf(operands, arrays);
  const summed = [...sizes.keys()].filter((label) => !output.includes(label));
  const dimsOf = (labels: readonly string[]) => labels.map((label) => sizes.get(label) ?? 1);
  const outer = arrays.map((array, i) => offsets(array, itemAt(operands, i), output, dimsOf(output)));
  const first = arrays[0];
  if (first === undefined) throw invalid('it has no inputs');
  const result = zeros(call, first.dtype, dimsOf(output));
  const terms = product(dimsOf(summed));
  spend(call, terms * result.values.length * arrays.length);
  const inner = arrays.map((array, i) => offsets(array, itemAt(operands, i), summed, dimsOf(summed)));
  contract(
    call,
    arrays,
    result,
    outer.map((tables) => tables()),
    inner.map((tables) => tables()),
  );
  return [result];
};

/** A table is made once the budget is known to allow for it. */
const offsets =
  (array: RealArray, labels: readonly string[], over: readonly string[], dims: readonly number[]) =>
  (): Int32Array => {
    const strides = stridesOf(array.dims);
    const along = over.map((label) =>
      labels.reduce(
        (sum, own, axis) => (own === label && array.dims[axis] !== 1 ? sum + itemAt(strides, axis) : sum),
        0,
      ),
    );
    return stridedIndices(dims, along);
  };

const contract = (
  call: Call,
  arrays: readonly RealArray[],
  result: RealArray,
  outer: readonly Int32Array[],
  inner: readonly Int32Array[],
): void => {
  const { values, dtype } = result;
  const single = call.single && isFloat(dtype);
  const terms = inner[0]?.length ?? 0;
  const factors = arrays.map((array, i) => ({
    values: array.values,
    outer: itemAt(outer, i),
    inner: itemAt(inner, i),
  }));
  for (let out = 0; out < values.length; out++) {
    let sum = 0;
    for (let term = 0; term < terms; term++) {
      let factor = 1;
      for (const one of factors) factor *= at(one.values, indexAt(one.outer, out) + indexAt(one.inner, term));
      sum = single ? Math.fround(sum + factor) : sum + factor;
    }
    values[out] = wrapTo(dtype, sum);
  }
};

/** Ellipses become labels of their own, numbered from the last axis they stand for. */
const parseEquation = (equation: string, arrays: readonly RealArray[]): Equation => {
  const [left = '', right, ...more] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (more.length > 0 || terms.length !== arrays.length || arrays.length > maxOperands)
    throw invalid(`equation "${equation}" is not for ${arrays.length} inputs`);
  const operands = terms.map((term, i) => labelsOf(term, itemAt(arrays, i).dims.length, equation));
  const dots = operands.flat().filter((label) => label.length > 1);
  const broadcast = Math.max(0, ...dots.map((label) => Number(label.slice(3)) + 1));
  const output =
    right === undefined
      ? implicitOutput(operands, broadcast)
      : labelsOf(right, undefined, equation, broadcast);
  const unknown = output.find((label, i) => !operands.flat().includes(label) || output.indexOf(label) !== i);
  if (unknown !== undefined)
    throw invalid(`equation "${equation}": output ${unknown} is in no input, or twice`);
  return { operands, output };
};

const dotLabels = (count: number): string[] => Array.from({ length: count }, (_, i) => `...${count - 1 - i}`);

const labelsOf = (term: string, rank: number | undefined, equation: string, broadcast = 0): string[] => {
  const match = /^([A-Za-z]*)(\.\.\.)?([A-Za-z]*)$/.exec(term);
  if (match === null) throw invalid(`equation "${equation}": "${term}" is no list of labels`);
  const [, before = '', dots, after = ''] = match;
  const named = before.length + after.length;
  const spread = dots === undefined ? 0 : rank === undefined ? broadcast : rank - named;
  if (spread < 0 || (rank !== undefined && named + spread !== rank))
    throw invalid(`equation "${equation}": "${term}" is for another rank than ${rank}`);
  return [...before, ...dotLabels(spread), ...after];
};

/** Without an arrow: the ellipsis, then the labels that occur once, by letter. */
const implicitOutput = (operands: readonly (readonly string[])[], broadcast: number): string[] => {
  const all = operands.flat();
  const once = all.filter((label) => label.length === 1 && all.indexOf(label) === all.lastIndexOf(label));
  return [...dotLabels(broadcast), ...once.toSorted()];
};

const sizesOf = (operands: Equation['operands'], arrays: readonly RealArray[]): Map<string, number> => {
  const sizes = new Map<string, number>();
  for (const [i, labels] of operands.entries())
    for (const [axis, label] of labels.entries()) {
      const dim = itemAt(itemAt(arrays, i).dims, axis);
      const size = sizes.get(label) ?? 1;
      if (size !== 1 && dim !== 1 && size !== dim) throw invalid(`label ${label} is ${size} and ${dim}`);
      sizes.set(label, size === 1 ? dim : size);
    }
  return sizes;
};

export const einsumOperators = {
  Einsum: einsum,
} satisfies Record<string, Operator>;
