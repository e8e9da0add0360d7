import { describe, expect, it } from 'vitest';
import { type ByteCount, milliseconds } from '../../core/brand.ts';
import { createStore } from '../../core/events.ts';
import type { NetworkStatistics } from '../../mesh/index.ts';
import { createMetricsRegistry, describeMetric } from '../../observability/index.ts';
import { createDropSampler, createLinkSampler, type DeviceSources, measureDevice } from './deviceMetrics.ts';
import { ana, ben } from './testDoubles.ts';

type Link = NetworkStatistics['links'][number];
const link = (peer: Link['peer'], received: number, sent: number, more: Partial<Link> = {}): Link => ({
  peer,
  way: 'direct',
  neighbor: true,
  rtt: undefined,
  bytesReceived: received as ByteCount,
  bytesSent: sent as ByteCount,
  ...more,
});

describe('what links carry', () => {
  const sampled = () => {
    const registry = createMetricsRegistry();
    let links: readonly Link[] = [];
    const sample = createLinkSampler(registry, () => ({ links }));
    return {
      take(...now: readonly Link[]) {
        links = now;
        sample();
        return [
          registry.value('mesh_bytes_total', { direction: 'in' }),
          registry.value('mesh_bytes_total', { direction: 'out' }),
        ];
      },
      registry,
    };
  };

  it('is counted once, over all links', () => {
    const { take } = sampled();
    expect(take(link(ana, 100, 10), link(ben, 50, 5))).toEqual([150, 15]);
    expect(take(link(ana, 120, 10), link(ben, 50, 6))).toEqual([170, 16]);
    expect(take(link(ana, 120, 10), link(ben, 50, 6))).toEqual([170, 16]);
  });

  it('goes on from zero for a link that was made anew, whether that was seen or not', () => {
    const { take } = sampled();
    expect(take(link(ana, 1_000, 500))).toEqual([1_000, 500]);
    expect(take(link(ana, 30, 20))).toEqual([1_030, 520]);
    expect(take()).toEqual([1_030, 520]);
    expect(take(link(ana, 2_000, 2_000))).toEqual([3_030, 2_520]);
  });

  it('has round trips where they were measured', () => {
    const { take, registry } = sampled();
    take(link(ana, 0, 0, { rtt: milliseconds(250) }), link(ben, 0, 0));
    const [series] = registry.snapshot().filter(({ name }) => name === 'mesh_rtt_seconds');
    expect(series?.kind === 'histogram' && [series.sketch.count, series.sketch.max]).toEqual([1, 0.25]);
  });
});

describe('what a device says of itself', () => {
  const device = (more: { readonly memory?: { readonly used: number; readonly limit: number } } = {}) => {
    const registry = createMetricsRegistry();
    let listener: { lag(ms: number): void; longTask(ms: number): void } | undefined;
    let closed = 0;
    const sources: DeviceSources = {
      profile: createStore(undefined) as DeviceSources['profile'],
      connection: () => ({ phase: 'joined' }) as ReturnType<DeviceSources['connection']>,
      statistics: () =>
        ({ peers: 3, links: [link(ana, 0, 0), link(ben, 0, 0, { way: 'carried' })] }) as never,
      queued: () => 2,
      tasksRunning: () => 1,
      ledgerHeight: () => undefined,
      ledgerBehind: () => undefined,
    };
    const measured = measureDevice(
      {
        telemetry: registry,
        registry,
        watchVitals(given) {
          listener = given;
          return { memory: () => more.memory, close: () => void closed++ };
        },
        online: () => false,
      },
      sources,
    );
    const keys = () => registry.snapshot().map(({ key }) => key);
    return { registry, measured, keys, tell: () => listener, closed: () => closed };
  };

  it('is read when somebody looks, and is not there where a browser does not tell', () => {
    const { registry, measured, keys } = device();
    expect(keys()).toContain('mesh_links_by_way{way="carried"}');
    expect(registry.value('mesh_links_by_way', { way: 'direct' })).toBe(1);
    expect(registry.value('network_online')).toBe(0);
    expect(registry.value('signaling_connected')).toBe(1);
    expect(keys().some((key) => /^(memory|storage|battery|ledger)/.test(key))).toBe(false);
    expect(measured.memoryShare()).toBeUndefined();
  });

  it('is described, every metric of it with its labels', () => {
    const { registry, tell } = device({ memory: { used: 30, limit: 120 } });
    tell()?.lag(20);
    tell()?.longTask(80);
    for (const { name, labels, kind } of registry.snapshot()) {
      expect(describeMetric(name)?.kind, name).toBe(kind);
      expect(describeMetric(name)?.labels, name).toEqual(Object.keys(labels));
    }
  });

  it('counts in seconds and shares, and ends', () => {
    const { registry, measured, tell, keys, closed } = device({ memory: { used: 30, limit: 120 } });
    expect(measured.memoryShare()).toBe(0.25);
    tell()?.lag(20);
    const [lag] = registry.snapshot().filter(({ name }) => name === 'main_thread_lag_seconds');
    expect(lag?.kind === 'histogram' && lag.sketch.max).toBe(0.02);
    measured.close();
    expect(closed()).toBe(1);
    expect(keys().filter((key) => !key.startsWith('main_thread'))).toEqual([]);
  });
});

describe('what telemetry has not taken', () => {
  it('is counted once, by reason', () => {
    const registry = createMetricsRegistry();
    let dropped: Readonly<Record<string, number>> = {};
    const sample = createDropSampler(registry, () => dropped);
    const counted = (reason: string) => registry.value('telemetry_dropped_total', { reason });
    dropped = { label: 3, negative: 0 };
    sample();
    sample();
    expect([counted('label'), counted('negative')]).toEqual([3, 0]);
    dropped = { label: 3, negative: 2 };
    sample();
    expect([counted('label'), counted('negative')]).toEqual([3, 2]);
  });
});
