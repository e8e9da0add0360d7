import type { DeviceProfile } from '../../compute/index.ts';
import type { PeerId } from '../../core/brand.ts';
import type { Store } from '../../core/events.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { NetworkStatistics, SignalingState } from '../../mesh/index.ts';
import type { MetricsRegistry } from '../../observability/index.ts';
import type { watchVitals } from '../../platform/browser/vitals.ts';

export type DeviceSources = {
  readonly profile: Store<DeviceProfile | undefined>;
  readonly connection: () => SignalingState;
  readonly statistics: () => NetworkStatistics;
  readonly queued: () => number;
  readonly tasksRunning: () => number;
  /** Of the newest block known here; undefined while no ledger is open. */
  readonly ledgerHeight: () => number | undefined;
  readonly ledgerBehind: () => number | undefined;
};

/** What this device is able to say about itself, as metrics: read when they are sampled, nothing is polled for them. */
export const measureDevice = (
  deps: {
    readonly telemetry: Pick<Telemetry, 'observe'>;
    readonly registry: Pick<MetricsRegistry, 'watch'>;
    readonly watchVitals: typeof watchVitals;
    readonly online: () => boolean;
  },
  device: DeviceSources,
): { memoryShare(): number | undefined; close(): void } => {
  const { telemetry, registry } = deps;
  const vitals = deps.watchVitals({
    lag: (ms) => telemetry.observe('main_thread_lag_seconds', ms / 1_000),
    longTask: (ms) => telemetry.observe('long_task_seconds', ms / 1_000),
  });
  const profile = () => device.profile.get();
  const memoryShare = () => ratio(vitals.memory()?.used, vitals.memory()?.limit);
  const openLinks = () => device.statistics().links.length;
  const links = (way: string) => () => device.statistics().links.filter((link) => link.way === way).length;
  const stops = [
    registry.watch('memory_bytes', () => vitals.memory()?.used, { kind: 'heap' }),
    registry.watch('memory_used_ratio', memoryShare),
    registry.watch('storage_bytes', () => profile()?.storage?.usage, { what: 'used' }),
    registry.watch('storage_quota_bytes', () => profile()?.storage?.quota),
    registry.watch('storage_used_ratio', () => ratio(profile()?.storage?.usage, profile()?.storage?.quota)),
    registry.watch('battery_ratio', () => profile()?.battery?.level),
    registry.watch('network_downlink_bytes_per_second', () => {
      const downlink = profile()?.network?.downlinkMbps;
      return downlink === undefined ? undefined : (downlink * 1e6) / 8;
    }),
    registry.watch('network_rtt_seconds', () => {
      const rtt = profile()?.network?.rtt;
      return rtt === undefined ? undefined : rtt / 1_000;
    }),
    registry.watch('signaling_connected', () => (device.connection().phase === 'joined' ? 1 : 0)),
    registry.watch('mesh_peers', () => device.statistics().peers),
    registry.watch('mesh_links', openLinks, { state: 'open' }),
    registry.watch('mesh_links_by_way', links('direct'), { way: 'direct' }),
    registry.watch('mesh_links_by_way', links('relayed'), { way: 'relayed' }),
    registry.watch('mesh_links_by_way', links('carried'), { way: 'carried' }),
    registry.watch('ledger_behind_blocks', device.ledgerBehind),
    registry.watch('inference_tasks_running', device.tasksRunning),
    registry.watch('inference_tasks_queued', device.queued),
    registry.watch('ledger_height', device.ledgerHeight),
    registry.watch('network_online', () => (deps.online() ? 1 : 0)),
  ];
  return {
    memoryShare,
    close() {
      vitals.close();
      for (const stop of stops) stop();
    },
  };
};

/** Counts what links have carried since the last look, and how far away their peers are. One call per sampling interval. */
export const createLinkSampler = (
  telemetry: Pick<Telemetry, 'count' | 'observe'>,
  statistics: () => Pick<NetworkStatistics, 'links'>,
) => {
  const before = new Map<PeerId, { received: number; sent: number }>();
  return () => {
    const { links } = statistics();
    const here = new Set(links.map(({ peer }) => peer));
    for (const peer of before.keys()) if (!here.has(peer)) before.delete(peer);
    for (const { peer, rtt, bytesReceived, bytesSent } of links) {
      const last = before.get(peer) ?? { received: 0, sent: 0 };
      // A link that was made anew counts from zero again.
      telemetry.count('mesh_bytes_total', added(bytesReceived, last.received), { direction: 'in' });
      telemetry.count('mesh_bytes_total', added(bytesSent, last.sent), { direction: 'out' });
      before.set(peer, { received: bytesReceived, sent: bytesSent });
      if (rtt !== undefined) telemetry.observe('mesh_rtt_seconds', rtt / 1_000);
    }
  };
};

const added = (now: number, before: number): number => (now >= before ? now - before : now);

const ratio = (used: number | undefined, limit: number | undefined): number | undefined =>
  used === undefined || limit === undefined || limit <= 0 ? undefined : used / limit;

/** Counts what telemetry itself has not taken since the last look. One call per sampling interval. */
export const createDropSampler = (
  telemetry: Pick<Telemetry, 'count'>,
  dropped: () => Readonly<Record<string, number>>,
) => {
  let before: Readonly<Record<string, number>> = {};
  return () => {
    const now = dropped();
    for (const [reason, count] of Object.entries(now)) {
      const more = count - (before[reason] ?? 0);
      if (more > 0) telemetry.count('telemetry_dropped_total', more, { reason });
    }
    before = { ...now };
  };
};
