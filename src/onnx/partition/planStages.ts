import { err, ok, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import { hoistConstants } from '../hoistConstants.ts';
import { inferModel } from '../infer.ts';
import { countOf } from '../ir/dataTypes.ts';
import type { Model, Tensor, Value, ValueType } from '../ir/types.ts';
import { verifyModel } from '../verify.ts';
import { balance, type Segment } from './balance.ts';
import { cachesOf } from './caches.ts';
import { type DataFlow, dataFlowOf, dependents } from './dataFlow.ts';
import { type Extracted, extractStages } from './extract.ts';
import { type Pin, pinsOf, withoutPinned } from './pins.ts';
import { productSize } from './products.ts';
import { bytesOfAll, checkPlaces, isLazy, lengthOf, rangesOf, tensorsOf } from './ranges.ts';
import { layOut, narrowness } from './slice.ts';
import { findStream, keepGates, type Stream } from './stream.ts';
import { firstRows, rotaryTables } from './tables.ts';
import type { PlanOptions, Port, Stage, StageInput, StageOutput, StagePlan } from './types.ts';

/**
 * Cuts a model into stages that run one after the other, each on its own machine: the next gets one tensor of the last, and
 * all together compute, bit for bit on the same runtime, what the whole does. Follows the data, not the names, so decoders of
 * every exporter and other chains are cut alike. What is refused: too few places where one tensor (or the two of a fused norm)
 * is all that goes on, as where layers share a cache; values of which the shape alone is needed in another stage and whose
 * dimensions have no names. Reads no weights.
 */
export const planStages = (model: Model, options: PlanOptions): Result<StagePlan, OnnxFault> => {
  const wrong = problemOf(model, options);
  if (wrong !== undefined) return err(wrong);
  const whole = hoistConstants(model, isLazy);
  const places = checkPlaces(whole);
  if (!places.ok) return places;
  const { types } = inferModel(whole);
  const flow = dataFlowOf(whole.graph);
  const found = findStream(flow, types);
  if (!found.ok) return found;
  const free = withoutPinned(found.value, pinsOf(flow, types, found.value));
  const stream = thinned(free);
  const pins = pinsOf(flow, types, stream);
  const tensorOf = shortener(flow, options.maxContext);
  const segments = segmentsOf(whole, flow, types, stream, tensorOf, options.cost ?? 'bytes');
  const cutAt = balance(segments, options.capacities);
  if (cutAt === undefined)
    return err(tooNarrow(flow, found.value, free, pinsOf(flow, types, found.value), options));
  const layout = layOut(flow, stream, pins, cutAt);
  const extracted = extractStages(whole, types, layout, { ones: options.ones ?? [], tensorOf });
  if (!extracted.ok) return extracted;
  const results = new Set(whole.graph.outputs.map(({ name }) => name));
  const stages = extracted.value.map((one) =>
    describe(one, stream, pins, results, options.gap ?? defaultGap),
  );
  for (const stage of stages) {
    const [fault] = verifyModel(stage.model);
    if (fault !== undefined) return err(fault);
  }
  return ok({ stages });
};

/** Alignment to pages leaves less between two tensors. */
const defaultGap = 4096;
const maxStages = 256;
/** More places to cut at than this are not compared. */
const maxGates = 1024;

const problemOf = (
  model: Model,
  { capacities, maxContext, ones = [], gap = 0 }: PlanOptions,
): OnnxFault | undefined => {
  if (capacities.length < 1 || capacities.length > maxStages)
    return onnxFault('invalid', `${capacities.length} capacities: 1 to ${maxStages} stages can be planned`);
  const odd = capacities.find((capacity) => !Number.isFinite(capacity) || capacity <= 0);
  if (odd !== undefined) return onnxFault('invalid', `a capacity is ${odd}: a number above 0 is needed`);
  if (maxContext !== undefined && (!Number.isSafeInteger(maxContext) || maxContext < 1))
    return onnxFault('invalid', `maxContext is ${maxContext}: a whole number from 1 on is needed`);
  if (!Number.isSafeInteger(gap) || gap < 0)
    return onnxFault('invalid', `gap is ${gap}: a count of bytes is needed`);
  const stranger = ones.find((name) => !model.graph.inputs.some((input) => input.name === name));
  if (stranger !== undefined)
    return onnxFault('missing', `"${stranger}" is to be all ones, and no input has that name`);
  return verifyModel(model)[0];
};

const thinned = (stream: Stream): Stream => {
  const { length } = stream.gates;
  if (length <= maxGates) return stream;
  const kept = new Set(Array.from({ length: maxGates }, (_, i) => Math.floor((i * length) / maxGates)));
  return keepGates(stream, (index) => kept.has(index));
};

type TensorOf = (name: string, tensor: Tensor) => Tensor;

const shortener = (flow: DataFlow, maxContext: number | undefined): TensorOf => {
  if (maxContext === undefined) return (_, tensor) => tensor;
  const tables = rotaryTables(flow);
  return (name, tensor) => (tables.has(name) ? firstRows(tensor, maxContext) : tensor);
};

/** What is between two gates, and what it costs. */
const segmentsOf = (
  { graph }: Model,
  flow: DataFlow,
  types: ReadonlyMap<string, ValueType>,
  stream: Stream,
  tensorOf: TensorOf,
  cost: 'bytes' | 'flops',
): readonly Segment[] => {
  const needs = Array.from({ length: stream.gates.length + 1 }, () => new Map<string, number>());
  const seen = needs.map(() => new Set<string>());
  const fromInputs = dependents(flow, flow.inputs);
  const need = (segment: number, start: string) => {
    const waiting = [start];
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      if (stream.values.has(name) || seen[segment]?.has(name)) continue;
      seen[segment]?.add(name);
      const tensor = graph.initializers.get(name);
      if (tensor !== undefined) needs[segment]?.set(name, lengthOf(tensorOf(name, tensor)));
      const maker = flow.makers.get(name);
      if (maker !== undefined && !flow.isShapeOnly[maker]) waiting.push(...(flow.reads[maker] ?? []));
    }
  };
  graph.nodes.forEach((node, i) => {
    const segment = stream.segments[i];
    if (segment === undefined) return;
    if (cost === 'bytes') for (const name of flow.reads[i] ?? []) need(segment, name);
    else
      needs[segment]?.set(
        `${i}`,
        productSize(node, types, (name) => !fromInputs.has(name)),
      );
  });
  return needs.map((own, i) => ({ needs: own, sent: elementsOf(stream.gates[i]?.type) }));
};

/** A dimension that is not a number counts as 1. */
const elementsOf = (type: ValueType | undefined): number =>
  type?.kind === 'tensor' ? countOf((type.shape ?? []).map((dim) => (typeof dim === 'number' ? dim : 1))) : 0;

const tooNarrow = (
  flow: DataFlow,
  stream: Stream,
  free: Stream,
  pins: readonly Pin[],
  { capacities }: PlanOptions,
): OnnxFault => {
  const wanted = capacities.length;
  const tokens = [...stream.tokens].map((name) => `"${name}"`).join(', ');
  const places = free.gates.length === 1 ? '1 place' : `${free.gates.length} places`;
  const message = `${wanted} stages need ${wanted - 1} places where one tensor is all that goes on from ${tokens}, and there are ${places}`;
  const shared = pins.find(({ segments }) => segments !== undefined && segments[0] < segments[1]);
  const why =
    shared === undefined
      ? narrowness({ flow, stream })
      : `"${shared.name}" is used before and after ${stream.gates.length - free.gates.length} others`;
  return onnxFault('unsupported', `${message}: ${why}`);
};

const describe = (
  one: Extracted,
  stream: Stream,
  pins: readonly Pin[],
  results: ReadonlySet<string>,
  gap: number,
): Stage => {
  const { model, received, sent, lengths } = one;
  const tensors = tensorsOf(model);
  const pinned = new Set(pins.map(({ name }) => name));
  const caches = cachesOf(
    model.graph,
    (name) => pinned.has(name),
    (name) => name !== sent?.name,
  );
  const pasts = new Set(caches.map(({ past }) => past));
  const presents = new Set(caches.map(({ present }) => present));
  const fromOf = (name: string): StageInput['from'] => {
    if (name === received?.name) return 'previous';
    if (stream.tokens.has(name)) return 'tokens';
    if (pasts.has(name)) return 'cache';
    return pinned.has(name) && !lengths.has(name) ? 'other' : 'shared';
  };
  const toOf = (name: string): readonly StageOutput['to'][] => {
    if (name === sent?.name) return results.has(name) ? ['next', 'result'] : ['next'];
    return presents.has(name) ? ['cache'] : ['result'];
  };
  const given = model.graph.inputs.filter(({ name }) => !model.graph.initializers.has(name));
  return {
    model,
    inputs: given.flatMap((value) => portOf(value).map((port) => ({ ...port, from: fromOf(port.name) }))),
    outputs: model.graph.outputs.flatMap((value) =>
      portOf(value).flatMap((port) => toOf(port.name).map((to) => ({ ...port, to }))),
    ),
    caches,
    received,
    sent,
    tensors,
    ranges: rangesOf(tensors, gap),
    bytes: bytesOfAll(tensors),
  };
};

const portOf = ({ name, type }: Value): readonly Port[] =>
  type.kind === 'tensor' ? [{ name, dtype: type.dtype, shape: type.shape ?? [] }] : [];
