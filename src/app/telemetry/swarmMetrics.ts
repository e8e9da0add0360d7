import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import { createStore, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import type { Broadcast } from '../../mesh/index.ts';
import {
  type Analytics,
  createSketch,
  describeMetric,
  type SignalReader,
  type Sketch,
} from '../../observability/index.ts';
import type { Percentiles, SwarmMetric } from '../telemetryView.ts';
import { decodeVitals, encodeVitals, type SharedMetric, sharedMetrics } from './swarmProtocol.ts';
import { vitalsTopic } from './swarmTopic.ts';

/** What the sketches cover: long enough for quantiles, short enough to be about now. */
const windowMs = 600_000;
const tellEveryMs = 60_000;
/** In a swarm of many each tells more seldom, so that a tab hears about one message a second at most. */
const perPeerMs = 1_000;
const heldPeers = 500;
const forgetAfterMs = 15 * 60_000;

type Held = { readonly at: Milliseconds; readonly sketches: ReadonlyMap<SharedMetric, Sketch> };

/** The distribution of a metric over all its labels in [from, to). */
export const distributionOf = (
  reader: SignalReader,
  name: string,
  from: number,
  to: number,
): Sketch | undefined => {
  const parts = reader
    .keys(name)
    .flatMap((key) => reader.distribution(key, from, to) ?? [])
    .filter(({ count }) => count > 0);
  if (parts.length === 0) return undefined;
  const whole = createSketch();
  for (const part of parts) whole.merge(part);
  return whole;
};

/**
 * The swarm's distributions as its tabs tell them: each tab's newest, and all of them merged. Tells this tab's own only while
 * `mayTell`; hears the others' always. Doesn't know what the numbers mean.
 */
export const createSwarmMetrics = (deps: {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly telemetry: Telemetry;
  readonly broadcast: Pick<Broadcast, 'publish' | 'subscribe'>;
  readonly self: PeerId;
  readonly reader: () => Pick<Analytics, keyof SignalReader> | undefined;
  readonly mayTell: () => boolean;
  readonly peers: () => number;
  readonly nameOf: (peer: PeerId) => string | undefined;
}): { readonly metrics: Store<readonly SwarmMetric[]>; refresh(): void; close(): void } => {
  const { clock, timers, telemetry } = deps;
  const held = new Map<PeerId, Held>();
  const metrics = createStore<readonly SwarmMetric[]>([]);
  let toldAt = Number.NEGATIVE_INFINITY;

  const own = (): Held | undefined => {
    const reader = deps.reader();
    if (!reader) return undefined;
    const to = clock.now();
    const sketches = new Map<SharedMetric, Sketch>();
    for (const name of sharedMetrics) {
      const sketch = distributionOf(reader, name, to - windowMs, to + 1);
      if (sketch) sketches.set(name, sketch);
    }
    return { at: clock.monotonic(), sketches };
  };

  const tell = async () => {
    const now = clock.monotonic();
    if (!deps.mayTell() || now - toldAt < Math.max(tellEveryMs, deps.peers() * perPeerMs)) return;
    const mine = own();
    if (!mine || mine.sketches.size === 0) return;
    toldAt = now;
    const payload = encodeVitals({ windowSeconds: windowMs / 1_000, sketches: mine.sketches });
    const told = await deps.broadcast.publish(vitalsTopic, payload);
    if (!told.ok) telemetry.log('debug', 'telemetry', `own measurements not told: ${told.error.message}`);
  };

  const stopHearing = deps.broadcast.subscribe(vitalsTopic, ({ from, payload }) => {
    if (from === deps.self) return;
    const vitals = decodeVitals(payload);
    if (!vitals.ok) {
      telemetry.log('info', 'telemetry', `measurements refused: ${vitals.error.message}`, { peer: from });
      return;
    }
    held.delete(from);
    held.set(from, { at: clock.monotonic(), sketches: vitals.value.sketches });
    const [oldest] = held.keys();
    if (held.size > heldPeers && oldest !== undefined) held.delete(oldest);
  });

  const refresh = () => {
    const now = clock.monotonic();
    for (const [peer, { at }] of held) if (now - at > forgetAfterMs) held.delete(peer);
    const mine = own();
    const all: (readonly [PeerId, Held])[] = [...(mine ? [[deps.self, mine] as const] : []), ...held];
    metrics.set(
      sharedMetrics.flatMap((name) => {
        const told = all.flatMap(([peer, { at, sketches }]) => {
          const sketch = sketches.get(name);
          return sketch && sketch.count > 0 ? [{ peer, at, sketch }] : [];
        });
        if (told.length === 0) return [];
        const whole = createSketch();
        // One that was made with another accuracy can't be merged: it is shown by itself.
        for (const { sketch } of told) whole.merge(sketch);
        return {
          name,
          description: describeMetric(name),
          together: percentilesOf(whole),
          peers: told.map(({ peer, at, sketch }) => ({
            peer,
            name: deps.nameOf(peer) ?? peer.slice(0, 8),
            at: clock.now() - (now - at),
            measured: percentilesOf(sketch),
          })),
        };
      }),
    );
  };

  const stopTelling = timers.every(milliseconds(10_000), () => void tell());
  return {
    metrics,
    refresh,
    close() {
      stopTelling();
      stopHearing();
    },
  };
};

const percentilesOf = (sketch: Sketch): Percentiles => ({
  count: sketch.count,
  p50: sketch.quantile(0.5) ?? 0,
  p95: sketch.quantile(0.95) ?? 0,
  p99: sketch.quantile(0.99) ?? 0,
  max: sketch.max,
});
