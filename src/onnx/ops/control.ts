import type { Dim, ValueType } from '../ir/types.ts';
import { isSameDim } from './dims.ts';
import {
  type Call,
  form,
  type Infer,
  int,
  misfit,
  type Operand,
  type OpTable,
  optional,
  required,
  unknownType,
} from './schema.ts';
import { axisIn, intOf, intsOf, knownOf, tensorOfType } from './shapes.ts';

/** What is true of both: a value that is the one or the other. */
const unite = (a: ValueType | undefined, b: ValueType | undefined): ValueType => {
  const [one, other] = [tensorOfType(a), tensorOfType(b)];
  if (one === undefined || other === undefined) {
    const isSame =
      a !== undefined && b !== undefined && a.kind === b.kind && 'element' in a && 'element' in b;
    return isSame ? { kind: a.kind, element: unite(a.element, b.element) } : unknownType;
  }
  if (one.dtype !== other.dtype || one.kind !== other.kind) return unknownType;
  const fits = one.shape !== undefined && one.shape.length === other.shape?.length;
  const shape = fits
    ? one.shape.map((dim, i) => (isSameDim(dim, other.shape?.[i]) ? dim : undefined))
    : undefined;
  return { kind: one.kind, dtype: one.dtype, shape };
};

const branches: Infer = (call) => {
  const then = call.subgraph('then_branch', []);
  const otherwise = call.subgraph('else_branch', []);
  const wanted = call.node.outputs.length;
  for (const [name, outputs] of Object.entries({ then_branch: then, else_branch: otherwise }))
    if (outputs.length !== wanted) misfit(`${name} has ${outputs.length} outputs, the node ${wanted}`);
  const taken = knownOf(call, 0)?.[0];
  if (typeof taken === 'number') return (taken !== 0 ? then : otherwise).map(({ type }) => type);
  return then.map(({ type }, i) => {
    const other = otherwise[i]?.type;
    const [a, b] = [tensorOfType(type), tensorOfType(other)];
    if (a !== undefined && b !== undefined && a.dtype !== b.dtype)
      misfit(`output ${i} is ${a.dtype} of one branch and ${b.dtype} of the other`);
    return unite(type, other);
  });
};

/** A value that a body takes over from its last round: the same element type, any shape of the rounds. */
const carried = (operand: Operand | undefined): Operand | undefined => {
  const tensor = tensorOfType(operand?.type);
  if (operand === undefined) return undefined;
  if (tensor === undefined) return { type: operand.type };
  return { type: { ...tensor, shape: undefined } };
};

const scalarOf = (dtype: 'int64' | 'bool'): Operand => ({ type: { kind: 'tensor', dtype, shape: [] } });

/** Body: (round, condition, state…) to (condition, state…, scanned…). */
const loop: Infer = (call) => {
  const initial = call.inputs.slice(2);
  const outputs = call
    .subgraph('body', [scalarOf('int64'), scalarOf('bool'), ...initial.map(carried)])
    .slice(1);
  if (outputs.length !== call.node.outputs.length)
    misfit(
      `the body gives ${outputs.length} values after its condition, the node ${call.node.outputs.length}`,
    );
  const rounds =
    knownOf(call, 1)?.[0] === 1 || call.inputs[1] === undefined ? knownOf(call, 0)?.[0] : undefined;
  return outputs.map(({ type }, i) =>
    i < initial.length ? unite(initial[i]?.type, type) : stacked(type, endless(rounds), 0),
  );
};

/** A body may stop early by its condition: how often it runs is known only where it can't run at all. */
const endless = (rounds: Dim): Dim => (rounds === 0 ? 0 : undefined);

const stacked = (type: ValueType, length: Dim, axis: number): ValueType => {
  const tensor = tensorOfType(type);
  if (tensor === undefined) return unknownType;
  if (tensor.shape === undefined) return { ...tensor, shape: undefined };
  const at = axisIn(axis, tensor.shape.length, 1);
  return { ...tensor, shape: [...tensor.shape.slice(0, at), length, ...tensor.shape.slice(at)] };
};

/** Body: (state…, slice…) to (state…, slice…), where a slice has lost, and a result gets, the scanned axis. */
const scan: Infer = (call) => {
  const count = intOf(call, 'num_scan_inputs') ?? 0;
  const states = call.inputs.length - count;
  if (count < 1 || states < 0) misfit(`num_scan_inputs is ${count} of ${call.inputs.length} inputs`);
  const axes = intsOf(call, 'scan_input_axes');
  const slices = call.inputs.slice(states).map((operand, i) => sliced(operand, axes?.[i] ?? 0));
  const operands = [...call.inputs.slice(0, states).map(typeOnly), ...slices.map(({ slice }) => slice)];
  const outputs = call.subgraph('body', operands);
  if (outputs.length !== call.node.outputs.length)
    misfit(`the body has ${outputs.length} outputs, the node ${call.node.outputs.length}`);
  const length = slices.find((part) => part.length !== undefined)?.length;
  const outAxes = intsOf(call, 'scan_output_axes');
  return outputs.map(({ type }, i) =>
    i < states ? unite(call.inputs[i]?.type, type) : stacked(type, length, outAxes?.[i - states] ?? 0),
  );
};

const sliced = (operand: Operand | undefined, axis: number) => {
  const tensor = tensorOfType(operand?.type);
  if (tensor?.shape === undefined) return { slice: carried(operand), length: undefined };
  const at = axisIn(axis, tensor.shape.length);
  const slice: Operand = { type: { ...tensor, shape: tensor.shape.filter((_, i) => i !== at) } };
  return { slice, length: tensor.shape[at] };
};

/** A state keeps its shape from round to round, not its value. */
const typeOnly = (operand: Operand | undefined): Operand | undefined => operand && { type: operand.type };

/** Opset 8's had a batch dimension and the lengths of its sequences: only that it has these outputs is known. */
const oldScan: Infer = (call) => call.node.outputs.map(() => unknownType);

const element = (type: ValueType | undefined): ValueType =>
  type !== undefined && 'element' in type ? type.element : unknownType;
const sequenceOf = (type: ValueType): ValueType => ({ kind: 'sequence', element: type });
const firstElement: Infer = (call) => [element(call.inputs[0]?.type)];
const sameSequence: Infer = (call) => [call.inputs[0]?.type ?? unknownType];
const construct: Infer = (call) => [
  sequenceOf(call.inputs.map((input) => input?.type ?? unknownType).reduce((a, b) => unite(a, b))),
];
const insert: Infer = (call) => [sequenceOf(unite(element(call.inputs[0]?.type), call.inputs[1]?.type))];
const splitToSequence: Infer = (call) => {
  const tensor = tensorOfType(call.inputs[0]?.type);
  if (tensor === undefined) return [unknownType];
  const at = tensor.shape && axisIn(intOf(call, 'axis') ?? 0, tensor.shape.length);
  const loses = call.inputs[1] === undefined && intOf(call, 'keepdims') === 0;
  const shape = loses
    ? tensor.shape?.filter((_, i) => i !== at)
    : tensor.shape?.map((dim, i) => (i === at ? undefined : dim));
  return [sequenceOf({ ...tensor, shape })];
};
const concatFromSequence: Infer = (call) => {
  const tensor = tensorOfType(element(call.inputs[0]?.type));
  if (tensor === undefined) return [unknownType];
  const axis = intOf(call, 'axis') ?? 0;
  if (intOf(call, 'new_axis') === 1) return [stacked(tensor, undefined, axis)];
  const at = tensor.shape && axisIn(axis, tensor.shape.length);
  return [{ ...tensor, shape: tensor.shape?.map((dim, i) => (i === at ? undefined : dim)) }];
};
const optionalElement: Infer = (call) => {
  const type = call.inputs[0]?.type;
  return [type?.kind === 'optional' ? type.element : (type ?? unknownType)];
};
const optionalOf: Infer = (call) => {
  const attribute = call.node.attributes['type'];
  const given = attribute?.type === 'type' ? attribute.value : unknownType;
  if (call.inputs[0]?.type.kind === 'optional') misfit('an optional of an optional');
  return [{ kind: 'optional', element: call.inputs[0]?.type ?? given }];
};
const open: Infer = (call: Call) => call.node.outputs.map(() => unknownType);
const single =
  (dtype: 'int64' | 'bool'): Infer =>
  () => [scalarOf(dtype).type];

const since = [11, 13, 16, 19, 21, 23, 24, 25] as const;
const body = { body: required('graph') };
const ifBranches = { then_branch: required('graph'), else_branch: required('graph') };
const scanAttributes = {
  ...body,
  num_scan_inputs: required('int'),
  scan_input_axes: optional('ints'),
  scan_input_directions: optional('ints'),
  scan_output_axes: optional('ints'),
  scan_output_directions: optional('ints'),
};

export const control: OpTable = {
  If: [form([1, ...since], 'bool -> any+', branches, ifBranches)],
  Loop: [
    form([1], 'int64? bool? any+ -> any+', loop, body),
    form(since, 'int64? bool? any* -> any+', loop, body),
  ],
  Scan: [
    form([8], 'int64? any+ -> any+', oldScan, {
      ...body,
      num_scan_inputs: required('int'),
      directions: optional('ints'),
    }),
    form([9, ...since.filter((opset) => opset !== 13)], 'any+ -> any+', scan, scanAttributes),
  ],
  SequenceMap: [form([17], 'any any* -> any+', open, body)],
  SequenceAt: [form([11], 'any index -> all', firstElement)],
  SequenceConstruct: [form([11], 'T+ -> any', construct)],
  SequenceEmpty: [form([11], '-> any', open, { dtype: optional('int') })],
  SequenceErase: [form([11], 'any index? -> any', sameSequence)],
  SequenceInsert: [form([11], 'any all index? -> any', insert)],
  SequenceLength: [form([11], 'any -> int64', single('int64'))],
  SplitToSequence: [form([11, 24], 'T index? -> any', splitToSequence, { axis: int(0), keepdims: int(1) })],
  ConcatFromSequence: [
    form([11], 'any -> all', concatFromSequence, { axis: required('int'), new_axis: int(0) }),
  ],
  Optional: [form([15, 28], 'any? -> any', optionalOf, { type: optional('type') })],
  OptionalGetElement: [form([15, 18, 28], 'any -> any', optionalElement)],
  OptionalHasElement: [
    form([15], 'any -> bool', single('bool')),
    form([18, 28], 'any? -> bool', single('bool')),
  ],
};
