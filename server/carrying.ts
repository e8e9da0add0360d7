import type { Clock } from '../src/core/ports/clock.ts';
import { encodeSignaling } from '../src/mesh/signaling/protocol.ts';
import type { Holds } from './holds.ts';
import { type Bucket, type BucketRate, fullBucket, oweTokens } from './limits.ts';
import type { ConnectionId } from './rooms.ts';

export type CarryOptions = {
  /** For one tab; 0: nothing is carried. */
  readonly bytesPerSecond: number;
  /** For all tabs of this process together. */
  readonly totalBytesPerSecond: number;
};

export const carryLimits = {
  /** What a tab that was quiet may send at once. */
  burstSeconds: 2,
  /** A frame costs at least so much: small ones cost the server time, not bytes. */
  leastBytes: 1_024,
  /** Who sends to somebody with more than this unsent is read later. */
  fullAtBytes: 256 * 1024,
} as const;

/** Whoever sends, as far as reading it can wait. */
type Reader = { pause(): void; resume(heldMs: number): void };

export interface Carrying {
  readonly bytesPerSecond: number;
  /**
   * A frame was read and will be passed on. Beyond the budgets, or if its receiver is full, the sender is not read until
   * that has passed: nothing is dropped, so frames stay in order and without gaps.
   */
  charge(
    id: ConnectionId,
    reader: Reader,
    bytes: number,
    receiver: { readonly name: string; isFull(): boolean },
  ): void;
  forget(id: ConnectionId): void;
}

/** What carrying frames between tabs may cost. Knows bytes and time; doesn't know rooms, messages or sockets. */
export const createCarrying = (
  deps: { readonly clock: Pick<Clock, 'monotonic'>; readonly holds: Holds },
  { bytesPerSecond, totalBytesPerSecond }: CarryOptions,
): Carrying => {
  const rateOf = (perSecond: number): BucketRate => ({
    perSecond,
    capacity: perSecond * carryLimits.burstSeconds,
  });
  const [own, total] = [rateOf(bytesPerSecond), rateOf(totalBytesPerSecond)];
  const bucketsById = new Map<ConnectionId, Bucket>();
  let shared: Bucket | undefined;
  return {
    bytesPerSecond,
    charge(id, reader, bytes, receiver) {
      const now = deps.clock.monotonic();
      const cost = Math.max(bytes, carryLimits.leastBytes);
      const owed = oweTokens(bucketsById.get(id) ?? fullBucket(own, now), own, now, cost);
      const owedByAll = oweTokens(shared ?? fullBucket(total, now), total, now, cost);
      bucketsById.set(id, owed.bucket);
      shared = owedByAll.bucket;
      const wait = Math.max(owed.waitMs, owedByAll.waitMs);
      const isFull = receiver.isFull();
      if (wait === 0 && !isFull) return;
      const reason = { until: now + wait, ...(isFull ? { full: receiver } : {}) };
      deps.holds.hold(id, reason, { begin: () => reader.pause(), end: (heldMs) => reader.resume(heldMs) });
    },
    forget(id) {
      bucketsById.delete(id);
      deps.holds.release(id);
    },
  };
};

/**
 * Deterministic CBOR has one beginning for every carry message, so that its budget is known before anything is decoded.
 */
const carryHead = encodeSignaling({ t: 'carry', to: '' as never, payload: new Uint8Array(0) }).subarray(0, 9);
export const looksCarried = (bytes: Uint8Array): boolean =>
  carryHead.every((byte, index) => bytes[index] === byte);
