import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { createManualTime, settle } from '../testDoubles.ts';
import { createEnvelopeInbox, createSessionGuard } from './guards.ts';

const ana = 'ana' as PeerId;
const ben = 'ben' as PeerId;
const letter = (n: number) => Uint8Array.of(n);

describe('the envelope inbox', () => {
  it('handles one after the other per peer, in order, also after one that threw', async () => {
    const order: string[] = [];
    const failed: unknown[] = [];
    const inbox = createEnvelopeInbox(
      async (_from, [n]) => {
        order.push(`begin ${n}`);
        await settle();
        if (n === 2) throw new Error('two');
        order.push(`end ${n}`);
      },
      (from, cause) => failed.push([from, String(cause)]),
    );
    for (const n of [1, 2, 3]) inbox.accept(ana, letter(n));
    for (let i = 0; i < 6; i++) await settle();
    expect(order).toEqual(['begin 1', 'end 1', 'begin 2', 'begin 3', 'end 3']);
    expect(failed).toEqual([[ana, 'Error: two']]);
  });

  it('drops what a peer floods, takes what others send, and recovers', async () => {
    const held: (() => void)[] = [];
    const inbox = createEnvelopeInbox(
      () => new Promise((resolve) => held.push(resolve)),
      () => {},
    );
    const taken = Array.from({ length: 1_000 }, (_, n) => inbox.accept(ana, letter(n))).filter(Boolean);
    expect(taken).toHaveLength(128);
    expect(inbox.accept(ben, letter(1))).toBe(true);
    for (let i = 0; i < 128; i++) {
      await Promise.resolve();
      for (const release of held.splice(0)) release();
      await settle();
    }
    expect(inbox.accept(ana, letter(1))).toBe(true);
  });

  it('is bounded also against a server that invents peers', () => {
    const inbox = createEnvelopeInbox(
      () => new Promise(() => {}),
      () => {},
    );
    const taken = Array.from({ length: 5_000 }, (_, n) => inbox.accept(`${n}` as PeerId, letter(1)));
    expect(taken.filter(Boolean)).toHaveLength(1_024);
  });
});

describe('the session guard', () => {
  it('lets every session start once', () => {
    const guard = createSessionGuard(createManualTime().clock);
    expect([guard.mayStart(ana, 's'), guard.mayStart(ana, 's'), guard.mayStart(ben, 's')]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('hears a peer that asks without end twenty times a minute', async () => {
    const time = createManualTime();
    const guard = createSessionGuard(time.clock);
    let session = 0;
    const ask = () => Array.from({ length: 100 }, () => guard.mayStart(ana, `${session++}`)).filter(Boolean);
    expect(ask()).toHaveLength(20);
    await time.advance(59_999);
    expect(ask()).toHaveLength(0);
    expect(guard.mayStart(ben, 'first')).toBe(true);
    await time.advance(1);
    expect(ask()).toHaveLength(20);
  });
});
