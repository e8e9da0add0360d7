import type { Bytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/ports/clock.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import type { Channel, Priority, SendError } from '../contracts.ts';
import type { RawChannel } from '../ports.ts';
import { encodeFrame, messageHeadBytes, wireLimits } from './frames.ts';
import { handOver, look, narrowPace, type Pace, paceOf, startPacing } from './pacing.ts';

/** One bulk frame goes out after this many control frames, so that bulk is slowed but never starved. */
const controlFramesPerBulkFrame = 8;
const maxQueuedBytes = 64 * 1024 * 1024;
/**
 * Frames under way over a narrow path: fewer bytes than SCTP may send at once from the start (ten packets, RFC 9260 §7.2.1),
 * so that none ever waits in it. One that waits would fill up the packet in which SCTP sends a lost one again.
 */
const narrowWindow = 12;
/** Asked twice a window, so that answers come before it is full. */
const probeEvery = narrowWindow / 2;

type Outgoing = {
  readonly id: number;
  readonly channel: Channel;
  readonly bytes: Uint8Array;
  offset: number;
  readonly settle: (result: Result<void, SendError>) => void;
};

export type Progress = {
  /** Frames handed over since the start, and those of them that a narrow path would swallow. */
  readonly frames: number;
  readonly large: number;
  /** Bytes that have left the channel since the start, and those that wait in it. */
  readonly left: number;
  readonly unsent: number;
};

export interface SendQueue {
  send(message: Uint8Array, priority: Priority, channel: Channel): Promise<Result<void, SendError>>;
  /** From now on the path is taken for a narrow one: see `frames.ts`. */
  becomeNarrow(): void;
  progress(): Progress;
  /** So many frames have arrived: what was handed over when a ping was sent that is answered now. */
  arrivedUpTo(frames: number): void;
  /** Everything still waiting fails with `closed`. Idempotent. */
  close(): void;
}

/**
 * Two queues over one channel: control overtakes bulk between frames. Hands the channel as much as leaves it soon, in
 * frames as long as that allows. Doesn't know what messages mean.
 */
export const createSendQueue = (
  channel: RawChannel,
  deps: {
    readonly clock: Clock;
    /** Sends a ping right behind what was handed over; its answer leads to `arrivedUpTo`. */
    readonly probe: () => void;
  },
  options: { readonly narrow?: boolean } = {},
): SendQueue => {
  const { clock } = deps;
  let narrow = options.narrow ?? false;
  let frames = 0;
  let largeFrames = 0;
  let arrivedFrames = 0;
  let handedOver = 0;
  const queues: Record<Priority, Outgoing[]> = { control: [], bulk: [] };
  let nextId = 0;
  let queuedBytes = 0;
  let controlInRow = 0;
  let closed = false;
  let pumping = false;
  let pacing = startPacing(clock.monotonic());
  /** The window was full when the queue last stopped: there was more to send. */
  let waiting = false;
  let lowWater: number | undefined;

  const nextPriority = (): Priority | undefined => {
    if (queues.control.length === 0) return queues.bulk.length > 0 ? 'bulk' : undefined;
    if (queues.bulk.length > 0 && controlInRow >= controlFramesPerBulkFrame) return 'bulk';
    return 'control';
  };

  const sendOneFrame = (message: Outgoing, priority: Priority, part: Uint8Array): void => {
    const frame = encodeFrame({
      kind: 'message',
      priority,
      channel: message.channel,
      id: message.id,
      total: message.bytes.byteLength,
      offset: message.offset,
      part: part as Bytes,
      ...(narrow ? { narrow: true } : {}),
    });
    channel.send(frame);
    pacing = handOver(pacing, frame.byteLength);
    frames++;
    handedOver += frame.byteLength;
    if (narrow && frames % probeEvery === 0) deps.probe();
    if (frame.byteLength > wireLimits.narrowFrameBytes) largeFrames++;
    controlInRow = priority === 'control' ? controlInRow + 1 : 0;
    message.offset += part.byteLength;
    if (message.offset < message.bytes.byteLength) return;
    queues[priority].shift();
    queuedBytes -= message.bytes.byteLength;
    message.settle(ok(undefined));
  };

  const pump = () => {
    if (pumping) return; // a channel may drain, and say so, while it is being written to
    pumping = true;
    try {
      waiting = fill();
    } catch {
      close(); // the channel has closed under us; its own event says why
    }
    pumping = false;
  };
  /** A greeting decides whether there is a link at all, to find out with how the path is: it goes as over a narrow one. */
  const paceFor = (message: Outgoing): Pace =>
    narrow || message.channel === 'greeting'
      ? narrowPace(Math.min(wireLimits.narrowFrameBytes, channel.maxFrameBytes))
      : paceOf(pacing, channel.maxFrameBytes);
  /** True if it stopped because the channel has enough. */
  const fill = (): boolean => {
    pacing = look(pacing, { now: clock.monotonic(), unsent: channel.bufferedAmount(), waiting });
    for (;;) {
      const priority = closed ? undefined : nextPriority();
      const message = priority && queues[priority][0];
      if (!priority || !message) return false;
      const { highWaterBytes, lowWaterBytes, frameBytes } = paceFor(message);
      if (lowWaterBytes !== lowWater) channel.setLowWater(lowWaterBytes);
      lowWater = lowWaterBytes;
      const part = message.bytes.subarray(message.offset, message.offset + frameBytes - messageHeadBytes);
      if (narrow && frames - arrivedFrames >= narrowWindow) return true;
      const unsent = channel.bufferedAmount();
      if (unsent > 0 && unsent + messageHeadBytes + part.byteLength > highWaterBytes) return true;
      sendOneFrame(message, priority, part);
    }
  };
  const stopListening = channel.low(pump);

  const close = () => {
    if (closed) return;
    closed = true;
    stopListening();
    for (const message of [...queues.control.splice(0), ...queues.bulk.splice(0)]) {
      message.settle(err(fault('closed', 'the link closed before the message was sent')));
    }
  };

  return {
    close,
    arrivedUpTo(count) {
      arrivedFrames = Math.max(arrivedFrames, count);
      if (narrow) pump();
    },
    becomeNarrow() {
      if (narrow) return;
      narrow = true;
      deps.probe();
    },
    progress() {
      const unsent = channel.bufferedAmount();
      return { frames, large: largeFrames, left: handedOver - unsent, unsent };
    },
    send(message, priority, channel) {
      if (closed) return Promise.resolve(err(fault('closed', 'the link is closed')));
      if (message.byteLength > wireLimits.maxMessageBytes) {
        return Promise.resolve(
          err(
            fault(
              'too-large',
              `message of ${message.byteLength} bytes, at most ${wireLimits.maxMessageBytes}`,
            ),
          ),
        );
      }
      if (queuedBytes + message.byteLength > maxQueuedBytes) {
        return Promise.resolve(
          err(
            fault(
              'too-large',
              `${queuedBytes} bytes wait for this peer already, at most ${maxQueuedBytes} may`,
            ),
          ),
        );
      }
      return new Promise((settle) => {
        queuedBytes += message.byteLength;
        queues[priority].push({ id: nextId++, channel, bytes: message, offset: 0, settle });
        nextId %= 2 ** 32;
        pump();
      });
    },
  };
};
