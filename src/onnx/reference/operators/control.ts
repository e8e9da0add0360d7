import { countOf } from '../../ir/dataTypes.ts';
import type { Graph } from '../../ir/types.ts';
import {
  boolInput,
  type Call,
  graphAttribute,
  input,
  integer,
  invalid,
  type Operator,
  optionalInput,
  Refusal,
  unsupported,
} from '../call.ts';
import { isReal, isWide, type NdArray, ndArray, withDims } from '../ndArray.ts';
import { concatArrays } from './shape.ts';

/** The one value of a bool. */
const truth = (array: NdArray, what: string): boolean => {
  const [value, ...more] = array.values;
  if (array.dtype !== 'bool' || value === undefined || more.length > 0)
    throw invalid(`${what} is ${array.dtype} [${array.dims}], not one bool`);
  return value !== 0;
};

const conditional: Operator = (call) => {
  const branch = truth(boolInput(call, 0), 'the condition') ? 'then_branch' : 'else_branch';
  return call.run(graphAttribute(call, branch), []);
};

/**
 * Runs its body until the count or the condition ends it. The body takes the iteration, the condition and what it carries; it
 * gives the condition, what it carries on, and what is stacked over the iterations.
 */
const loop: Operator = (call) => {
  const body = graphAttribute(call, 'body');
  let carried: readonly NdArray[] = call.inputs.slice(2).map((_, i) => input(call, i + 2));
  let goesOn = optionalInput(call, 1) === undefined || truth(input(call, 1), 'the condition');
  const count = optionalInput(call, 0) === undefined ? Number.POSITIVE_INFINITY : integer(call, 0);
  if (body.inputs.length !== carried.length + 2 || body.outputs.length <= carried.length)
    throw invalid(
      `its body has ${body.inputs.length} inputs and ${body.outputs.length} outputs for ${carried.length} values`,
    );
  const stacks: NdArray[][] = body.outputs.slice(carried.length + 1).map(() => []);
  for (let iteration = 0; goesOn && iteration < count; iteration++) {
    if (iteration >= call.maxIterations)
      throw new Refusal('too-large', `it goes on after ${call.maxIterations} iterations (maxIterations)`);
    const results = call.run(body, [ndArray('int64', [], [iteration]), ndArray('bool', [], [1]), ...carried]);
    const [condition, ...others] = results;
    if (condition === undefined) throw invalid('its body gives no condition');
    goesOn = truth(condition, "the body's condition");
    const size = carried.length;
    carried = others.slice(0, size);
    for (const [i, stack] of stacks.entries()) stack.push(...others.slice(size + i, size + i + 1));
  }
  return [...carried, ...stacks.map((stack, i) => stackOf(call, body, stack, i + carried.length + 1))];
};

/** Along a new first axis. Of no iterations only the body's declared type can tell the shape. */
const stackOf = (call: Call, body: Graph, stack: readonly NdArray[], output: number): NdArray => {
  const [first, ...others] = stack.map((array) => withDims(array, [1, ...array.dims]));
  if (first === undefined) return emptyStack(body, output);
  return concatArrays(call, [first, ...others], 0);
};

const emptyStack = (body: Graph, output: number): NdArray => {
  const value = body.outputs[output];
  const type = value?.type;
  const dims = type?.kind === 'tensor' ? type.shape : undefined;
  if (
    type?.kind !== 'tensor' ||
    !(isReal(type.dtype) || isWide(type.dtype)) ||
    !dims?.every((dim) => typeof dim === 'number')
  )
    throw unsupported(
      `no iteration, and no declared shape of ${value?.name ?? 'an output'} to tell what none are`,
    );
  const known = [0, ...dims.filter((dim) => typeof dim === 'number')];
  return ndArray(type.dtype, known, new Float64Array(countOf(known)));
};

/** Operators that run graphs. */
export const controlOperators = {
  If: conditional,
  Loop: loop,
} satisfies Record<string, Operator>;
