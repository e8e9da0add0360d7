import type { ByteSource, Int } from '../ir/types.ts';

/** Bytes that are elsewhere and are copied when a file is written. */
export type SlicePiece = { readonly source: ByteSource; readonly offset: number; readonly length: number };
export type Piece = Uint8Array | SlicePiece;

/** Something encoded: a few small buffers, and between them large payloads that nobody copied. */
export type Encoded = { readonly length: number; readonly pieces: readonly Piece[] };

/** Payloads of more bytes than this stay where they are. */
const copiedBytes = 4_096;

/** Where encoded bytes gather. Grows as needed; doesn't know messages. */
export type Sink = { buffer: Uint8Array; used: number; length: number; readonly pieces: Piece[] };

export const createSink = (): Sink => ({ buffer: new Uint8Array(64), used: 0, length: 0, pieces: [] });

export const putVarint = (sink: Sink, value: Int): void => {
  if (typeof value === 'bigint' || value < 0) putBig(sink, BigInt.asUintN(64, BigInt(value)));
  else putSafe(sink, value);
};

export const putFloat32 = (sink: Sink, value: number): void => {
  reserve(sink, 4);
  viewOf(sink).setFloat32(sink.used, value, true);
  advance(sink, 4);
};

export const putBytes = (sink: Sink, bytes: Uint8Array): void => {
  if (bytes.byteLength > copiedBytes) putPiece(sink, bytes, bytes.byteLength);
  else {
    reserve(sink, bytes.byteLength);
    sink.buffer.set(bytes, sink.used);
    advance(sink, bytes.byteLength);
  }
};

export const putEncoded = (sink: Sink, { pieces }: Encoded): void => {
  for (const piece of pieces)
    if (piece instanceof Uint8Array) putBytes(sink, piece);
    else putPiece(sink, piece, piece.length);
};

/** The sink must not be used after it. */
export const closeSink = (sink: Sink): Encoded => {
  flush(sink);
  return { length: sink.length, pieces: sink.pieces };
};

export const encodedOf = (piece: Piece): Encoded => ({
  length: piece instanceof Uint8Array ? piece.byteLength : piece.length,
  pieces: [piece],
});

const putSafe = (sink: Sink, value: number): void => {
  reserve(sink, 10);
  let left = value;
  while (left > 127) {
    sink.buffer[sink.used++] = (left % 128) | 128;
    left = Math.floor(left / 128);
    sink.length++;
  }
  sink.buffer[sink.used++] = left;
  sink.length++;
};

const putBig = (sink: Sink, value: bigint): void => {
  reserve(sink, 10);
  let left = value;
  while (left > 127n) {
    sink.buffer[sink.used++] = Number(left & 127n) | 128;
    left >>= 7n;
    sink.length++;
  }
  sink.buffer[sink.used++] = Number(left);
  sink.length++;
};

const putPiece = (sink: Sink, piece: Piece, length: number): void => {
  if (length === 0) return;
  flush(sink);
  sink.pieces.push(piece);
  sink.length += length;
};

const flush = (sink: Sink): void => {
  if (sink.used > 0) sink.pieces.push(sink.buffer.subarray(0, sink.used));
  sink.buffer = sink.buffer.subarray(sink.used);
  sink.used = 0;
};

const reserve = (sink: Sink, more: number): void => {
  if (sink.used + more <= sink.buffer.byteLength) return;
  const grown = new Uint8Array(Math.max(64, 2 * (sink.used + more)));
  grown.set(sink.buffer.subarray(0, sink.used));
  sink.buffer = grown;
};

const advance = (sink: Sink, bytes: number): void => {
  sink.used += bytes;
  sink.length += bytes;
};

const viewOf = ({ buffer }: Sink) => new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
