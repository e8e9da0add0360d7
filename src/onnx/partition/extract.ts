import { err, ok, type Result } from '../../core/result.ts';
import { createEmitter, type Emitter, namesOf } from '../autodiff/emitter.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { opsetOf } from '../infer.ts';
import { scalarOf } from '../ir/tensor.ts';
import type { Graph, Model, Node, Tensor, Value, ValueType } from '../ir/types.ts';
import { createDimensions, type Dimensions } from './dimensions.ts';
import { hiddenOf, leastOpset, receiving, sending } from './hidden.ts';
import { type Layout, type Slice, sliceStage } from './slice.ts';
import type { Hidden } from './types.ts';

/** One stage as a model of its own. */
export type Extracted = {
  readonly model: Model;
  readonly received: Hidden | undefined;
  readonly sent: Hidden | undefined;
  /** Instead of masks of ones. */
  readonly lengths: ReadonlySet<string>;
};

export type ExtractOptions = {
  readonly ones: readonly string[];
  /** A tensor in another's place, as for a shorter table. */
  readonly tensorOf: (name: string, tensor: Tensor) => Tensor;
};

export const extractStages = (
  model: Model,
  types: ReadonlyMap<string, ValueType>,
  layout: Layout,
  options: ExtractOptions,
): Result<readonly Extracted[], OnnxFault> => {
  const taken = new Set([...namesOf(model.graph), ...types.keys()]);
  const hidden = layout.cuts.map((gate, i) => hiddenOf(gate, freshName(taken, `hidden_${i + 1}`)));
  const stages: Extracted[] = [];
  for (let stage = 0; stage <= hidden.length; stage++) {
    const slice = sliceStage(layout, stage);
    if (!slice.ok) return slice;
    const extracted = extract({ model, types, layout, options, taken, stage, slice: slice.value, hidden });
    if (!extracted.ok) return extracted;
    stages.push(extracted.value);
  }
  return ok(stages);
};

type Context = {
  readonly model: Model;
  readonly types: ReadonlyMap<string, ValueType>;
  readonly layout: Layout;
  readonly options: ExtractOptions;
  readonly taken: ReadonlySet<string>;
  readonly stage: number;
  readonly slice: Slice;
  readonly hidden: readonly Hidden[];
};

const extract = (context: Context): Result<Extracted, OnnxFault> => {
  const { model, layout, taken, stage, slice, hidden } = context;
  const [cut, sent] = [layout.cuts[stage], hidden[stage]];
  const e = createEmitter({ prefix: '/stage', known: () => undefined, isTaken: (name) => taken.has(name) });
  const body = bodyOf(context, e);
  const given = givenTo(context, e);
  if (!given.ok) return given;
  const { inputs, lengths, aliases } = given.value;
  const behind = cut === undefined || sent === undefined ? [] : sending(cut, sent);
  const nodes = [...e.nodes, ...aliases, ...body, ...behind];
  const opset = opsetOf(model.opsets, '') ?? 0;
  if (nodes.length > body.length && opset < leastOpset)
    return err(onnxFault('unsupported', `opset ${opset}: stages are written with ${leastOpset} or newer`));
  const outputs = [
    ...(sent === undefined ? [] : [toValue(sent)]),
    ...slice.outputs.filter(({ name }) => name !== sent?.name),
  ];
  return ok({
    model: stageModel(context, { nodes, inputs, outputs, extra: e.initializers }),
    received: hidden[stage - 1],
    sent,
    lengths: new Set(lengths),
  });
};

/** The inputs of a stage, and what stands for those of the model that it doesn't get: masks by a length, shapes by names. */
const givenTo = (
  context: Context,
  e: Emitter,
): Result<
  {
    readonly inputs: readonly Value[];
    readonly lengths: readonly string[];
    readonly aliases: readonly Node[];
  },
  OnnxFault
> => {
  const { options, stage, slice, hidden } = context;
  const { inputs } = context.model.graph;
  const isOnes = ({ name }: Value) => options.ones.includes(name);
  const used = inputs.filter(({ name }) => slice.inputs.has(name));
  const received = hidden[stage - 1];
  const kept = [
    ...(received === undefined ? [] : [toValue(received)]),
    ...used.filter((input) => !isOnes(input)),
  ];
  const dimensions = createDimensions(e);
  for (const { name, type } of kept)
    if (type.kind === 'tensor' && type.shape !== undefined) dimensions.add(name, type.shape);
  const lengths: Value[] = [];
  const aliases: Node[] = [];
  for (const input of used.filter(isOnes)) {
    const ones = expandOnes(context, e, dimensions, input);
    if (!ones.ok) return ones;
    lengths.push(ones.value.length);
    aliases.push(alias(ones.value.value, input.name));
  }
  for (const node of slice.foreignShapes) {
    const shape = rebuildShape(context, dimensions, node);
    if (!shape.ok) return shape;
    aliases.push(alias(shape.value, node.outputs[0] ?? ''));
  }
  const defaults = inputs.filter(({ name }) => slice.initializers.has(name));
  return ok({
    inputs: [...kept, ...lengths, ...defaults],
    lengths: lengths.map(({ name }) => name),
    aliases,
  });
};

/** The stage's own nodes as they are, but that a norm at its start adds what it received. */
const bodyOf = ({ model, layout, stage, slice, hidden }: Context, e: Emitter): readonly Node[] => {
  const [gate, received] = [layout.cuts[stage - 1], hidden[stage - 1]];
  const operands = gate?.kind === 'pair' && received !== undefined ? receiving(e, gate, received) : [];
  return slice.nodes.flatMap((index) => {
    const node = model.graph.nodes[index];
    if (node === undefined) return [];
    if (gate?.kind !== 'pair' || gate.node !== index) return [node];
    return [{ ...node, inputs: [...operands, ...node.inputs.slice(2)] }];
  });
};

const expandOnes = (
  { types, taken }: Context,
  e: Emitter,
  dimensions: Dimensions,
  { name, type }: Value,
): Result<{ readonly value: string; readonly length: Value }, OnnxFault> => {
  const shape = type.kind === 'tensor' ? type.shape : undefined;
  const one = type.kind === 'tensor' ? scalarOf(type.dtype, 1) : undefined;
  if (type.kind !== 'tensor' || shape === undefined || shape.length === 0 || !one?.ok)
    return err(
      onnxFault('unsupported', `input "${name}" can't be ones: it is no tensor of numbers with a known rank`),
    );
  const leading = dimensions.vector(shape.slice(0, -1), `input "${name}"`);
  if (!leading.ok) return leading;
  const length = freshName(new Set([...taken, ...types.keys()]), `${name}.length`);
  const parts = shape.length === 1 ? [length] : [leading.value, length];
  const attributes = { axis: { type: 'int', value: 0 } } as const;
  const dims = e.emit('Concat', parts, [shape.length], { dtype: 'int64', attributes });
  const constant = e.emit('Constant', [], [], {
    dtype: type.dtype,
    attributes: { value: { type: 'tensor', value: one.value } },
  });
  const value = e.emit('Expand', [constant, dims], [], { dtype: type.dtype });
  dimensions.add(value, shape);
  return ok({ value, length: { name: length, type: { kind: 'tensor', dtype: 'int64', shape: [1] } } });
};

const rebuildShape = ({ types }: Context, dimensions: Dimensions, node: Node): Result<string, OnnxFault> => {
  const [operand = ''] = node.inputs;
  const type = types.get(operand);
  const what = `the shape of "${operand}", which is in another stage and asked for by ${node.op} "${node.name}",`;
  if (type?.kind !== 'tensor' || type.shape === undefined || node.op !== 'Shape')
    return err(onnxFault('unsupported', `${what} is not known before it runs`, node.name));
  const { start, end } = node.attributes;
  const from = start?.type === 'int' ? Number(start.value) : 0;
  const to = end?.type === 'int' ? Number(end.value) : type.shape.length;
  return dimensions.vector(type.shape.slice(from, to), what);
};

/** A second name: the one by which the model's own nodes know it. */
const alias = (value: string, name: string): Node => ({
  op: 'Identity',
  domain: '',
  name: `${value}/as/${name}`,
  inputs: [value],
  outputs: [name],
  attributes: {},
});

const stageModel = (
  { model, slice, options }: Context,
  parts: Pick<Graph, 'nodes' | 'inputs' | 'outputs'> & { readonly extra: ReadonlyMap<string, Tensor> },
): Model => {
  const { nodes, inputs, outputs, extra } = parts;
  const initializers = new Map<string, Tensor>();
  for (const [name, tensor] of model.graph.initializers)
    if (slice.initializers.has(name)) initializers.set(name, options.tensorOf(name, tensor));
  for (const [name, tensor] of extra) initializers.set(name, tensor);
  const made = new Set([...nodes.flatMap((node) => node.outputs)]);
  for (const { name } of outputs) made.delete(name);
  // Sparse initializers and annotations of the whole graph: `planStages` has refused what depends on them.
  const { rest: _, ...graph } = model.graph;
  const values = new Map([...graph.values].filter(([name]) => made.has(name)));
  return { ...model, graph: { ...graph, nodes, inputs, outputs, initializers, values } };
};

const toValue = ({ name, dtype, shape }: Hidden): Value => ({ name, type: { kind: 'tensor', dtype, shape } });

const freshName = (taken: ReadonlySet<string>, wanted: string): string => {
  for (let count = 0; ; count++) {
    const name = count === 0 ? wanted : `${wanted}_${count}`;
    if (!taken.has(name)) return name;
  }
};
