import type { ByteSource } from '../ir/types.ts';
import { copyBlockBytes } from './limits.ts';
import { Refusal, refuse } from './refusal.ts';
import type { Piece, SlicePiece } from './wireWriter.ts';

/** Takes bytes in order. Its rejection is the caller's own and is passed on to the caller. */
export type Write = (chunk: Uint8Array) => Promise<void>;

/** Throws `Refusal`: `malformed` beyond the end of the source, `missing` if it can't be read. */
export const readExactly = async (
  source: ByteSource,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> => {
  if (offset + length > source.size)
    throw refuse('malformed', `${length} bytes at ${offset} reach past the end of a file of ${source.size}`);
  const bytes = await source.read(offset, length).catch((cause: unknown) => {
    // A source that computes what it gives may have a fault of its own.
    if (cause instanceof Refusal) throw cause;
    throw refuse('missing', `${length} bytes at ${offset} can't be read: ${messageOf(cause)}`);
  });
  if (bytes.byteLength === length) return bytes;
  throw refuse('missing', `a read at ${offset} gave ${bytes.byteLength} bytes, ${length} were asked for`);
};

/** One after the other; what is elsewhere in blocks, so that one block is held at a time. */
export const writePieces = async (pieces: Iterable<Piece>, write: Write): Promise<void> => {
  for (const piece of pieces)
    if (piece instanceof Uint8Array) await write(piece);
    else await copySlice(piece, write);
};

const copySlice = async ({ source, offset, length }: SlicePiece, write: Write): Promise<void> => {
  for (let done = 0; done < length; done += copyBlockBytes)
    await write(await readExactly(source, offset + done, Math.min(copyBlockBytes, length - done)));
};

/**
 * A source that is read forward in small steps, a window at a time. A window is short where reading has just skipped
 * something and grows while it goes on without gaps: the head of a tensor between large ones costs one short read.
 */
export type WindowedSource = {
  /** Undefined if these bytes are not in the window: then `load` brings them. Valid until the next `load`. */
  readonly peek: (offset: number, length: number) => Uint8Array | undefined;
  readonly load: (offset: number, length: number) => Promise<Uint8Array>;
};

const shortestWindow = 4 * 1024;
const longestWindow = 1024 * 1024;

export const createWindowedSource = (source: ByteSource): WindowedSource => {
  let window = new Uint8Array(0);
  let start = 0;
  let next = shortestWindow;
  const peek = (offset: number, length: number) =>
    offset >= start && offset + length <= start + window.byteLength
      ? window.subarray(offset - start, offset - start + length)
      : undefined;
  return {
    peek,
    async load(offset, length) {
      const end = start + window.byteLength;
      const goesOn = offset >= start && offset <= end;
      next = goesOn ? Math.min(longestWindow, 2 * next) : shortestWindow;
      const wanted = Math.min(Math.max(length, next), Math.max(length, source.size - offset));
      window = await readExactly(source, offset, wanted);
      start = offset;
      return window.subarray(0, length);
    },
  };
};

export const messageOf = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause));
