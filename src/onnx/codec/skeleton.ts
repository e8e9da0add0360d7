/**
 * The file of a model without its large tensors, as a smaller file of the same format. What is left out has length 0 there,
 * and `holes` says by its place in the smaller file where it is in the large one. So one decoder reads both.
 */
import type { ByteSource } from '../ir/types.ts';
import { codecLimits } from './limits.ts';
import { fieldOf, knownFields, type MessageName } from './messages.ts';
import { refuse } from './refusal.ts';
import { createWindowedSource, type WindowedSource } from './sourceReading.ts';
import { cursorOf, endsEarly, lengthOf, readTag, readVarint, wire } from './wireReader.ts';
import {
  closeSink,
  createSink,
  type Encoded,
  putBytes,
  putEncoded,
  putVarint,
  type SlicePiece,
} from './wireWriter.ts';

export type Skeleton = { readonly encoded: Encoded; readonly holes: ReadonlyMap<number, SlicePiece> };

/**
 * Reads from front to back and goes into messages of more than `lazyAbove` bytes only. Sparse tensors and training graphs are
 * kept whole: the representation has them encoded. Throws `Refusal`.
 */
export const readSkeleton = async (source: ByteSource, lazyAbove: number): Promise<Skeleton> => {
  const scan: Scan = { source, window: createWindowedSource(source), lazyAbove, kept: 0 };
  const { encoded, holes } = await scanMessage(scan, 'ModelProto', 0, source.size, 0);
  return { encoded, holes: new Map(holes.map(({ at, slice }) => [at, slice])) };
};

type Scan = {
  readonly source: ByteSource;
  readonly window: WindowedSource;
  readonly lazyAbove: number;
  /** Bytes of the skeleton so far. */
  kept: number;
};
type Hole = { readonly at: number; readonly slice: SlicePiece };
type Scanned = { readonly encoded: Encoded; readonly holes: readonly Hole[] };

/** Tensors may be in these, and are looked for. */
const searched: readonly string[] = [
  'GraphProto',
  'NodeProto',
  'AttributeProto',
  'FunctionProto',
  'TensorProto',
];
const rawData = fieldOf('TensorProto', 'raw_data').number;
/** A tag and a length of 10 bytes each. */
const longestHead = 20;

const scanMessage = async (
  scan: Scan,
  name: MessageName,
  start: number,
  end: number,
  depth: number,
): Promise<Scanned> => {
  if (depth > codecLimits.depth)
    throw refuse('too-large', `its messages nest deeper than ${codecLimits.depth} levels`);
  const sink = createSink();
  const holes: Hole[] = [];
  for (let offset = start; offset < end; ) {
    const head = await readHead(scan, offset, end);
    const fieldEnd = head.at + head.length;
    const child = head.length > scan.lazyAbove ? searchedChild(name, head) : undefined;
    if (child) {
      const inner = await scanMessage(scan, child, head.at, fieldEnd, depth + 1);
      putVarint(sink, head.number * 8 + wire.bytes);
      putVarint(sink, inner.encoded.length);
      for (const { at, slice } of inner.holes) holes.push({ at: at + sink.length, slice });
      putEncoded(sink, inner.encoded);
    } else if (name === 'TensorProto' && isLargeRaw(scan, head)) {
      putVarint(sink, head.number * 8 + wire.bytes);
      putVarint(sink, 0);
      holes.push({ at: sink.length, slice: { source: scan.source, offset: head.at, length: head.length } });
    } else {
      const length = fieldEnd - offset;
      keep(scan, length);
      putBytes(
        sink,
        new Uint8Array(scan.window.peek(offset, length) ?? (await scan.window.load(offset, length))),
      );
    }
    offset = fieldEnd;
  }
  return { encoded: closeSink(sink), holes };
};

type Head = { readonly number: number; readonly wire: number; readonly at: number; readonly length: number };

/** Where a field's payload is in the file. */
const readHead = async ({ window }: Scan, offset: number, end: number): Promise<Head> => {
  const available = Math.min(longestHead, end - offset);
  const bytes = window.peek(offset, available) ?? (await window.load(offset, available));
  const cursor = cursorOf(bytes);
  const tag = readTag(cursor, available);
  const number = tag >>> 3;
  const wireType = tag & 7;
  const at = offset + cursor.offset;
  const sized = (length: number): Head => {
    if (at + length > end) throw endsEarly(offset);
    return { number, wire: wireType, at, length };
  };
  switch (wireType) {
    case wire.varint:
      readVarint(cursor, available);
      return sized(offset + cursor.offset - at);
    case wire.fixed64:
      return sized(8);
    case wire.fixed32:
      return sized(4);
    case wire.bytes: {
      readVarint(cursor, available);
      const length = lengthOf(cursor);
      const payload = offset + cursor.offset;
      if (payload + length > end) throw endsEarly(offset);
      return { number, wire: wireType, at: payload, length };
    }
    default:
      throw refuse('malformed', `field ${number} at byte ${offset} has wire type ${wireType}, ONNX has none`);
  }
};

const searchedChild = (name: MessageName, head: Head): MessageName | undefined => {
  const type = head.wire === wire.bytes ? knownFields(name).get(head.number)?.type : undefined;
  return type !== undefined && isSearched(type) ? type : undefined;
};

const isSearched = (type: string): type is MessageName => searched.includes(type);

const isLargeRaw = ({ lazyAbove }: Scan, head: Head): boolean =>
  head.number === rawData && head.wire === wire.bytes && head.length > lazyAbove;

const keep = (scan: Scan, length: number): void => {
  scan.kept += length;
  if (scan.kept > codecLimits.skeletonBytes)
    throw refuse(
      'too-large',
      `the model has more than ${codecLimits.skeletonBytes} bytes besides its tensors' raw data`,
    );
};
