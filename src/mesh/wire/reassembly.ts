import type { Bytes } from '../../core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { Channel, LinkMessage, Priority } from '../contracts.ts';
import type { MessageFrame } from './frames.ts';

type Partial = {
  readonly id: number;
  readonly channel: Channel;
  readonly bytes: Bytes;
  filled: number;
};

/**
 * The first buffer. It grows as parts really arrive, so a stranger can't reserve 16 MiB with one small frame; and it grows
 * to four times what has arrived, so that of 16 MiB in long frames only a third is ever moved.
 */
const firstCapacity = 64 * 1024;
const growth = 4;

export interface Reassembler {
  /** The whole message with its last part, undefined before; a fault if the sender breaks the format. */
  accept(frame: MessageFrame): Result<LinkMessage | undefined, Fault<'frame'>>;
}

/**
 * Puts messages together again. A sender works on one message per priority at a time, so at most two are ever partial:
 * that, and the size limit of a message, bound the memory a peer can take.
 */
export const createReassembler = (): Reassembler => {
  const partialsByPriority = new Map<Priority, Partial>();
  return {
    accept(frame) {
      const partial = partialsByPriority.get(frame.priority) ?? startMessage(frame);
      if (partial.id !== frame.id || partial.channel !== frame.channel || partial.filled !== frame.offset) {
        return err(
          fault(
            'frame',
            `part at ${frame.offset} of message ${frame.id}, expected ${partial.filled} of ${partial.id}`,
          ),
        );
      }
      const grown = growTo(partial, frame.offset + frame.part.byteLength, frame.total);
      grown.bytes.set(frame.part, frame.offset);
      grown.filled = frame.offset + frame.part.byteLength;
      if (grown.filled < frame.total) {
        partialsByPriority.set(frame.priority, grown);
        return ok(undefined);
      }
      partialsByPriority.delete(frame.priority);
      // A buffer is never longer than its message, so this one is exactly full.
      return ok({ channel: grown.channel, bytes: grown.bytes });
    },
  };
};

const startMessage = (frame: MessageFrame): Partial => ({
  id: frame.id,
  channel: frame.channel,
  bytes: new Uint8Array(Math.min(frame.total, Math.max(firstCapacity, growth * frame.part.byteLength))),
  filled: 0,
});

const growTo = (partial: Partial, needed: number, total: number): Partial => {
  if (needed <= partial.bytes.byteLength) return partial;
  const bytes = new Uint8Array(Math.min(total, growth * needed));
  bytes.set(partial.bytes.subarray(0, partial.filled));
  return { ...partial, bytes };
};
