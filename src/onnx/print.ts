import { bitsPerElement, byteLengthOf, countOf } from './ir/dataTypes.ts';
import type {
  Attribute,
  DataType,
  Graph,
  Metadata,
  Model,
  ModelFunction,
  Tensor,
  ValueType,
} from './ir/types.ts';

export type PrintOptions = {
  /** Tensors and lists up to so many elements are printed whole, longer ones begun. Default 8. */
  readonly maxElements?: number;
  /** Per graph: nodes, and initializers. Default: all. What is left out is counted. */
  readonly maxNodes?: number;
  readonly maxInitializers?: number;
  /** Characters of a string. Default 200. */
  readonly maxText?: number;
  /** What is known of values' types beyond `value_info`. */
  readonly types?: ReadonlyMap<string, ValueType>;
  /** Nodes' names at the ends of lines. Default: no. */
  readonly nodeNames?: boolean;
};

/**
 * A model for people, one line per node: `%out: f32[batch,128] = Conv(%x, %w) {strides=[2,2]}`. The same model gives the same
 * text. Not a format: nothing reads it back. Names that a line can't hold, and characters that would turn it around, are
 * quoted and escaped. Graphs that nest deeper than 16 levels are left out, and it says so.
 */
export const printModel = (model: Model, options: PrintOptions = {}): string => {
  const print: Print = {
    maxElements: 8,
    maxNodes: Number.POSITIVE_INFINITY,
    maxInitializers: Number.POSITIVE_INFINITY,
    maxText: 200,
    types: new Map(),
    nodeNames: false,
    ...options,
  };
  return [
    ...header(print, model),
    ...graphLines(print, `graph ${nameText(model.graph.name)}`, model.graph, 0),
    ...model.functions.flatMap((called) => functionLines(print, called)),
    '',
  ].join('\n');
};

/** `f32[batch,128]`; `?` is a dimension that is not known, and no brackets mean that the rank is not. */
export const printType = (type: ValueType): string => typeText(type, 0);

type Print = Required<PrintOptions>;
const maxDepth = 16;

const header = (print: Print, model: Model): readonly string[] => [
  `onnx ir ${model.irVersion}, opset ${opsetText(model.opsets)}`,
  ...(model.producer === undefined
    ? []
    : [`producer ${textOf(print, model.producer)}${versionText(print, model.producerVersion)}`]),
  ...(model.domain ? [`domain ${textOf(print, model.domain)}`] : []),
  ...(model.modelVersion === undefined ? [] : [`version ${model.modelVersion}`]),
  ...(model.doc ? [`doc ${textOf(print, model.doc)}`] : []),
  ...metadataLines(print, model.metadata),
];

const versionText = (print: Print, version: string | undefined) =>
  version ? ` ${textOf(print, version)}` : '';

const opsetText = (opsets: ReadonlyMap<string, number>) =>
  [...opsets]
    .map(([domain, version]) => `${domain === '' ? 'ai.onnx' : nameText(domain)} ${version}`)
    .join(', ');

const metadataLines = (print: Print, metadata: Metadata = {}) =>
  Object.entries(metadata).map(([key, value]) => `metadata ${nameText(key)} = ${textOf(print, value)}`);

const indent = (lines: readonly string[]) => lines.map((line) => `  ${line}`);
const most = <T>(items: readonly T[], count: number, what: string, line: (item: T) => readonly string[]) => [
  ...items.slice(0, count).flatMap(line),
  ...(items.length > count ? [`… and ${grouped(items.length - count)} more ${what}`] : []),
];

const graphLines = (print: Print, title: string, graph: Graph, depth: number): readonly string[] => {
  if (depth > maxDepth) return [`${title} { … deeper than ${maxDepth} levels }`];
  return [
    `${title} {`,
    ...indent([
      ...(graph.doc ? [`doc ${textOf(print, graph.doc)}`] : []),
      ...metadataLines(print, graph.metadata),
      ...graph.inputs.map(({ name, type }) => `input ${typedName(name, type)}`),
      ...most([...graph.initializers], print.maxInitializers, 'initializers', ([name, tensor]) => [
        `initializer ${valueName(name)}: ${tensorText(print, tensor)}`,
      ]),
      ...nodeLines(print, graph, depth),
      ...graph.outputs.map(({ name, type }) => `output ${typedName(name, type)}`),
    ]),
    '}',
  ];
};

const functionLines = (print: Print, called: ModelFunction): readonly string[] => {
  const inputs = called.inputs.map(valueName).join(', ');
  const outputs = called.outputs.map(valueName).join(', ');
  const defaults = Object.entries(called.defaults).map(([name, value]) => attributeText(print, name, value));
  const attributes = [...called.attributes.map(nameText), ...defaults].join(', ');
  return [
    `function ${operatorText(called.domain, called.name, called.overload)}(${inputs})${attributes ? ` {${attributes}}` : ''} -> (${outputs}), opset ${opsetText(called.opsets)} {`,
    ...indent([...(called.doc ? [`doc ${textOf(print, called.doc)}`] : []), ...nodeLines(print, called, 0)]),
    '}',
  ];
};

const nodeLines = (print: Print, body: Pick<Graph, 'nodes' | 'values'>, depth: number) =>
  most(body.nodes, print.maxNodes, 'nodes', (node) => {
    const outputs = node.outputs.map((name) => {
      const type = print.types.get(name) ?? body.values.get(name)?.type;
      return name === '' ? '_' : typedName(name, type);
    });
    const inputs = node.inputs.map((name) => (name === '' ? '_' : valueName(name)));
    const entries = Object.entries(node.attributes);
    const plain = entries.flatMap(([name, value]) =>
      value.type === 'graph' || value.type === 'graphs' ? [] : [attributeText(print, name, value)],
    );
    const call = `${operatorText(node.domain, node.op, node.overload)}(${inputs.join(', ')})`;
    const attributes = plain.length > 0 ? ` {${plain.join(', ')}}` : '';
    const label = print.nodeNames && node.name !== '' ? ` @${nameText(node.name)}` : '';
    return [
      `${outputs.join(', ')}${outputs.length > 0 ? ' = ' : ''}${call}${attributes}${label}`,
      ...indent(entries.flatMap(([name, value]) => subgraphLines(print, name, value, depth + 1))),
    ];
  });

const subgraphLines = (
  print: Print,
  name: string,
  attribute: Attribute,
  depth: number,
): readonly string[] => {
  if (attribute.type === 'graph')
    return graphLines(
      print,
      `${nameText(name)}: graph ${nameText(attribute.value.name)}`,
      attribute.value,
      depth,
    );
  if (attribute.type !== 'graphs') return [];
  return attribute.value.flatMap((graph, i) =>
    graphLines(print, `${nameText(name)}[${i}]: graph ${nameText(graph.name)}`, graph, depth),
  );
};

const attributeText = (print: Print, name: string, attribute: Attribute): string =>
  `${nameText(name)}=${attributeValue(print, attribute)}`;

const attributeValue = (print: Print, attribute: Attribute): string => {
  switch (attribute.type) {
    case 'int':
      return `${attribute.value}`;
    case 'ints':
      return listText(print, attribute.value, String);
    case 'float':
      return singleText(attribute.value);
    case 'floats':
      return listText(print, attribute.value, singleText);
    case 'string':
      return textOf(print, attribute.value);
    case 'strings':
      return listText(print, attribute.value, (value) => textOf(print, value));
    case 'bytes':
      return `${grouped(attribute.value.byteLength)} bytes`;
    case 'tensor':
      return tensorText(print, attribute.value);
    case 'tensors':
      return listText(print, attribute.value, (tensor) => tensorText(print, tensor));
    case 'graph':
    case 'graphs':
      return 'graph';
    case 'type':
      return printType(attribute.value);
    case 'reference':
      return `@${nameText(attribute.to)}`;
    case 'unknown':
      return `? ${grouped(attribute.rest?.byteLength ?? 0)} bytes`;
    default:
      return attribute satisfies never;
  }
};

const listText = <T>({ maxElements }: Print, items: readonly T[], text: (item: T) => string): string => {
  const shown = items.slice(0, maxElements).map(text);
  const left = items.length - shown.length;
  return `[${[...shown, ...(left > 0 ? [`… ${grouped(left)} more`] : [])].join(',')}]`;
};

/** `i64[2] 16 bytes = [0,-1]`: the type, where the data is, and the first elements of what is in memory. */
const tensorText = (print: Print, tensor: Tensor): string => {
  const { dtype, dims, data } = tensor;
  const type = `${shortName(dtype)}[${dims.join(',')}]`;
  switch (data.kind) {
    case 'bytes':
      return `${type} ${grouped(data.bytes.byteLength)} bytes${elementsText(print, tensor, data.bytes)}`;
    case 'strings':
      return `${type} = ${listText(print, data.strings, (bytes) => textOf(print, new TextDecoder().decode(bytes)))}`;
    case 'slice':
      return `${type} ${grouped(data.length)} bytes, not read`;
    case 'external': {
      const length = data.length === undefined ? 'the rest' : `${grouped(data.length)} bytes`;
      return `${type} ${length} of ${textOf(print, data.location)} from ${grouped(data.offset)}`;
    }
    default:
      return data satisfies never;
  }
};

const elementsText = (print: Print, { dtype, dims }: Tensor, bytes: Uint8Array): string => {
  const count = countOf(dims);
  if (byteLengthOf(dtype, count) !== bytes.byteLength)
    return `, not the ${byteLengthOf(dtype, count)} of its shape`;
  const read = readers[dtype];
  if (read === undefined || count > print.maxElements) return '';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements = Array.from({ length: count }, (_, i) => read(view, i));
  return ` = ${dims.length === 0 ? elements.join('') : `[${elements.join(',')}]`}`;
};

/** What an element says, for the types that have a plain reading; there is no preview of others. */
const readers: Partial<Record<DataType, (view: DataView, i: number) => string>> = {
  float32: (view, i) => singleText(view.getFloat32(4 * i, true)),
  float64: (view, i) => floatText(view.getFloat64(8 * i, true)),
  int8: (view, i) => `${view.getInt8(i)}`,
  int16: (view, i) => `${view.getInt16(2 * i, true)}`,
  int32: (view, i) => `${view.getInt32(4 * i, true)}`,
  int64: (view, i) => `${view.getBigInt64(8 * i, true)}`,
  uint8: (view, i) => `${view.getUint8(i)}`,
  uint16: (view, i) => `${view.getUint16(2 * i, true)}`,
  uint32: (view, i) => `${view.getUint32(4 * i, true)}`,
  uint64: (view, i) => `${view.getBigUint64(8 * i, true)}`,
  bool: (view, i) => `${view.getUint8(i) !== 0}`,
  uint4: (view, i) => `${nibble(view, i)}`,
  int4: (view, i) => `${(nibble(view, i) << 28) >> 28}`,
};

const nibble = (view: DataView, i: number) => (view.getUint8(i >> 1) >> (4 * (i & 1))) & 15;

const typeText = (type: ValueType, depth: number): string => {
  if (depth > maxDepth) return '…';
  switch (type.kind) {
    case 'tensor':
    case 'sparse-tensor': {
      const dims = type.shape?.map((dim) => (typeof dim === 'string' ? nameText(dim) : (dim ?? '?')));
      const sparse = type.kind === 'tensor' ? '' : 'sparse ';
      return `${sparse}${shortName(type.dtype)}${dims === undefined ? '' : `[${dims.join(',')}]`}`;
    }
    case 'sequence':
    case 'optional':
      return `${type.kind}(${typeText(type.element, depth + 1)})`;
    case 'map':
      return `map(${shortName(type.key)}, ${typeText(type.value, depth + 1)})`;
    case 'unknown':
      return '?';
    default:
      return type satisfies never;
  }
};

/** float32 is f32, bfloat16 bf16, uint4 u4. */
const shortName = (dtype: DataType): string =>
  bitsPerElement[dtype] === 0 || dtype === 'bool'
    ? dtype
    : dtype.replace('float', 'f').replace('uint', 'u').replace('int', 'i').replace('complex', 'c');

const typedName = (name: string, type: ValueType | undefined) =>
  type === undefined ? valueName(name) : `${valueName(name)}: ${printType(type)}`;
const valueName = (name: string) => `%${nameText(name)}`;
const operatorText = (domain: string, op: string, overload: string | undefined) =>
  [...(domain === '' || domain === 'ai.onnx' ? [] : [domain]), op, ...(overload ? [overload] : [])]
    .map(nameText)
    .join('.');

/** As it is if nothing in it could be taken for something else, quoted otherwise. */
const nameText = (name: string) => (/^[\w./:#+\-[\]]+$/.test(name) ? name : escaped(name));

const textOf = ({ maxText }: Print, text: string): string => {
  if (text.length <= maxText) return escaped(text);
  return `${escaped(text.slice(0, maxText))} and ${grouped(text.length - maxText)} more characters`;
};

/** JSON's escapes, and those for what is invisible or changes the direction of a line. */
const escaped = (text: string) =>
  JSON.stringify(text).replace(
    /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Whole numbers keep a point: 1 is an int, 1.0 is not. */
const floatText = (value: number): string => {
  const text = Object.is(value, -0) ? '-0' : `${value}`;
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
};

/** The shortest decimal that is this float32. */
const singleText = (value: number): string => {
  const single = Math.fround(value);
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return floatText(Object.is(single, -0) ? -0 : short);
  }
  return floatText(Number.isFinite(single) ? Number(single.toPrecision(9)) : single);
};

const grouped = (count: number) => `${count}`.replace(/\B(?=(\d{3})+$)/g, ',');
