import type { Bytes } from '../../core/bytes.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import type { Channel, Priority, SendError } from '../contracts.ts';
import type { RawChannel } from '../ports.ts';
import { encodeFrame, maxPartBytes, wireLimits } from './frames.ts';

/** Above this many unsent bytes the queue waits for the channel to drain (to its low mark of 64 KiB). */
const highWaterBytes = 256 * 1024;
/** One bulk frame goes out after this many control frames, so that bulk is slowed but never starved. */
const controlFramesPerBulkFrame = 8;
const maxQueuedBytes = 64 * 1024 * 1024;

type Outgoing = {
  readonly id: number;
  readonly channel: Channel;
  readonly bytes: Uint8Array;
  offset: number;
  readonly settle: (result: Result<void, SendError>) => void;
};

export interface SendQueue {
  send(message: Uint8Array, priority: Priority, channel: Channel): Promise<Result<void, SendError>>;
  /** Everything still waiting fails with `closed`. Idempotent. */
  close(): void;
}

/** Two queues over one channel: control overtakes bulk between frames. Doesn't know what messages mean. */
export const createSendQueue = (channel: RawChannel): SendQueue => {
  const queues: Record<Priority, Outgoing[]> = { control: [], bulk: [] };
  let nextId = 0;
  let queuedBytes = 0;
  let controlInRow = 0;
  let closed = false;
  let pumping = false;

  const nextPriority = (): Priority | undefined => {
    if (queues.control.length === 0) return queues.bulk.length > 0 ? 'bulk' : undefined;
    if (queues.bulk.length > 0 && controlInRow >= controlFramesPerBulkFrame) return 'bulk';
    return 'control';
  };

  const sendOneFrame = (priority: Priority): void => {
    const message = queues[priority][0];
    if (!message) return;
    const part = message.bytes.subarray(message.offset, message.offset + maxPartBytes);
    channel.send(
      encodeFrame({
        kind: 'message',
        priority,
        channel: message.channel,
        id: message.id,
        total: message.bytes.byteLength,
        offset: message.offset,
        part: part as Bytes,
      }),
    );
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
    fill();
    pumping = false;
  };
  const fill = () => {
    while (!closed && channel.bufferedAmount() < highWaterBytes) {
      const priority = nextPriority();
      if (!priority) return;
      try {
        sendOneFrame(priority);
      } catch {
        return close(); // the channel has closed under us; its own event says why
      }
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
