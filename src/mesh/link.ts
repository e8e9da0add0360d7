import { byteCount, type Milliseconds, milliseconds, type PeerId } from '../core/brand.ts';
import type { Bytes } from '../core/bytes.ts';
import { createEmitter } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Timers } from '../core/ports/timers.ts';
import { type Fault, fault } from '../core/result.ts';
import type { Link, LinkEnd } from './contracts.ts';
import type { RawChannel } from './ports.ts';
import { decodeFrame, encodeFrame, type Frame, wireLimits } from './wire/frames.ts';
import { createReassembler } from './wire/reassembly.ts';
import { createSendQueue } from './wire/sendQueue.ts';

const pingEvery = milliseconds(5_000);
/** Above this, pongs are not sent: a peer that pings and reads nothing must not fill our memory with answers. */
const maxUnsentBytes = 1024 * 1024;

/**
 * A link over an open channel. Answers pings from the message handler, so a hidden tab whose timers are throttled still
 * answers at once. Knows frames; doesn't know who the peer proved to be, nor what a message means.
 */
export const createLink = (
  channel: RawChannel,
  deps: { readonly peer: PeerId; readonly clock: Clock; readonly timers: Timers },
): Link => {
  const { clock, timers } = deps;
  const messages = createEmitter<Bytes>();
  const closed = createEmitter<Fault<LinkEnd>>();
  const reassembler = createReassembler();
  const queue = createSendQueue(channel);
  const pingsByNonce = new Map<number, Milliseconds>();
  let nextNonce = 0;
  let bytesSent = 0;
  let bytesReceived = 0;
  let rtt: number | undefined;
  let ended = false;

  const end = (reason: Fault<LinkEnd>) => {
    if (ended) return;
    ended = true;
    stopPinging();
    stopFrames();
    stopClosed();
    queue.close();
    channel.close();
    closed.emit(reason);
  };

  const sendNow = (frame: Frame) => {
    try {
      channel.send(encodeFrame(frame));
    } catch {
      end(fault('failed', 'the connection was lost'));
    }
  };

  const ping = (): void => {
    // A lost pong must not pile up: only the last few pings can still be answered.
    for (const nonce of [...pingsByNonce.keys()].slice(0, -4)) pingsByNonce.delete(nonce);
    pingsByNonce.set(nextNonce, clock.monotonic());
    sendNow({ kind: 'ping', nonce: nextNonce });
    nextNonce = (nextNonce + 1) % 2 ** 32;
  };

  const onPong = (nonce: number): void => {
    const sentAt = pingsByNonce.get(nonce);
    if (sentAt === undefined) return;
    pingsByNonce.delete(nonce);
    const sample = clock.monotonic() - sentAt;
    rtt = rtt === undefined ? sample : rtt * 0.875 + sample * 0.125; // RFC 6298 §2, α = 1/8
  };

  const onFrame = (bytes: Bytes) => {
    bytesReceived += bytes.byteLength;
    const frame = decodeFrame(bytes);
    if (!frame.ok) return end(fault('misbehaved', frame.error.message));
    switch (frame.value.kind) {
      case 'message': {
        const message = reassembler.accept(frame.value);
        if (!message.ok) return end(fault('misbehaved', message.error.message));
        if (message.value) messages.emit(message.value);
        return;
      }
      case 'ping':
        if (channel.bufferedAmount() <= maxUnsentBytes) sendNow({ kind: 'pong', nonce: frame.value.nonce });
        return undefined;
      case 'pong':
        return onPong(frame.value.nonce);
      case 'close':
        return end(fault('closed-there', frame.value.reason));
      default:
        return frame.value satisfies never;
    }
  };

  const stopFrames = channel.frames(onFrame);
  const stopClosed = channel.closed((reason) => end(fault('failed', reason)));
  const stopPinging = timers.every(pingEvery, ping);
  ping();

  return {
    peer: deps.peer,
    messages: messages.subscribe,
    closed: closed.subscribe,
    async send(message, priority) {
      const sent = await queue.send(message, priority);
      if (sent.ok) bytesSent += message.byteLength;
      return sent;
    },
    stats: () => ({
      bytesSent: byteCount(bytesSent),
      bytesReceived: byteCount(bytesReceived),
      rtt: rtt === undefined ? undefined : milliseconds(rtt),
    }),
    close(reason) {
      if (ended) return;
      stopClosed(); // the other side closes on our word: that is not a loss
      try {
        channel.send(encodeFrame({ kind: 'close', reason: reason.slice(0, wireLimits.maxReasonBytes / 4) }));
      } catch {
        // it was lost already, and would have been closed
      }
      end(fault('closed-here', reason));
    },
  };
};
