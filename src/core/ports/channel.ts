import type { Unsubscribe } from '../events.ts';

/** Messages between the tabs of one device (BroadcastChannel in a browser); the sender doesn't hear itself. */
export interface DeviceChannel {
  post(message: unknown): void;
  subscribe(listener: (message: unknown) => void): Unsubscribe;
  close(): void;
}
