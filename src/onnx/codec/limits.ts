/**
 * What the codec takes at most. Each is far above the largest files in use, and there so that a hostile or broken file is
 * refused with a fault that names the limit, before it costs memory.
 */
export const codecLimits = {
  /** Messages inside messages. The reference reader (protobuf) stops at 100; a subgraph is three levels. */
  depth: 100,
  /** Fields of one message: each costs an object while it is read. The largest graphs have 100,000 nodes. */
  fieldsPerMessage: 2 ** 22,
  /** Fields of the whole file, for the same reason. */
  fields: 2 ** 25,
  /** Of one tensor. numpy stops at 64. */
  dims: 64,
  /** Bytes of a text that the representation shows: names, documentation, metadata (vocabularies are put there). */
  textBytes: 2 ** 26,
  /** Bytes of a file without its large tensors: what `readModel` holds in memory. */
  skeletonBytes: 2 ** 30,
  /** Of a safetensors file's header: the reference's own limit. */
  safetensorsHeaderBytes: 100_000_000,
  /** Of one tensor that `resolveTensor` brings into memory: a WebAssembly heap of 32 bits holds no more. */
  resolvedBytes: 2 ** 32,
} as const;

/** Tensors of more bytes than this stay in the file when a model is read from one. */
export const defaultLazyAbove = 64 * 1024;

/** The most that is held at once when bytes are copied from one file into another. */
export const copyBlockBytes = 4 * 1024 * 1024;
