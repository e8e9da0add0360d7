/**
 * Links through the server, version 1: the last resort of two tabs that no direct connection reaches.
 *
 * Both sides send an X25519 key made for this one session in their signed and sealed envelopes. HKDF-SHA256 (RFC 5869)
 * of what they share, with the session as salt and room and peers as info, gives one AES-256-GCM key per direction.
 *
 *   a carried payload
 *   offset  size  field
 *   0       16    session   as in the envelopes
 *   16      4     number    of the frame, rising from 0 per direction; with 8 zero bytes before it, the nonce
 *   20      …     sealed, bound to the session:
 *   0       1     kind      1 data · 2 credit · 3 end
 *   1       …     data: one frame of the link · credit: 4 bytes, so many more may be sent · end: nothing
 *
 * Integers are big-endian. Why credit: the server has no buffer to lend, so at most a window is under way, and a tab that
 * reads slowly slows its sender. Why numbers: a frame that is missing, repeated or out of order ends the session, which a
 * link survives by being made anew. Why a key per session: whoever learns a tab's signing key can't read the past.
 */
import { milliseconds, type PeerId } from '../../core/brand.ts';
import { type Bytes, concatBytes } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import { type SealingKey, sealingNonceBytes } from '../../core/ports/sealing.ts';
import type { Timers } from '../../core/ports/timers.ts';
import type { RawChannel } from '../ports.ts';
import type { SignalingClient } from '../signaling/client.ts';
import { signalingLimits } from '../signaling/protocol.ts';

export const carriedLimits = {
  sessionBytes: 16,
  frameBytes: 16 * 1024,
  /** Bytes of frames that may be under way without credit. */
  windowBytes: 256 * 1024,
  /** Credit is given back in portions of this. */
  creditBytes: 64 * 1024,
  /** Frames that come before the other side's key: its greeting, no more. */
  maxEarlyFrames: 8,
  /** Above this much unsent the connection to the server is left alone: signaling shares it. */
  maxUnsentBytes: 512 * 1024,
  /** A number, and so a nonce, is used once. */
  maxFrames: 2 ** 32,
} as const;
const limits = carriedLimits;
const kinds = { data: 1, credit: 2, end: 3 } as const;
const firstLowWaterBytes = 64 * 1024;
const lookAgainMs = 25;

export type CarriedChannelDeps = {
  readonly signaling: Pick<SignalingClient, 'carry' | 'unsentBytes'>;
  readonly timers: Timers;
};

/** The pipe of one session whose keys are agreed on. Doesn't know how they were. */
export const createCarriedChannel = (
  deps: CarriedChannelDeps,
  options: {
    readonly peer: PeerId;
    readonly session: Bytes;
    readonly outgoing: SealingKey;
    readonly incoming: SealingKey;
    readonly onEnd: (reason: string) => void;
  },
) => {
  const { peer, session, outgoing, incoming, onEnd } = options;
  const frames = createEmitter<Bytes>();
  const closed = createEmitter<string>();
  const low = createEmitter<void>();
  const queue: Bytes[] = [];
  let lowWaterBytes = firstLowWaterBytes;
  let queuedBytes = 0;
  let underWay = 0;
  let owed = 0;
  let taken = 0;
  let sent = 0;
  let heard = 0;
  /** Nothing more is said, but what was said still goes out. */
  let ended = false;
  let broken = false;
  let looking = false;
  /** Sealing and opening are asynchronous; frames keep their order by waiting for each other. */
  let lastOut: Promise<unknown> = Promise.resolve();
  let lastIn: Promise<unknown> = Promise.resolve();

  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    broken = true;
    queue.length = 0;
    onEnd(reason);
    closed.emit(reason);
  };

  const carry = (plaintext: Bytes) => {
    const number = sent++;
    if (number >= limits.maxFrames) return end('this session has carried all it can');
    lastOut = lastOut.then(async () => {
      const sealed = await outgoing.seal(nonceOf(number), plaintext, session);
      if (broken) return;
      if (!deps.signaling.carry(peer, concatBytes(session, uint32(number), sealed)))
        end('there is no server to go through now');
    });
    return undefined;
  };

  const pump = (): void => {
    for (let next = queue[0]; next && underWay < limits.windowBytes; next = queue[0]) {
      if (deps.signaling.unsentBytes() > limits.maxUnsentBytes) {
        lookAgain();
        return;
      }
      queue.shift();
      queuedBytes -= next.byteLength;
      underWay += next.byteLength;
      carry(concatBytes(Uint8Array.of(kinds.data), next));
    }
  };
  const pumpAndTell = (): void => {
    const wasAbove = queuedBytes > lowWaterBytes;
    pump();
    if (wasAbove && queuedBytes <= lowWaterBytes) low.emit();
  };
  const lookAgain = (): void => {
    if (looking) return;
    looking = true;
    deps.timers.after(milliseconds(lookAgainMs), () => {
      looking = false;
      if (!ended) pumpAndTell();
    });
  };

  const onPlaintext = (plaintext: Bytes) => {
    const body = plaintext.subarray(1);
    switch (plaintext[0]) {
      case kinds.data:
        taken += body.byteLength;
        owed += body.byteLength;
        // Whoever sends beyond its credit fills our memory, not its own.
        if (taken > limits.windowBytes + signalingLimits.maxCarriedBytes)
          return end('it sends beyond its credit');
        frames.emit(body);
        return giveCredit();
      case kinds.credit: {
        const credit = readUint32(body);
        if (credit < 0 || credit > underWay) return end('it gives credit for what was not sent');
        underWay -= credit;
        return pumpAndTell();
      }
      case kinds.end:
        return end('the other side closed');
      default:
        return end('it sent a frame of no kind');
    }
  };
  const giveCredit = () => {
    if (owed < limits.creditBytes || ended) return;
    carry(concatBytes(Uint8Array.of(kinds.credit), uint32(owed)));
    taken -= owed;
    owed = 0;
  };

  return {
    end,
    received(frame: Bytes) {
      const number = readUint32(frame);
      lastIn = lastIn.then(async () => {
        if (ended) return;
        if (number !== heard) return end(`frame ${number} came instead of ${heard}`);
        heard++;
        const opened = await incoming.open(nonceOf(number), frame.subarray(4), session);
        if (ended) return;
        if (!opened) return end('a frame was changed on its way');
        onPlaintext(opened);
      });
    },
    raw: {
      frames: frames.subscribe,
      closed: closed.subscribe,
      low: low.subscribe,
      unreachable: () => () => {}, // the server tells of the connection's end, and nobody looks in between
      relayed: () => false,
      maxFrameBytes: limits.frameBytes,
      setLowWater(bytes) {
        lowWaterBytes = bytes;
      },
      // What is under way has left: it is the other side that has not answered for it yet.
      bufferedAmount: () => queuedBytes,
      send(frame) {
        if (ended) throw new Error('closed');
        queue.push(frame);
        queuedBytes += frame.byteLength;
        pump();
      },
      close() {
        if (ended) return;
        // Goodbye goes out with what is queued, then nothing more.
        for (const frame of queue.splice(0)) carry(concatBytes(Uint8Array.of(kinds.data), frame));
        carry(Uint8Array.of(kinds.end));
        ended = true;
        onEnd('closed');
      },
      remoteFingerprint: async () => undefined,
    } satisfies RawChannel,
  };
};

const uint32 = (value: number): Bytes => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};
const readUint32 = (bytes: Uint8Array): number =>
  bytes.byteLength < 4 ? -1 : new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(0);
const nonceOf = (number: number): Bytes => {
  const nonce = new Uint8Array(sealingNonceBytes);
  new DataView(nonce.buffer).setUint32(sealingNonceBytes - 4, number);
  return nonce;
};
