import type { ByteSource, Graph, Model, Node, Tensor } from '../ir/types.ts';

/** A source of which most is made up: what isn't in `parts` is `byteAt(offset)`. Notes what was asked for. */
export const createSparseSource = (
  size: number,
  parts: readonly { readonly offset: number; readonly bytes: Uint8Array }[],
  byteAt: (offset: number) => number = () => 0,
) => {
  const reads: { readonly offset: number; readonly length: number }[] = [];
  const source: ByteSource = {
    size,
    async read(offset, length) {
      reads.push({ offset, length });
      if (offset + length > size) throw new RangeError('past the end');
      const bytes = new Uint8Array(length).map((_, index) => byteAt(offset + index));
      for (const part of parts) {
        const from = Math.max(offset, part.offset);
        const to = Math.min(offset + length, part.offset + part.bytes.byteLength);
        if (from < to) bytes.set(part.bytes.subarray(from - part.offset, to - part.offset), from - offset);
      }
      return bytes;
    },
  };
  return { source, reads, readBytes: () => reads.reduce((sum, { length }) => sum + length, 0) };
};

export const collect = () => {
  const chunks: Uint8Array[] = [];
  return {
    chunks,
    write: async (chunk: Uint8Array) => void chunks.push(chunk),
    bytes: () => new Uint8Array(Buffer.concat(chunks)),
  };
};

export const node = (op: string, inputs: readonly string[], outputs: readonly string[]): Node => ({
  op,
  domain: '',
  name: '',
  inputs,
  outputs,
  attributes: {},
});

export const tensor = (
  dims: readonly number[],
  bytes: Uint8Array,
  dtype: Tensor['dtype'] = 'uint8',
): Tensor => ({
  dtype,
  dims,
  data: { kind: 'bytes', bytes },
});

export const modelOf = (graph: Partial<Graph>): Model => ({
  irVersion: 10,
  opsets: new Map([['', 21]]),
  graph: {
    name: 'g',
    nodes: [],
    inputs: [],
    outputs: [],
    initializers: new Map(),
    values: new Map(),
    ...graph,
  },
  functions: [],
  metadata: {},
});
