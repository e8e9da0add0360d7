/**
 * The messages of onnx-ml.proto (ONNX 1.20, IR version 13, read as of 1.23) as a table: what decides how a field stands on
 * the wire. Fields that aren't here are unknown; they are kept and written after the others, as protobuf does.
 */
type Scalar = 'int32' | 'int64' | 'uint64' | 'enum' | 'float' | 'double' | 'string' | 'bytes';

export type Field = {
  readonly number: number;
  /** A scalar, or the name of a message of this table. */
  readonly type: string;
  readonly repeated: boolean;
  /** Written in one run. Either form is read. */
  readonly packed: boolean;
};

const one = (number: number, type: string): Field => ({ number, type, repeated: false, packed: false });
const many = (number: number, type: string): Field => ({ number, type, repeated: true, packed: false });
const packed = (number: number, type: Scalar): Field => ({ number, type, repeated: true, packed: true });

export const messages = {
  ModelProto: {
    ir_version: one(1, 'int64'),
    producer_name: one(2, 'string'),
    producer_version: one(3, 'string'),
    domain: one(4, 'string'),
    model_version: one(5, 'int64'),
    doc_string: one(6, 'string'),
    graph: one(7, 'GraphProto'),
    opset_import: many(8, 'OperatorSetIdProto'),
    metadata_props: many(14, 'StringStringEntryProto'),
    training_info: many(20, 'TrainingInfoProto'),
    functions: many(25, 'FunctionProto'),
    configuration: many(26, 'DeviceConfigurationProto'),
  },
  GraphProto: {
    node: many(1, 'NodeProto'),
    name: one(2, 'string'),
    initializer: many(5, 'TensorProto'),
    doc_string: one(10, 'string'),
    input: many(11, 'ValueInfoProto'),
    output: many(12, 'ValueInfoProto'),
    value_info: many(13, 'ValueInfoProto'),
    quantization_annotation: many(14, 'TensorAnnotation'),
    sparse_initializer: many(15, 'SparseTensorProto'),
    metadata_props: many(16, 'StringStringEntryProto'),
  },
  NodeProto: {
    input: many(1, 'string'),
    output: many(2, 'string'),
    name: one(3, 'string'),
    op_type: one(4, 'string'),
    attribute: many(5, 'AttributeProto'),
    doc_string: one(6, 'string'),
    domain: one(7, 'string'),
    overload: one(8, 'string'),
    metadata_props: many(9, 'StringStringEntryProto'),
    device_configurations: many(10, 'NodeDeviceConfigurationProto'),
  },
  AttributeProto: {
    name: one(1, 'string'),
    f: one(2, 'float'),
    i: one(3, 'int64'),
    s: one(4, 'bytes'),
    t: one(5, 'TensorProto'),
    g: one(6, 'GraphProto'),
    floats: many(7, 'float'),
    ints: many(8, 'int64'),
    strings: many(9, 'bytes'),
    tensors: many(10, 'TensorProto'),
    graphs: many(11, 'GraphProto'),
    doc_string: one(13, 'string'),
    tp: one(14, 'TypeProto'),
    type_protos: many(15, 'TypeProto'),
    type: one(20, 'enum'),
    ref_attr_name: one(21, 'string'),
    sparse_tensor: one(22, 'SparseTensorProto'),
    sparse_tensors: many(23, 'SparseTensorProto'),
  },
  TensorProto: {
    dims: many(1, 'int64'),
    data_type: one(2, 'int32'),
    segment: one(3, 'TensorProto.Segment'),
    float_data: packed(4, 'float'),
    int32_data: packed(5, 'int32'),
    string_data: many(6, 'bytes'),
    int64_data: packed(7, 'int64'),
    name: one(8, 'string'),
    raw_data: one(9, 'bytes'),
    double_data: packed(10, 'double'),
    uint64_data: packed(11, 'uint64'),
    doc_string: one(12, 'string'),
    external_data: many(13, 'StringStringEntryProto'),
    data_location: one(14, 'enum'),
    metadata_props: many(16, 'StringStringEntryProto'),
  },
  'TensorProto.Segment': { begin: one(1, 'int64'), end: one(2, 'int64') },
  SparseTensorProto: {
    values: one(1, 'TensorProto'),
    indices: one(2, 'TensorProto'),
    dims: many(3, 'int64'),
  },
  ValueInfoProto: {
    name: one(1, 'string'),
    type: one(2, 'TypeProto'),
    doc_string: one(3, 'string'),
    metadata_props: many(4, 'StringStringEntryProto'),
  },
  TypeProto: {
    tensor_type: one(1, 'TypeProto.Tensor'),
    sequence_type: one(4, 'TypeProto.Sequence'),
    map_type: one(5, 'TypeProto.Map'),
    denotation: one(6, 'string'),
    opaque_type: one(7, 'TypeProto.Opaque'),
    sparse_tensor_type: one(8, 'TypeProto.SparseTensor'),
    optional_type: one(9, 'TypeProto.Optional'),
  },
  'TypeProto.Tensor': { elem_type: one(1, 'int32'), shape: one(2, 'TensorShapeProto') },
  'TypeProto.SparseTensor': { elem_type: one(1, 'int32'), shape: one(2, 'TensorShapeProto') },
  'TypeProto.Sequence': { elem_type: one(1, 'TypeProto') },
  'TypeProto.Optional': { elem_type: one(1, 'TypeProto') },
  'TypeProto.Map': { key_type: one(1, 'int32'), value_type: one(2, 'TypeProto') },
  'TypeProto.Opaque': { domain: one(1, 'string'), name: one(2, 'string') },
  TensorShapeProto: { dim: many(1, 'TensorShapeProto.Dimension') },
  'TensorShapeProto.Dimension': {
    dim_value: one(1, 'int64'),
    dim_param: one(2, 'string'),
    denotation: one(3, 'string'),
  },
  OperatorSetIdProto: { domain: one(1, 'string'), version: one(2, 'int64') },
  StringStringEntryProto: { key: one(1, 'string'), value: one(2, 'string') },
  TensorAnnotation: {
    tensor_name: one(1, 'string'),
    quant_parameter_tensor_names: many(2, 'StringStringEntryProto'),
  },
  FunctionProto: {
    name: one(1, 'string'),
    input: many(4, 'string'),
    output: many(5, 'string'),
    attribute: many(6, 'string'),
    node: many(7, 'NodeProto'),
    doc_string: one(8, 'string'),
    opset_import: many(9, 'OperatorSetIdProto'),
    domain: one(10, 'string'),
    attribute_proto: many(11, 'AttributeProto'),
    value_info: many(12, 'ValueInfoProto'),
    overload: one(13, 'string'),
    metadata_props: many(14, 'StringStringEntryProto'),
  },
  TrainingInfoProto: {
    initialization: one(1, 'GraphProto'),
    algorithm: one(2, 'GraphProto'),
    initialization_binding: many(3, 'StringStringEntryProto'),
    update_binding: many(4, 'StringStringEntryProto'),
  },
  DeviceConfigurationProto: {
    name: one(1, 'string'),
    num_devices: one(2, 'int32'),
    device: many(3, 'string'),
  },
  NodeDeviceConfigurationProto: {
    configuration_id: one(1, 'string'),
    sharding_spec: many(2, 'ShardingSpecProto'),
    pipeline_stage: one(3, 'int32'),
  },
  ShardingSpecProto: {
    tensor_name: one(1, 'string'),
    device: many(2, 'int64'),
    index_to_device_group_map: many(3, 'IntIntListEntryProto'),
    sharded_dim: many(4, 'ShardedDimProto'),
  },
  ShardedDimProto: { axis: one(1, 'int64'), simple_sharding: many(2, 'SimpleShardedDimProto') },
  SimpleShardedDimProto: {
    dim_value: one(1, 'int64'),
    dim_param: one(2, 'string'),
    num_shards: one(3, 'int64'),
  },
  IntIntListEntryProto: { key: one(1, 'int64'), value: many(2, 'int64') },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>;

export type MessageName = keyof typeof messages;
export type FieldName<Name extends MessageName> = keyof (typeof messages)[Name] & string;

export const fieldOf = <Name extends MessageName>(message: Name, field: FieldName<Name>): Field => {
  const fields: Readonly<Record<string, Field>> = messages[message];
  const found = fields[field];
  if (!found) throw new Error(`${message} has no field ${field}`);
  return found;
};

/** By number, for what comes from a file. */
export const knownFields = (message: MessageName): ReadonlyMap<number, Field> => {
  const known = fieldsByNumber.get(message);
  if (!known) throw new Error(`there is no message ${message}`);
  return known;
};

const fieldsByNumber: ReadonlyMap<string, ReadonlyMap<number, Field>> = new Map(
  Object.entries(messages).map(([name, fields]) => [
    name,
    new Map(Object.values(fields).map((field: Field) => [field.number, field])),
  ]),
);
