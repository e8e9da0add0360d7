import type { PeerId, RoomId } from '../src/core/brand.ts';
import type { CancelTimer } from '../src/core/ports/timers.ts';
import type { ConnectionId } from './rooms.ts';

/** What signaling needs of a connection. */
export interface Wire {
  /** Bytes that were sent and not yet taken by the other side. */
  readonly bufferedBytes: () => number;
  send(bytes: Uint8Array): void;
  /** After what was sent has arrived. */
  close(reason: string): void;
  /** At once. */
  terminate(): void;
  /** What comes in is left where it is, so that the sender waits. A little that was read already may still come. */
  pause(): void;
  resume(): void;
}

export type Phase =
  | { readonly name: 'challenged'; readonly nonce: Uint8Array }
  | { readonly name: 'verifying' }
  /** `at`: Unix ms. */
  | { readonly name: 'joined'; readonly room: RoomId; readonly peer: PeerId; readonly at: number }
  | { readonly name: 'gone' };

/** One connection, from its challenge to its end. */
export type Client = {
  readonly id: ConnectionId;
  readonly wire: Wire;
  readonly address: string;
  /** Monotonic ms. */
  readonly openedAt: number;
  phase: Phase;
  cancelDeadline: CancelTimer;
};
export type Joined = Client & { readonly phase: Extract<Phase, { readonly name: 'joined' }> };

export const isJoined = (client: Client): client is Joined => client.phase.name === 'joined';

/** Read through a call, because TypeScript doesn't see that an await or a send may have changed it. */
export const phaseOf = (client: Client): Phase['name'] => client.phase.name;
