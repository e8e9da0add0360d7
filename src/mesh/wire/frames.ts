/**
 * Wire format of a link, version 3. A message is cut into frames that the other side's data channel takes whole; one
 * frame is one send(), because Firefox may reorder the parts of a logical message. How long a frame may be is known
 * from the connection itself (`RawChannel.maxFrameBytes`), so nobody has to ask for it.
 *
 * Version 2 had no kind 5, and its tabs end a link on a frame of more than 16 KiB: tabs of the two versions must not
 * meet, and part politely over their greetings' protocol numbers.
 *
 *   offset  size  field
 *   0       1     kind      1 message · 2 ping · 3 pong · 4 close · 5 message over a narrow path
 *   message
 *   1       1     priority  0 control · 1 bulk
 *   2       1     channel   which protocol the message belongs to: 0 greeting · 1 overlay · 2 broadcast · 3 rpc ·
 *                           4 letters
 *   3       4     id        of the message, rising per sender and priority
 *   7       4     total     bytes of the whole message
 *   11      4     offset    of this part: parts come in order, so it must be what is already there
 *   15      …     part
 *   message over a narrow path: the same in a frame of exactly 768 bytes; what follows the message's end is padding
 *   ping, pong
 *   1       4     nonce     returned as it came
 *   close
 *   1       …     reason    UTF-8, at most 200 bytes
 *
 * A narrow path swallows large packets (`stall.ts`). SCTP puts as many frames into one packet as fit, at the latest when it
 * sends them again, and the packet would be lost for ever; so there all frames are too long to fit twice. Whoever gets one
 * knows that the path is narrow.
 *
 * Integers are big-endian. SCTP has checksums and retransmits, so there are none here.
 */
import { type Bytes, concatBytes, utf8 } from '../../core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { Channel, Priority } from '../contracts.ts';

export const wireLimits = {
  /** What Chromium takes whole, which is the least of today's browsers (RFC 8841 §6.1: `a=max-message-size`). */
  maxFrameBytes: 256 * 1024,
  /** What every browser takes whole, for one that doesn't tell (RFC 8831 §6.6). */
  safeFrameBytes: 16 * 1024,
  /**
   * Of every frame over a narrow path. With 28 bytes of chunk and SCTP header, 16 of an acknowledgement sent along, some 30
   * of DTLS, and 28 of UDP and IPv4 it is a packet of 870; two of them are more than SCTP's longest (1,191 in Chromium).
   */
  narrowFrameBytes: 768,
  maxMessageBytes: 16 * 1024 * 1024,
  maxReasonBytes: 200,
} as const;

const kinds = { message: 1, ping: 2, pong: 3, close: 4, narrow: 5 } as const;
const priorities: readonly Priority[] = ['control', 'bulk'];
/** Append only: the index is on the wire. */
const channels: readonly Channel[] = ['greeting', 'overlay', 'broadcast', 'rpc', 'letters'];
const layout = { kind: 0, priority: 1, channel: 2, id: 3, total: 7, offset: 11, part: 15 } as const;
const bodyOffset = 1;
/** Of a message's frame, before its part. */
export const messageHeadBytes = layout.part;

export type Frame =
  | {
      readonly kind: 'message';
      readonly priority: Priority;
      readonly channel: Channel;
      readonly id: number;
      readonly total: number;
      readonly offset: number;
      readonly part: Bytes;
      /** The sender knows that the path is narrow. */
      readonly narrow?: true;
    }
  | { readonly kind: 'ping' | 'pong'; readonly nonce: number }
  | { readonly kind: 'close'; readonly reason: string };

export type MessageFrame = Extract<Frame, { kind: 'message' }>;

export const encodeFrame = (frame: Frame): Bytes => {
  switch (frame.kind) {
    case 'message': {
      const bytes = new Uint8Array(
        frame.narrow ? wireLimits.narrowFrameBytes : layout.part + frame.part.byteLength,
      );
      const view = new DataView(bytes.buffer);
      view.setUint8(layout.kind, frame.narrow ? kinds.narrow : kinds.message);
      view.setUint8(layout.priority, priorities.indexOf(frame.priority));
      view.setUint8(layout.channel, channels.indexOf(frame.channel));
      view.setUint32(layout.id, frame.id);
      view.setUint32(layout.total, frame.total);
      view.setUint32(layout.offset, frame.offset);
      bytes.set(frame.part, layout.part);
      return bytes;
    }
    case 'ping':
    case 'pong': {
      const bytes = new Uint8Array(bodyOffset + 4);
      bytes[layout.kind] = kinds[frame.kind];
      new DataView(bytes.buffer).setUint32(bodyOffset, frame.nonce);
      return bytes;
    }
    case 'close':
      return concatBytes(Uint8Array.of(kinds.close), utf8(frame.reason).slice(0, wireLimits.maxReasonBytes));
    default:
      return frame satisfies never;
  }
};

/** Accepts any bytes: a value or a fault, never an exception. */
export const decodeFrame = (bytes: Bytes): Result<Frame, Fault<'frame'>> => {
  if (bytes.byteLength > wireLimits.maxFrameBytes) {
    return malformed(`frame of ${bytes.byteLength} bytes, at most ${wireLimits.maxFrameBytes} are allowed`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (bytes[layout.kind]) {
    case kinds.message:
      return decodeMessageFrame(bytes, view);
    case kinds.narrow: {
      if (bytes.byteLength !== wireLimits.narrowFrameBytes)
        return malformed(`narrow frame of ${bytes.byteLength} bytes, it has ${wireLimits.narrowFrameBytes}`);
      const left = Math.max(0, view.getUint32(layout.total) - view.getUint32(layout.offset));
      const frame = decodeMessageFrame(bytes.subarray(0, layout.part + left), view);
      return frame.ok ? ok({ ...frame.value, narrow: true }) : frame;
    }
    case kinds.ping:
    case kinds.pong: {
      if (bytes.byteLength !== bodyOffset + 4) return malformed(`ping of ${bytes.byteLength} bytes`);
      const kind = bytes[layout.kind] === kinds.ping ? 'ping' : 'pong';
      return ok({ kind, nonce: view.getUint32(bodyOffset) });
    }
    case kinds.close:
      if (bytes.byteLength > bodyOffset + wireLimits.maxReasonBytes)
        return malformed('close with a long reason');
      return ok({ kind: 'close', reason: new TextDecoder().decode(bytes.subarray(bodyOffset)) });
    default:
      return malformed(`unknown kind ${bytes[layout.kind] ?? 'of an empty frame'}`);
  }
};

const decodeMessageFrame = (bytes: Bytes, view: DataView): Result<MessageFrame, Fault<'frame'>> => {
  if (bytes.byteLength < layout.part) return malformed(`message frame of ${bytes.byteLength} bytes`);
  const priority = priorities[view.getUint8(layout.priority)];
  if (!priority) return malformed(`unknown priority ${view.getUint8(layout.priority)}`);
  const channel = channels[view.getUint8(layout.channel)];
  if (!channel) return malformed(`unknown channel ${view.getUint8(layout.channel)}`);
  const total = view.getUint32(layout.total);
  const offset = view.getUint32(layout.offset);
  const part = bytes.subarray(layout.part);
  if (total > wireLimits.maxMessageBytes) {
    return malformed(`message of ${total} bytes, at most ${wireLimits.maxMessageBytes} are allowed`);
  }
  if (offset + part.byteLength > total) return malformed('part reaches past the end of its message');
  if (part.byteLength === 0 && total > 0) return malformed('empty part');
  return ok({ kind: 'message', priority, channel, id: view.getUint32(layout.id), total, offset, part });
};

const malformed = (message: string): Result<never, Fault<'frame'>> => err(fault('frame', message));
