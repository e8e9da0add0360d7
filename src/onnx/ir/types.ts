/**
 * The intermediate representation: a model as a value. It says what an ONNX file says (onnx.proto, IR version 4 to 13), in
 * terms that a pass works with: types by name, tensors as bytes, attributes as a union. Nothing here is ever changed in
 * place; a pass returns another graph that shares what it kept. What a file contains and the representation has no word for
 * is kept in `rest` and written back.
 *
 * Values are names, as in ONNX: a graph's inputs, initializers and node outputs define them, each once (SSA), and a subgraph
 * sees those around it. The empty name stands for an optional input or output that is not there.
 */

/** `TensorProto.DataType`, by the names numpy and ml_dtypes use. */
export type DataType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'bfloat16'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'bool'
  | 'string'
  | 'complex64'
  | 'complex128'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float4e2m1'
  | 'uint4'
  | 'int4'
  | 'uint2'
  | 'int2';

/** A number; a name that stands for the same number wherever it occurs; or nothing known. */
export type Dim = number | string | undefined;
/** Row-major, outermost first; undefined if not even the rank is known. */
export type Shape = readonly Dim[];

export type TensorType = {
  readonly kind: 'tensor' | 'sparse-tensor';
  readonly dtype: DataType;
  readonly shape: Shape | undefined;
  readonly rest?: Rest;
};
export type ValueType =
  | TensorType
  | { readonly kind: 'sequence' | 'optional'; readonly element: ValueType; readonly rest?: Rest }
  | { readonly kind: 'map'; readonly key: DataType; readonly value: ValueType; readonly rest?: Rest }
  /** Something this representation has no word for, or a value whose type the file leaves open. */
  | { readonly kind: 'unknown'; readonly rest?: Rest };

/** Fields of the message that this stands for and that have no place in it, encoded, tags and all. */
export type Rest = Uint8Array;

/**
 * Where bytes are that need not be in memory: a file, a part of one, a download. Knows how to read; doesn't know what it
 * holds. Implemented in `platform` over Node's files and over `Blob`.
 */
export interface ByteSource {
  /** In bytes. */
  readonly size: number;
  /** Exactly `length` bytes, or a rejection that says what is missing. The result is the caller's. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Row-major and little-endian, whatever the machine: ONNX's `raw_data`. Types of 4 and 2 bits are packed, the first element
 * in the lowest bits.
 */
export type TensorData =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'strings'; readonly strings: readonly Uint8Array[] }
  /** Not read yet: a part of the file the model came from. */
  | { readonly kind: 'slice'; readonly source: ByteSource; readonly offset: number; readonly length: number }
  /** In another file beside the model's. `length` is the rest of the file if it is undefined. */
  | {
      readonly kind: 'external';
      readonly location: string;
      readonly offset: number;
      readonly length: number | undefined;
      /** SHA-1 of the file, as ONNX allows and nobody checks. */
      readonly checksum?: string;
    };

export type Tensor = {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly data: TensorData;
  readonly name?: string;
  readonly doc?: string;
  /** The file has it in `float_data` and the like, not in `raw_data`, and gets it back so. */
  readonly typed?: true;
  readonly rest?: Rest;
};

/** A safe integer is a number, another one a bigint. */
export type Int = number | bigint;

export type Attribute = (
  | { readonly type: 'int'; readonly value: Int }
  | { readonly type: 'ints'; readonly value: readonly Int[] }
  /** Of float32 precision. */
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  /** A string that is no UTF-8. */
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'tensor'; readonly value: Tensor }
  | { readonly type: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly type: 'graph'; readonly value: Graph }
  | { readonly type: 'graphs'; readonly value: readonly Graph[] }
  | { readonly type: 'type'; readonly value: ValueType }
  /** In a function's body: the attribute of this name of the node that calls it. */
  | { readonly type: 'reference'; readonly to: string; readonly of: number }
  /** Sparse tensors, and what is newer than this code: `rest` has all of it. */
  | { readonly type: 'unknown' }
) & { readonly doc?: string; readonly rest?: Rest };

export type Metadata = Readonly<Record<string, string>>;

export type Node = {
  readonly op: string;
  /** '' is ai.onnx. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** In the file's order. */
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly overload?: string;
  readonly doc?: string;
  readonly metadata?: Metadata;
  readonly rest?: Rest;
};

/** A named, typed value at the border of a graph. */
export type Value = {
  readonly name: string;
  readonly type: ValueType;
  readonly doc?: string;
  readonly metadata?: Metadata;
  readonly rest?: Rest;
};

export type Graph = {
  readonly name: string;
  /** In topological order. */
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** By name, in the file's order. One that is an input as well is that input's default. */
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** What the file says of values in between (`value_info`), by name. */
  readonly values: ReadonlyMap<string, Value>;
  readonly doc?: string;
  readonly metadata?: Metadata;
  /** Sparse initializers and quantization annotations among it. */
  readonly rest?: Rest;
};

/** A function of the model (`FunctionProto`): an operator that is defined by nodes. */
export type ModelFunction = {
  readonly name: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Without defaults, and with. */
  readonly attributes: readonly string[];
  readonly defaults: Readonly<Record<string, Attribute>>;
  readonly nodes: readonly Node[];
  readonly opsets: ReadonlyMap<string, number>;
  readonly values: ReadonlyMap<string, Value>;
  readonly overload?: string;
  readonly doc?: string;
  readonly metadata?: Metadata;
  readonly rest?: Rest;
};

export type Model = {
  readonly irVersion: number;
  /** Version by domain; '' is ai.onnx. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: Graph;
  readonly functions: readonly ModelFunction[];
  readonly producer?: string;
  readonly producerVersion?: string;
  readonly domain?: string;
  readonly modelVersion?: Int;
  readonly doc?: string;
  readonly metadata: Metadata;
  readonly rest?: Rest;
};
