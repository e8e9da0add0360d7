import { describe, expect, it } from 'vitest';
import type { PeerId } from '../../core/brand.ts';
import { unwrap } from '../../core/result.ts';
import { createManualTime } from '../../mesh/testDoubles.ts';
import type { SignalReader } from '../../observability/index.ts';
import { createSketch } from '../../observability/index.ts';
import { createSwarmMetrics, distributionOf } from './swarmMetrics.ts';
import { decodeVitals, encodeVitals } from './swarmProtocol.ts';
import { ana, ben, createBroadcastDouble, createLogDouble, eve, sketchOf } from './testDoubles.ts';

/** Samples with their times, of series by key. */
const readerOf = (series: Readonly<Record<string, readonly (readonly [at: number, value: number])[]>>) => {
  const reader: Pick<SignalReader, 'keys' | 'distribution'> = {
    keys: (name) => Object.keys(series).filter((key) => key === name || key.startsWith(`${name}{`)),
    distribution: (key, from, to) =>
      sketchOf(...(series[key] ?? []).flatMap(([at, value]) => (at >= from && at < to ? [value] : []))),
  };
  return reader as SignalReader;
};

const swarm = (
  options: {
    readonly mayTell?: boolean;
    readonly peers?: number;
    readonly series?: Parameters<typeof readerOf>[0];
  } = {},
) => {
  const time = createManualTime();
  const room = createBroadcastDouble();
  const log = createLogDouble();
  const consent = { given: options.mayTell ?? true };
  const own = readerOf(options.series ?? { 'rpc_seconds{method="read"}': [[0, 0.5]] });
  const metrics = createSwarmMetrics({
    ...time,
    telemetry: log as never,
    broadcast: room.broadcast,
    self: ana,
    reader: () => own as never,
    mayTell: () => consent.given,
    peers: () => options.peers ?? 2,
    nameOf: (peer) => (peer === ben ? 'Ben' : undefined),
  });
  const shown = () => {
    metrics.refresh();
    return metrics.metrics.get();
  };
  return { ...metrics, time, room, log, shown, consent };
};
const told = (...values: readonly number[]) =>
  encodeVitals({ windowSeconds: 600, sketches: new Map([['rpc_seconds', sketchOf(...values)]]) });

describe('the distribution of a metric', () => {
  it('is that of all its labels together, within a time', () => {
    const reader = readerOf({
      'rpc_seconds{method="a"}': [
        [0, 1],
        [10, 2],
      ],
      'rpc_seconds{method="b"}': [[10, 3]],
    });
    expect(distributionOf(reader, 'rpc_seconds', 5, 20)?.count).toBe(2);
    expect(distributionOf(reader, 'rpc_seconds', 50, 60)).toBeUndefined();
    expect(distributionOf(reader, 'nothing', 0, 60)).toBeUndefined();
  });
});

describe('the measurements of a swarm', () => {
  it('tells its own only with consent, and at most once a minute', async () => {
    const { time, room, consent } = swarm({ mayTell: false });
    await time.advance(300_000);
    expect(room.published).toEqual([]);
    consent.given = true;
    await time.advance(10_000);
    expect(room.published).toHaveLength(1);
    await time.advance(59_000);
    expect(room.published).toHaveLength(1);
    await time.advance(1_000);
    expect(room.published).toHaveLength(2);
    consent.given = false;
    await time.advance(300_000);
    expect(room.published).toHaveLength(2);
    const vitals = unwrap(decodeVitals(room.published[0]?.payload ?? new Uint8Array()));
    expect([...vitals.sketches.keys()]).toEqual(['rpc_seconds']);
  });

  it('tells more seldom the more there are', async () => {
    const { time, room } = swarm({ peers: 300 });
    await time.advance(10_000);
    expect(room.published).toHaveLength(1);
    await time.advance(299_000);
    expect(room.published).toHaveLength(1);
    await time.advance(10_000);
    expect(room.published).toHaveLength(2);
  });

  it('tells nothing where nothing was measured within its window', async () => {
    const { time, room } = swarm({ series: { rpc_seconds: [[0, 1]] } });
    await time.advance(600_000);
    const before = room.published.length;
    await time.advance(300_000);
    expect(room.published).toHaveLength(before);
  });

  it('shows each of those who tell, and all of them as one', () => {
    const { room, shown } = swarm();
    room.hear(ben, told(...Array.from({ length: 99 }, () => 2)));
    const [metric] = shown();
    expect(metric?.name).toBe('rpc_seconds');
    expect(metric?.peers.map(({ name, measured }) => [name, measured.count])).toEqual([
      ['anaaaaaa', 1],
      ['Ben', 99],
    ]);
    expect(metric?.together?.count).toBe(100);
    expect(metric?.together?.p50).toBeCloseTo(2, 1);
  });

  it('keeps the newest of each, and its own before what others say in its name', () => {
    const { room, shown } = swarm();
    room.hear(ben, told(1, 1));
    room.hear(ben, told(7));
    room.hear(ana, told(100, 100, 100));
    expect(shown()[0]?.together?.count).toBe(2);
    expect(shown()[0]?.peers[1]?.measured.max).toBe(7);
  });

  it('shows one of another accuracy by itself', () => {
    const { room, shown } = swarm();
    const coarse = createSketch({ alpha: 0.05 });
    coarse.add(3);
    room.hear(ben, encodeVitals({ windowSeconds: 600, sketches: new Map([['rpc_seconds', coarse]]) }));
    expect(shown()[0]?.together?.count).toBe(1);
    expect(shown()[0]?.peers).toHaveLength(2);
  });

  it('forgets who has not told for a quarter of an hour', async () => {
    const { time, room, shown } = swarm({ mayTell: false });
    room.hear(ben, told(2));
    await time.advance(14 * 60_000);
    expect(shown()[0]?.peers.map(({ name }) => name)).toEqual(['Ben']);
    await time.advance(61_000);
    expect(shown()).toEqual([]);
  });

  it('does not grow, however many tell, and refuses with a word what is none', () => {
    const { room, shown, log } = swarm();
    for (let i = 0; i < 700; i++) room.hear(`p${i}`.padEnd(43, 'x') as PeerId, told(1));
    expect(shown()[0]?.peers).toHaveLength(501); // 500 and this tab
    for (let i = 0; i < 1_000; i++) room.hear(ben, told(1));
    expect(shown()[0]?.peers).toHaveLength(501);
    room.hear(eve, new Uint8Array([1, 2, 3]));
    expect(log.lines.filter((line) => line.includes('measurements refused'))).toHaveLength(1);
    expect(shown()[0]?.peers.some(({ peer }) => peer === eve)).toBe(false);
  });

  it('leaves nothing behind', () => {
    const { close, room, time } = swarm();
    close();
    expect(room.listeners.size).toBe(0);
    expect(time.pending()).toBe(0);
  });
});
