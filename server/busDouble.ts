import { createStore } from '../src/core/events.ts';
import type { Bus, BusState } from './bus.ts';

export type BusDouble = Bus & {
  /** As if its connection broke, and came back. */
  cut(): void;
  heal(): void;
  /** Connected, and yet only those on the same side hear each other: a cluster that fell apart. */
  side: number;
  /** What `waitingBytes` says. */
  waiting: number;
  /** As if somebody had published it. */
  receive(subject: string, bytes: Uint8Array): void;
  subjects(): readonly string[];
  readonly published: readonly { readonly subject: string; readonly bytes: Uint8Array }[];
};

/** A bus in memory: what is published arrives in order, after what runs now. */
export const createBusNetwork = () => {
  const buses = new Set<{ bus: BusDouble; hear(subject: string, bytes: Uint8Array): void }>();
  const open = (): BusDouble => {
    const state = createStore<BusState>('connected');
    const listeners = new Set<{ subject: string; onMessage: (bytes: Uint8Array) => void }>();
    const published: { subject: string; bytes: Uint8Array }[] = [];
    let closed = false;
    const bus: BusDouble = {
      state,
      side: 0,
      waiting: 0,
      published,
      receive: (subject, bytes) => entry.hear(subject, bytes),
      subjects: () => [...listeners].map(({ subject }) => subject),
      cut: () => state.set('away'),
      heal: () => {
        if (!closed) state.set('connected');
      },
      publish(subject, bytes) {
        if (state.get() === 'away') return false;
        published.push({ subject, bytes });
        const copy = new Uint8Array(bytes);
        const reached = [...buses].filter((other) => other !== entry && other.bus.side === bus.side);
        queueMicrotask(() => {
          for (const other of reached) other.hear(subject, copy);
        });
        return true;
      },
      subscribe(subject, onMessage) {
        const listener = { subject, onMessage };
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      waitingBytes: () => bus.waiting,
      close: async () => {
        closed = true;
        state.set('away');
        buses.delete(entry);
      },
    };
    const entry = {
      bus,
      hear(subject: string, bytes: Uint8Array) {
        if (state.get() === 'away') return;
        for (const listener of [...listeners]) {
          if (listeners.has(listener) && listener.subject === subject) listener.onMessage(bytes);
        }
      },
    };
    buses.add(entry);
    return bus;
  };
  return { open };
};
