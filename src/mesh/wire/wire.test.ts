import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../core/bytes.ts';
import type { Priority } from '../contracts.ts';
import type { RawChannel } from '../ports.ts';
import { createChannelPair, createManualTime } from '../testDoubles.ts';
import { decodeFrame, encodeFrame, type Frame, wireLimits } from './frames.ts';
import { createReassembler } from './reassembly.ts';
import { createSendQueue } from './sendQueue.ts';

/** At a standstill: what these tests see is the order of frames, and the window of a channel nobody has measured. */
const createQueueOver = (channel: RawChannel) =>
  createSendQueue(channel, { ...createManualTime(), probe: () => {} });

const patterned = (length: number, seed: number): Bytes =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 256);

describe('frames', () => {
  it('are read back as they were written', () => {
    const frames: Frame[] = [
      {
        kind: 'message',
        priority: 'bulk',
        channel: 'rpc',
        id: 7,
        total: 10,
        offset: 4,
        part: patterned(6, 1),
      },
      { kind: 'ping', nonce: 4_000_000_000 },
      { kind: 'pong', nonce: 0 },
      { kind: 'close', reason: 'bye' },
    ];
    for (const frame of frames) expect(decodeFrame(encodeFrame(frame))).toEqual({ ok: true, value: frame });
  });

  it('of any bytes are a value or a fault, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        expect(typeof decodeFrame(new Uint8Array(bytes)).ok).toBe('boolean');
      }),
    );
  });

  it.each([
    ['an empty frame', new Uint8Array(0)],
    ['a frame over the limit', new Uint8Array(wireLimits.maxFrameBytes + 1)],
    ['an unknown kind', new Uint8Array([9])],
    ['a short message header', new Uint8Array([1, 0, 0])],
    [
      'a part beyond its message',
      encodeFrame({
        kind: 'message',
        priority: 'control',
        channel: 'rpc',
        id: 1,
        total: 2,
        offset: 1,
        part: patterned(4, 0),
      }),
    ],
    [
      'a message over the limit',
      encodeFrame({
        kind: 'message',
        priority: 'control',
        channel: 'rpc',
        id: 1,
        total: 2 ** 31,
        offset: 0,
        part: patterned(4, 0),
      }),
    ],
  ])('%s is refused', (_name, bytes) => {
    expect(decodeFrame(bytes)).toMatchObject({ ok: false, error: { code: 'frame' } });
  });

  it('over a limit are refused with what came and what is allowed', () => {
    const longest = new Uint8Array(wireLimits.maxFrameBytes + 1);
    expect(decodeFrame(longest)).toMatchObject({
      error: { message: 'frame of 262145 bytes, at most 262144 are allowed' },
    });
    const part = { kind: 'message', priority: 'bulk', channel: 'rpc', id: 1, offset: 0 } as const;
    const announced = encodeFrame({ ...part, total: 16 * 2 ** 20 + 1, part: patterned(4, 0) });
    expect(decodeFrame(announced)).toMatchObject({
      error: { message: 'message of 16777217 bytes, at most 16777216 are allowed' },
    });
  });

  it('over a narrow path are all of one length, and read without their padding', () => {
    const head = { kind: 'message', priority: 'bulk', channel: 'rpc', id: 7, narrow: true } as const;
    const frames: Frame[] = [
      { ...head, total: 1_000, offset: 0, part: patterned(753, 1) },
      { ...head, total: 1_000, offset: 753, part: patterned(247, 2) },
      { ...head, total: 0, offset: 0, part: patterned(0, 0) },
    ];
    for (const frame of frames) {
      const bytes = encodeFrame(frame);
      expect(bytes.byteLength).toBe(768);
      expect(decodeFrame(bytes)).toEqual({ ok: true, value: frame });
    }
    const [first] = frames.map(encodeFrame);
    expect(decodeFrame(first!.subarray(0, 700))).toMatchObject({
      error: { message: 'narrow frame of 700 bytes, it has 768' },
    });
    first![11] = 255; // its offset is far behind its end
    expect(decodeFrame(first!)).toMatchObject({ error: { code: 'frame' } });
  });

  it('are read without copying their parts', () => {
    const bytes = encodeFrame({
      kind: 'message',
      priority: 'bulk',
      channel: 'rpc',
      id: 1,
      total: 9,
      offset: 0,
      part: patterned(9, 0),
    });
    const frame = decodeFrame(bytes);
    expect(frame.ok && frame.value.kind === 'message' && frame.value.part.buffer).toBe(bytes.buffer);
  });
});

describe('reassembly', () => {
  const part = (id: number, total: number, offset: number, length: number, priority: Priority = 'bulk') =>
    ({ kind: 'message', priority, channel: 'rpc', id, total, offset, part: patterned(length, 0) }) as const;

  it.each([
    ['a gap', [part(1, 10, 0, 4), part(1, 10, 6, 4)]],
    ['a part twice', [part(1, 10, 0, 4), part(1, 10, 0, 4)]],
    ['another message in between', [part(1, 10, 0, 4), part(2, 10, 0, 4)]],
  ])('refuses %s', (_name, [first, second]) => {
    const reassembler = createReassembler();
    expect(reassembler.accept(first!).ok).toBe(true);
    expect(reassembler.accept(second!).ok).toBe(false);
  });

  it('does not reserve memory for what was only announced', () => {
    const reassembler = createReassembler();
    const before = process.memoryUsage().arrayBuffers;
    reassembler.accept(part(1, wireLimits.maxMessageBytes, 0, 10));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
  });

  it('hands out a buffer of its own, as long as its message, whatever the parts', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 8 }),
        (lengths) => {
          const reassembler = createReassembler();
          const whole = patterned(
            lengths.reduce((sum, length) => sum + length, 0),
            3,
          );
          let offset = 0;
          let message: Bytes | undefined;
          for (const length of lengths) {
            const frame = {
              ...part(1, whole.byteLength, offset, 0),
              part: whole.subarray(offset, offset + length),
            };
            const accepted = reassembler.accept(frame);
            if (accepted.ok) message = accepted.value?.bytes;
            offset += length;
          }
          expect(message?.buffer.byteLength).toBe(whole.byteLength);
          expect(Buffer.from(message ?? []).equals(whole)).toBe(true);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('send queue', () => {
  it('delivers any mix of messages whole, in order within a priority', async () => {
    const message = fc.record({
      length: fc.oneof(fc.nat(100), fc.nat(40_000)),
      priority: fc.constantFrom<Priority>('control', 'bulk'),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { maxLength: 8 }), async (messages) => {
        const [here, there] = createChannelPair();
        const reassembler = createReassembler();
        const received: Record<Priority, Bytes[]> = { control: [], bulk: [] };
        there.frames((bytes) => {
          const frame = decodeFrame(bytes);
          if (!frame.ok || frame.value.kind !== 'message') throw new Error('not a message frame');
          const whole = reassembler.accept(frame.value);
          if (!whole.ok) throw new Error(whole.error.message);
          if (whole.value) received[frame.value.priority].push(whole.value.bytes);
        });
        const queue = createQueueOver(here);
        here.manual = true;
        const sent = messages.map(({ length, priority }, i) =>
          queue.send(patterned(length, i), priority, 'rpc'),
        );
        for (let i = 0; i < 1_000 && here.bufferedAmount() > 0; i++) here.flush(1);
        expect((await Promise.all(sent)).every(({ ok }) => ok)).toBe(true);
        for (const priority of ['control', 'bulk'] as const) {
          const expected = messages.flatMap((one, i) =>
            one.priority === priority ? [patterned(one.length, i)] : [],
          );
          // Compared as buffers: element by element the assertion library takes seconds.
          expect(received[priority].length).toBe(expected.length);
          expect(received[priority].every((bytes, i) => Buffer.from(bytes).equals(expected[i]!))).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('lets control overtake bulk, and does not starve bulk', () => {
    const [here] = createChannelPair();
    here.manual = true;
    const queue = createQueueOver(here);
    void queue.send(patterned(2_000_000, 0), 'bulk', 'rpc');
    const sentBefore = here.sent.length;
    for (let i = 0; i < 40; i++) void queue.send(patterned(10, i), 'control', 'rpc');
    for (let i = 0; i < 40; i++) here.flush(1);
    const order = here.sent.slice(sentBefore).map((bytes) => bytes[1]);
    expect(order[0]).toBe(0);
    expect(order.slice(0, 20).filter((priority) => priority === 1).length).toBeGreaterThan(0);
    expect(order.slice(0, 20).filter((priority) => priority === 0).length).toBeGreaterThan(14);
  });

  it('starts with 64 KiB, and goes on when half of them have left', () => {
    const [here] = createChannelPair();
    here.manual = true;
    void createQueueOver(here).send(patterned(5_000_000, 0), 'bulk', 'rpc');
    expect(here.bufferedAmount()).toBe(64 * 1024);
    expect(here.lowWater()).toBe(32 * 1024);
    const before = here.sent.length;
    here.flush(1);
    expect(here.sent.length).toBe(before);
    here.flush(1);
    expect(here.sent.length).toBeGreaterThan(before);
  });

  it('hands over more, in longer frames, to a channel that drains fast, and less again when it gets slow', async () => {
    const time = createManualTime();
    const [here] = createChannelPair([], { maxFrameBytes: 256 * 1024 });
    here.manual = true;
    const queue = createSendQueue(here, { ...time, probe: () => {} });
    for (let i = 0; i < 3; i++) void queue.send(new Uint8Array(16 * 2 ** 20), 'bulk', 'rpc');
    const longestOf = (from: number) =>
      Math.max(...here.sent.slice(from).map(({ byteLength }) => byteLength));
    expect(longestOf(0)).toBe(16 * 1024);
    for (let i = 0; i < 20; i++) {
      await time.advance(5);
      here.flush();
    }
    expect(longestOf(0)).toBe(256 * 1024);
    expect(here.bufferedAmount()).toBe(1024 * 1024);
    for (let i = 0; i < 40; i++) {
      await time.advance(100);
      here.flush(1);
    }
    expect(longestOf(here.sent.length - 4)).toBe(16 * 1024);
    expect(here.bufferedAmount()).toBeLessThanOrEqual(64 * 1024);
    queue.close();
  });

  it('sends no frame that the other side does not take whole', async () => {
    const [here] = createChannelPair([], { maxFrameBytes: 1_024 });
    const sent = await createQueueOver(here).send(patterned(100_000, 0), 'bulk', 'rpc');
    expect(sent.ok).toBe(true);
    expect(Math.max(...here.sent.map(({ byteLength }) => byteLength))).toBe(1_024);
  });

  it('hands a long message of control over before what bulk has still to send', () => {
    const [here] = createChannelPair();
    here.manual = true;
    const queue = createQueueOver(here);
    void queue.send(patterned(2_000_000, 0), 'bulk', 'rpc');
    const handedOver = here.sent.length;
    void queue.send(patterned(200 * 1024, 1), 'control', 'rpc');
    for (let i = 0; i < 40; i++) here.flush(1);
    const priorities = here.sent.slice(handedOver).map((bytes) => bytes[1]);
    // 13 frames of control, and one of bulk that must not starve.
    expect(priorities.slice(0, 14).filter((priority) => priority === 0)).toHaveLength(13);
    expect(priorities.slice(14).every((priority) => priority === 1)).toBe(true);
  });

  it('refuses what is too large and fails what waits when it closes', async () => {
    const [here] = createChannelPair();
    here.manual = true;
    const queue = createQueueOver(here);
    expect(await queue.send(new Uint8Array(wireLimits.maxMessageBytes + 1), 'bulk', 'rpc')).toMatchObject({
      error: { code: 'too-large' },
    });
    const waiting = queue.send(patterned(3_000_000, 0), 'bulk', 'rpc');
    queue.close();
    expect(await waiting).toMatchObject({ error: { code: 'closed' } });
    expect(await queue.send(patterned(1, 0), 'control', 'rpc')).toMatchObject({ error: { code: 'closed' } });
  });
});
