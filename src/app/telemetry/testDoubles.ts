import type { PeerId } from '../../core/brand.ts';
import type { LogFields, LogLevel } from '../../core/ports/telemetry.ts';
import { ok } from '../../core/result.ts';
import type { Broadcast } from '../../mesh/index.ts';
import { createSketch, type Sketch } from '../../observability/index.ts';
import type { HealthInput } from './pageHealth.ts';

/** A page that is well in every respect. */
export const wellPage: HealthInput = {
  server: { phase: 'joined' },
  networkWanted: true,
  peers: 2,
  openPeers: 1,
  engine: { phase: 'ready', error: undefined },
  durable: true,
  storage: { quota: 100, usage: 10 },
  sharedMemory: true,
  cores: 8,
  install: { offlineReady: true, problem: undefined },
  longestTaskMs: 30,
};

export const ana = 'ana'.padEnd(43, 'a') as PeerId;
export const ben = 'ben'.padEnd(43, 'b') as PeerId;
export const eve = 'eve'.padEnd(43, 'e') as PeerId;

export const sketchOf = (...values: readonly number[]): Sketch => {
  const sketch = createSketch();
  for (const value of values) sketch.add(value);
  return sketch;
};

type Heard = Parameters<Parameters<Broadcast['subscribe']>[1]>[0];

/** A room of one whom the test lets hear what others would have said. */
export const createBroadcastDouble = () => {
  const published: { readonly topic: string; readonly payload: Uint8Array }[] = [];
  const listeners = new Set<(message: Heard) => void>();
  const broadcast: Pick<Broadcast, 'publish' | 'subscribe'> = {
    async publish(topic, payload) {
      published.push({ topic, payload });
      return ok('id' as Heard['id']);
    },
    subscribe(_topic, listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  return {
    broadcast,
    published,
    listeners,
    hear(from: PeerId, payload: Uint8Array) {
      const message = { id: 'id' as Heard['id'], from, at: 0, payload: new Uint8Array(payload), hops: 1 };
      for (const listener of listeners) listener(message);
    },
  };
};

/** What was logged, one line each. */
export const createLogDouble = () => {
  const lines: string[] = [];
  return {
    lines,
    log: (level: LogLevel, component: string, message: string, _fields?: LogFields) =>
      void lines.push(`${level} ${component}: ${message}`),
  };
};
