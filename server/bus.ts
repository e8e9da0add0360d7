import type { Store, Unsubscribe } from '../src/core/events.ts';

export type BusState = 'connected' | 'away';

/**
 * What server processes share rooms over: whoever subscribes to a subject gets what others publish on it. At most once, in
 * the order of one publisher, and never what one published oneself. What is published while it is away is lost;
 * subscriptions outlive that. Nothing here throws. Knows subjects and bytes; doesn't know rooms or peers.
 */
export interface Bus {
  readonly state: Store<BusState>;
  /** False: it was not taken (away, closed, or too much waits already), and will not arrive. */
  publish(subject: string, bytes: Uint8Array): boolean;
  subscribe(subject: string, onMessage: (bytes: Uint8Array) => void): Unsubscribe;
  /** Bytes that were published and of which the bus has not said yet that it has them. */
  waitingBytes(): number;
  /** What was published is sent, then it is away for good. Idempotent. */
  close(): Promise<void>;
}

export const busLimits = {
  /** Beyond, nothing more is taken: a bus that doesn't read must not cost memory. */
  maxWaitingBytes: 8 * 1024 * 1024,
} as const;
