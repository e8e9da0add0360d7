import { err, ok, type Result } from '../../core/result.ts';
import { computedSource } from '../codec/computedSource.ts';
import { encodeModelMessage } from '../codec/encode.ts';
import { attempt } from '../codec/refusal.ts';
import type { Write } from '../codec/sourceReading.ts';
import { writeModel } from '../codec/streams.ts';
import type { OnnxFault } from '../fault.ts';
import { byteLengthOf, countOf } from '../ir/dataTypes.ts';
import type { ByteSource, Graph, Model, Node, Tensor } from '../ir/types.ts';
import { type Computed, computeWeight } from './compute.ts';
import type { Part } from './encoders.ts';
import type { Formed } from './forms.ts';
import type { Rows } from './rows.ts';
import {
  cancelled,
  type PlannedTensor,
  type QuantizationReport,
  type QuantizeFault,
  type QuantizeOptions,
  type Skipped,
  type TensorReport,
} from './scheme.ts';

/** A model whose weights are computed while it is written. */
export type Quantization = {
  /**
   * Its new tensors are slices: `writeModel` and `splitExternal` write it with one weight in memory, `readModel`'s sources are
   * read one weight at a time. Each reading computes.
   */
  readonly model: Model;
  /** Known before anything is computed, to the byte: so is `bytesAfter`. */
  readonly tensors: readonly PlannedTensor[];
  readonly skipped: readonly Skipped[];
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Of the weights computed so far; whole once the model has been written. */
  report(): QuantizationReport;
  /** Why the last computation that failed did so: whoever reads a slice gets it as a rejection without a code. */
  failure(): QuantizeFault | undefined;
};

/** A weight that gets another form. */
export type Change = {
  readonly name: string;
  readonly dims: readonly number[];
  readonly scheme: PlannedTensor['scheme'];
  readonly formed: Formed;
  /** Initializers that hold it now. The first one's place is where the new ones stand. */
  readonly from: readonly [string, ...string[]];
  /** Nodes that nobody needs any more. */
  readonly dropped: readonly Node[];
  readonly openRows: () => Promise<Result<Rows, OnnxFault>>;
};

export const prepare = (
  model: Model,
  changes: readonly Change[],
  skipped: readonly Skipped[],
  options: QuantizeOptions,
): Result<Quantization, OnnxFault> => {
  const tensors = changes.map((change) => planned(model, change));
  const state: State = {
    options,
    reports: new Map(),
    failure: undefined,
    total: changes.length,
    held: undefined,
  };
  const parts = new Map(
    changes.map((change, i) => {
      const plan = tensors[i];
      if (plan === undefined) throw new Error('each change has its plan');
      return [
        change.from[0],
        new Map([...partsOf(state, change, plan), ...change.formed.constants]),
      ] as const;
    }),
  );
  const changed: Model = {
    ...model,
    opsets: new Map([
      ...model.opsets,
      ...(needsContrib(model, changes) ? [['com.microsoft', 1] as const] : []),
    ]),
    graph: changedGraph(model.graph, changes, parts),
  };
  const bytesBefore = fileBytes(model);
  const bytesAfter = fileBytes(changed);
  if (!bytesBefore.ok) return bytesBefore;
  if (!bytesAfter.ok) return bytesAfter;
  const sizes = { bytesBefore: bytesBefore.value, bytesAfter: bytesAfter.value };
  return ok({
    model: changed,
    tensors,
    skipped,
    ...sizes,
    report: () => ({
      tensors: tensors.flatMap(({ name }) => state.reports.get(name) ?? []),
      skipped,
      ...sizes,
      ratio: sizes.bytesBefore / sizes.bytesAfter,
    }),
    failure: () => state.failure,
  });
};

/** Writes it and reports. Stopped or failed, what was written is no model. A rejection of `write` is passed on. */
export const runQuantization = async (
  quantization: Quantization,
  write: Write,
  { open, signal }: Pick<QuantizeOptions, 'open' | 'signal'> = {},
): Promise<Result<QuantizationReport, QuantizeFault>> => {
  if (signal?.aborted) return err(cancelled);
  const written = await writeModel(quantization.model, write, open);
  if (!written.ok) return err(quantization.failure() ?? written.error);
  return ok(quantization.report());
};

type State = {
  readonly options: QuantizeOptions;
  readonly reports: Map<string, TensorReport>;
  readonly total: number;
  failure: QuantizeFault | undefined;
  /** What was computed last and has not been read whole yet: of one weight, never of two. */
  held: { readonly name: string; readonly parts: (Uint8Array | undefined)[] } | undefined;
};

const planned = (model: Model, { name, dims, scheme, from, formed }: Change): PlannedTensor => ({
  name,
  dims,
  scheme,
  bytesBefore: from.reduce((sum, one) => sum + bytesIn(model.graph.initializers.get(one)), 0),
  bytesAfter: formed.encoder.parts.reduce((sum, part) => sum + bytesIn(part), 0),
});

const bytesIn = (tensor: Pick<Part, 'dtype' | 'dims'> | undefined): number =>
  tensor === undefined ? 0 : (byteLengthOf(tensor.dtype, countOf(tensor.dims)) ?? 0);

/** The tensors of a weight: whichever is read first computes all. */
const partsOf = (state: State, change: Change, plan: PlannedTensor): readonly (readonly [string, Tensor])[] =>
  change.formed.encoder.parts.map((part, i) => {
    const length = bytesIn(part);
    const source: ByteSource = computedSource(length, () => takePart(state, change, plan, i));
    const data = { kind: 'slice', source, offset: 0, length } as const;
    return [part.name, { dtype: part.dtype, dims: part.dims, data }];
  });

const takePart = async (
  state: State,
  change: Change,
  plan: PlannedTensor,
  index: number,
): Promise<Uint8Array> => {
  const known = state.held?.name === change.name ? state.held.parts : undefined;
  const parts = known?.[index] === undefined ? [...(await compute(state, change, plan))] : known;
  const part = parts[index];
  if (part === undefined) throw new Error(`"${change.name}" has no part ${index}`);
  const rest = parts.with(index, undefined);
  state.held = rest.some((one) => one !== undefined) ? { name: change.name, parts: rest } : undefined;
  return part;
};

const compute = async (state: State, change: Change, plan: PlannedTensor): Promise<Computed['parts']> => {
  state.held = undefined;
  const computed = await computeChange(change, state.options);
  if (!computed.ok) {
    state.failure = computed.error;
    throw new Error(computed.error.message);
  }
  const report = { ...plan, error: computed.value.error };
  state.reports.set(change.name, report);
  state.options.onTensor?.(report, state.reports.size, state.total);
  return computed.value.parts;
};

const computeChange = async (
  { name, formed, openRows }: Change,
  options: QuantizeOptions,
): Promise<Result<Computed, QuantizeFault>> => {
  if (options.signal?.aborted) return err(cancelled);
  const rows = await openRows();
  return rows.ok ? computeWeight(name, rows.value, formed.encoder, options) : rows;
};

const changedGraph = (
  graph: Graph,
  changes: readonly Change[],
  parts: ReadonlyMap<string, ReadonlyMap<string, Tensor>>,
): Graph => {
  const gone = new Set(changes.flatMap(({ from }) => from));
  const replaced = new Map(changes.flatMap(({ formed }) => [...formed.nodes]));
  const dropped = new Set(changes.flatMap((change) => change.dropped));
  const droppedValues = new Set([...dropped].flatMap(({ outputs }) => outputs));
  return {
    ...graph,
    nodes: graph.nodes.flatMap((node) => (dropped.has(node) ? [] : (replaced.get(node) ?? [node]))),
    initializers: new Map(
      [...graph.initializers].flatMap(([name, tensor]) => [
        ...(parts.get(name) ?? []),
        ...(gone.has(name) ? [] : [[name, tensor] as const]),
      ]),
    ),
    values: new Map([...graph.values].filter(([name]) => !gone.has(name) && !droppedValues.has(name))),
  };
};

const needsContrib = ({ opsets }: Model, changes: readonly Change[]): boolean =>
  !opsets.has('com.microsoft') &&
  changes.some(({ formed }) =>
    [...formed.nodes.values()].some((nodes) => nodes.some(({ domain }) => domain === 'com.microsoft')),
  );

/** Of the file and those beside it. */
const fileBytes = (model: Model): Result<number, OnnxFault> => {
  const file = attempt(() => encodeModelMessage(model).length);
  if (!file.ok) return file;
  let beside = 0;
  for (const tensor of model.graph.initializers.values())
    if (tensor.data.kind === 'external') beside += bytesIn(tensor);
  return ok(file.value + beside);
};
