import { err, type Result } from '../../core/result.ts';
import { type OnnxFault, onnxFault } from '../fault.ts';
import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, Value } from '../ir/types.ts';
import { readAttributeValue } from './attributeValues.ts';
import { joinLeft, takeDomain, takeMetadata, takeOpsets } from './entries.ts';
import {
  findFields,
  type Message,
  openMessage,
  type Part,
  type Reading,
  restOf,
  startReading,
  take,
  takeInt,
  takeName,
  takeNames,
  takeNumber,
  takePart,
  takeParts,
  takeText,
  withRest,
} from './messageReader.ts';
import { atNode, attempt, refuse } from './refusal.ts';
import { readTensor } from './tensors.ts';
import { readType } from './valueTypes.ts';
import { wire } from './wireReader.ts';

/**
 * A model from the bytes of an `.onnx` file. Tensors are views of `bytes`, which must not be changed afterwards. Everything
 * in the file is in the model, what the representation has no word for in the rests. Knows the format, not the operators:
 * whether nodes make sense is for others to check.
 *
 * Encoded again it is the same bytes if the file was written as the reference implementation writes (proto2, fields in the
 * order of their numbers, shortest varints). Equal in content, but not in bytes, are files of proto3 writers that leave out
 * an attribute's zero or pack its lists, files with fields in another order, those without attribute types (IR 1), and those
 * that repeat a value's type or a metadata key, whose second mention moves behind the others.
 */
export const decodeModel = (bytes: Uint8Array): Result<Model, OnnxFault> =>
  bytes.byteLength === 0
    ? err(onnxFault('malformed', 'the file is empty'))
    : attempt(() => readModelMessage(startReading(bytes)));

/** Throws `Refusal`. */
export const readModelMessage = (reading: Reading): Model => {
  const message = openMessage(reading, 'ModelProto', { start: 0, end: reading.bytes.byteLength, depth: 0 });
  const graph = takePart(message, 'graph');
  if (!graph) throw refuse('invalid', 'the model has no graph');
  const irVersion = takeNumber(message, 'ir_version');
  if (typeof irVersion !== 'number') throw refuse('invalid', `the model has IR version ${irVersion}`);
  const { opsets, left } = takeOpsets(message);
  const producer = takeText(message, 'producer_name');
  const producerVersion = takeText(message, 'producer_version');
  const domain = takeText(message, 'domain');
  const modelVersion = takeInt(message, 'model_version');
  return {
    irVersion,
    opsets,
    graph: readGraph(reading, graph),
    functions: takeParts(message, 'functions').map((part) => readFunction(reading, part)),
    ...(producer === undefined ? {} : { producer }),
    ...(producerVersion === undefined ? {} : { producerVersion }),
    ...(domain === undefined ? {} : { domain }),
    ...(modelVersion === undefined ? {} : { modelVersion }),
    ...docOf(message),
    metadata: takeMetadata(message) ?? {},
    ...joinLeft(restOf(message), left),
  };
};

const readGraph = (reading: Reading, part: Part): Graph => {
  const message = openMessage(reading, 'GraphProto', part);
  const name = takeName(message, 'name');
  const valuesOf = (field: 'input' | 'output') =>
    takeParts(message, field).map((one) => readValue(reading, one));
  return {
    name,
    nodes: takeParts(message, 'node').map((one) => readNode(reading, one)),
    inputs: valuesOf('input'),
    outputs: valuesOf('output'),
    initializers: takeInitializers(message),
    values: takeValues(message),
    ...docOf(message),
    ...metadataOf(message),
    ...withRest(message),
  };
};

const readNode = (reading: Reading, part: Part): Node => {
  const message = openMessage(reading, 'NodeProto', part);
  const op = takeName(message, 'op_type');
  const name = takeName(message, 'name');
  const outputs = takeNames(message, 'output');
  const overload = takeText(message, 'overload');
  return {
    op,
    domain: takeDomain(message),
    name,
    inputs: takeNames(message, 'input'),
    outputs,
    attributes: atNode(name || `${op} of ${outputs[0] ?? 'nothing'}`, () =>
      takeAttributes(message, 'attribute'),
    ),
    ...(overload === undefined ? {} : { overload }),
    ...docOf(message),
    ...metadataOf(message),
    ...withRest(message),
  };
};

const readFunction = (reading: Reading, part: Part): ModelFunction => {
  const message = openMessage(reading, 'FunctionProto', part);
  const overload = takeText(message, 'overload');
  const { opsets, left } = takeOpsets(message);
  return {
    name: takeName(message, 'name'),
    domain: takeName(message, 'domain'),
    inputs: takeNames(message, 'input'),
    outputs: takeNames(message, 'output'),
    attributes: takeNames(message, 'attribute'),
    defaults: takeAttributes(message, 'attribute_proto'),
    nodes: takeParts(message, 'node').map((one) => readNode(reading, one)),
    opsets,
    values: takeValues(message),
    ...(overload === undefined ? {} : { overload }),
    ...docOf(message),
    ...metadataOf(message),
    ...joinLeft(restOf(message), left),
  };
};

const readValue = (reading: Reading, part: Part): Value => {
  const message = openMessage(reading, 'ValueInfoProto', part);
  const type = takePart(message, 'type');
  return {
    name: takeName(message, 'name'),
    type: type ? readType(reading, type) : { kind: 'unknown' },
    ...docOf(message),
    ...metadataOf(message),
    ...withRest(message),
  };
};

const takeInitializers = (message: Message<'GraphProto'>): ReadonlyMap<string, Tensor> => {
  const tensors = new Map<string, Tensor>();
  for (const part of takeParts(message, 'initializer')) {
    const tensor = readTensor(message.reading, part);
    const name = tensor.name ?? '';
    if (tensors.has(name)) throw refuse('invalid', `there are two initializers called '${name}'`);
    tensors.set(name, tensor);
  }
  return tensors;
};

/** Of two of one name the second stays in the rest: it is a hint, and writers do repeat it. */
const takeValues = (message: Message<'GraphProto' | 'FunctionProto'>): ReadonlyMap<string, Value> => {
  const values = new Map<string, Value>();
  for (const field of findFields(message, 'value_info', wire.bytes)) {
    const { at, end } = field;
    const value = readValue(message.reading, { start: at, end, depth: message.depth + 1 });
    if (values.has(value.name)) continue;
    values.set(value.name, value);
    take([field]);
  }
  return values;
};

const takeAttributes = <Name extends 'NodeProto' | 'FunctionProto'>(
  message: Message<Name>,
  field: Parameters<typeof takeParts<Name>>[1],
): Readonly<Record<string, Attribute>> => {
  const attributes = new Map<string, Attribute>();
  for (const part of takeParts(message, field)) {
    const attribute = openMessage(message.reading, 'AttributeProto', part);
    const name = takeName(attribute, 'name');
    if (attributes.has(name)) throw refuse('invalid', `there are two attributes called '${name}'`);
    const doc = docOf(attribute);
    const value = readAttributeValue(attribute, readGraph);
    attributes.set(name, { ...value, ...doc, ...withRest(attribute) });
  }
  return Object.fromEntries(attributes);
};

const docOf = (
  message: Message<
    'ModelProto' | 'GraphProto' | 'NodeProto' | 'FunctionProto' | 'ValueInfoProto' | 'AttributeProto'
  >,
): { readonly doc?: string } => {
  const doc = takeText(message, 'doc_string');
  return doc === undefined ? {} : { doc };
};

const metadataOf = (message: Message<'GraphProto' | 'NodeProto' | 'FunctionProto' | 'ValueInfoProto'>) => {
  const metadata = takeMetadata(message);
  return metadata ? { metadata } : {};
};
