import { concatBytes, utf8 } from '../../../core/bytes.ts';
import { decodeCbor, encodeCbor } from '../../../core/codec.ts';
import { parseWith } from '../../../core/schema.ts';
import type { Row } from '../seriesIdentity.ts';
import { checkRow, type FileContent, type FileHead, type FileRow, headSchema, lostOf } from './content.ts';
import { crc32 } from './crc32.ts';

/**
 * A CBOR sequence (RFC 8742) of arrays `["aivillage-part", CRC-32 as four bytes, the part as a byte string]`. Each begins with
 * the same bytes, by which the next whole one is found behind a damaged one. The first part is the head, the others are
 * rows: name, labels, kind, tier, and the block as it is stored (`block.ts`).
 */
export const cborHead = (head: FileHead): Uint8Array => framed(encodeCbor(head));
export const cborRow = ({ name, labels, kind, tier, block }: Row): Uint8Array =>
  framed(encodeCbor({ name, labels, kind, tier, block }));

/** Undefined: nothing of ours is in it. */
export const readCborFile = (
  bytes: Uint8Array,
): (FileContent & { readonly head: FileHead | undefined }) | undefined => {
  const { parts, damaged } = partsOf(bytes);
  const values = parts.map((part) => {
    const decoded = decodeCbor(part, { maxBytes: part.byteLength, maxDepth: 4 });
    return decoded.ok ? decoded.value : undefined;
  });
  const first = parseWith(headSchema, values[0]);
  const head = first.ok ? first.value : undefined;
  const read = (head ? values.slice(1) : values).map(checkRow);
  const rows = read.filter((row): row is FileRow => row !== undefined);
  if (!head && rows.length === 0) return undefined;
  return { head, rows, lost: lostOf(head, rows.length, read.length - rows.length + damaged) };
};

const name = utf8('aivillage-part');
/** Array of three; text of fourteen; and, behind it, a byte string of four. */
const marker = concatBytes(Uint8Array.of(0x83, 0x60 + name.byteLength), name, Uint8Array.of(0x44));

const framed = (part: Uint8Array): Uint8Array => {
  const crc = new Uint8Array(4);
  new DataView(crc.buffer).setUint32(0, crc32(part));
  return concatBytes(marker, crc, encodeCbor(part));
};

const partsOf = (bytes: Uint8Array): { readonly parts: Uint8Array[]; readonly damaged: number } => {
  const parts: Uint8Array[] = [];
  let damaged = 0;
  let offset = findMarker(bytes, 0);
  while (offset !== undefined) {
    const frame = readFrame(bytes, offset);
    if (frame) parts.push(frame.part);
    else damaged++;
    offset = findMarker(bytes, frame ? frame.end : offset + 1);
  }
  return { parts, damaged };
};

const findMarker = (bytes: Uint8Array, from: number): number | undefined => {
  const [start = 0] = marker;
  for (let at = bytes.indexOf(start, from); at >= 0; at = bytes.indexOf(start, at + 1)) {
    let matched = 1;
    while (matched < marker.byteLength && bytes[at + matched] === marker[matched]) matched++;
    if (matched === marker.byteLength) return at;
  }
  return undefined;
};

const readFrame = (bytes: Uint8Array, at: number) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const crcAt = at + marker.byteLength;
  const lengthAt = crcAt + 4;
  if (lengthAt >= bytes.byteLength) return undefined;
  const length = readLength(view, lengthAt);
  if (!length || length.end + length.value > bytes.byteLength) return undefined;
  const part = bytes.subarray(length.end, length.end + length.value);
  if (crc32(part) !== view.getUint32(crcAt)) return undefined;
  return { part, end: length.end + length.value };
};

/** Head of a byte string, RFC 8949 §3.1; 64-bit lengths are beyond every file of ours. */
const readLength = (
  view: DataView,
  at: number,
): { readonly value: number; readonly end: number } | undefined => {
  const head = view.getUint8(at);
  if (head >= 0x40 && head <= 0x57) return { value: head - 0x40, end: at + 1 };
  const left = view.byteLength - at;
  if (head === 0x58 && left >= 2) return { value: view.getUint8(at + 1), end: at + 2 };
  if (head === 0x59 && left >= 3) return { value: view.getUint16(at + 1), end: at + 3 };
  if (head === 0x5a && left >= 5) return { value: view.getUint32(at + 1), end: at + 5 };
  return undefined;
};
