import type { Bytes } from '../../core/bytes.ts';
import type { Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import type { Attribute, Graph, Model, ModelFunction, Node, Value } from '../ir/types.ts';
import { writeAttributeValue } from './attributeValues.ts';
import { writeMetadata, writeOpsets } from './entries.ts';
import {
  beginMessage,
  dropRest,
  finishMessage,
  joinEncoded,
  writeEncoded,
  writeInt,
  writeName,
  writeText,
} from './messageWriter.ts';
import { atNode, attempt, refuse } from './refusal.ts';
import { encodeTensor } from './tensors.ts';
import { encodeType } from './valueTypes.ts';
import type { Encoded, Piece } from './wireWriter.ts';

/**
 * The `.onnx` file of a model, in chunks that are to be written one after the other. Large tensors are chunks of their own,
 * not copies. Refuses a tensor that is still in its file (`writeModel` copies those); one in an external file stays there.
 */
export const encodeModel = (model: Model): Result<readonly Uint8Array[], OnnxFault> =>
  attempt(() => encodeModelMessage(model).pieces.map(inMemory));

/** For tests and small models; there may be more chunks than a call takes arguments. */
export const joinChunks = (chunks: readonly Uint8Array[]): Bytes => {
  const length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
  return joinEncoded({ length, pieces: chunks });
};

/** With slices in it. Throws `Refusal`. */
export const encodeModelMessage = (model: Model): Encoded => {
  const writer = beginMessage('ModelProto', model.rest);
  if (model.irVersion !== 0) writeInt(writer, 'ir_version', model.irVersion);
  writeText(writer, 'producer_name', model.producer);
  writeText(writer, 'producer_version', model.producerVersion);
  writeText(writer, 'domain', model.domain);
  writeInt(writer, 'model_version', model.modelVersion);
  writeText(writer, 'doc_string', model.doc);
  writeEncoded(writer, 'graph', encodeGraph(model.graph));
  writeOpsets(writer, model.opsets);
  writeMetadata(writer, model.metadata);
  for (const one of model.functions) writeEncoded(writer, 'functions', encodeFunction(one));
  return finishMessage(writer);
};

const encodeGraph = (graph: Graph): Encoded => {
  const writer = beginMessage('GraphProto', graph.rest);
  for (const node of graph.nodes) writeEncoded(writer, 'node', encodeNode(node));
  writeName(writer, 'name', graph.name);
  for (const [name, tensor] of graph.initializers)
    writeEncoded(writer, 'initializer', encodeTensor(tensor, name));
  writeText(writer, 'doc_string', graph.doc);
  for (const value of graph.inputs) writeEncoded(writer, 'input', encodeValue(value));
  for (const value of graph.outputs) writeEncoded(writer, 'output', encodeValue(value));
  for (const [name, value] of graph.values) writeEncoded(writer, 'value_info', encodeValue(value, name));
  writeMetadata(writer, graph.metadata);
  return finishMessage(writer);
};

const encodeNode = (node: Node): Encoded =>
  atNode(node.name || `${node.op} of ${node.outputs[0] ?? 'nothing'}`, () => {
    const writer = beginMessage('NodeProto', node.rest);
    for (const name of node.inputs) writeText(writer, 'input', name);
    for (const name of node.outputs) writeText(writer, 'output', name);
    writeName(writer, 'name', node.name);
    writeName(writer, 'op_type', node.op);
    for (const [name, attribute] of Object.entries(node.attributes))
      writeEncoded(writer, 'attribute', encodeAttribute(name, attribute));
    writeText(writer, 'doc_string', node.doc);
    writeName(writer, 'domain', node.domain);
    writeText(writer, 'overload', node.overload);
    writeMetadata(writer, node.metadata);
    return finishMessage(writer);
  });

const encodeAttribute = (name: string, attribute: Attribute): Encoded => {
  const writer = beginMessage('AttributeProto', attribute.rest);
  writeName(writer, 'name', name);
  writeAttributeValue(writer, attribute, encodeGraph);
  return finishMessage(writer);
};

const encodeFunction = (one: ModelFunction): Encoded => {
  const writer = beginMessage('FunctionProto', one.rest);
  writeName(writer, 'name', one.name);
  for (const name of one.inputs) writeText(writer, 'input', name);
  for (const name of one.outputs) writeText(writer, 'output', name);
  for (const name of one.attributes) writeText(writer, 'attribute', name);
  for (const node of one.nodes) writeEncoded(writer, 'node', encodeNode(node));
  writeText(writer, 'doc_string', one.doc);
  writeOpsets(writer, one.opsets);
  writeName(writer, 'domain', one.domain);
  for (const [name, attribute] of Object.entries(one.defaults))
    writeEncoded(writer, 'attribute_proto', encodeAttribute(name, attribute));
  for (const [name, value] of one.values) writeEncoded(writer, 'value_info', encodeValue(value, name));
  writeText(writer, 'overload', one.overload);
  writeMetadata(writer, one.metadata);
  return finishMessage(writer);
};

const encodeValue = (value: Value, name = value.name): Encoded => {
  const writer = beginMessage('ValueInfoProto', value.rest);
  writeName(writer, 'name', name);
  // Nothing known and nothing kept: the file has no type there.
  if (value.type.kind !== 'unknown' || value.type.rest) writeEncoded(writer, 'type', encodeType(value.type));
  else dropRest(writer, 'type');
  writeText(writer, 'doc_string', value.doc);
  writeMetadata(writer, value.metadata);
  return finishMessage(writer);
};

const inMemory = (piece: Piece): Uint8Array => {
  if (piece instanceof Uint8Array) return piece;
  throw refuse('missing', `${piece.length} bytes of a tensor are still in the file they were read from`);
};
