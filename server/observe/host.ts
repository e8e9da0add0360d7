import type { Clock } from '../../src/core/ports/clock.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import type { HealthMonitor } from '../../src/observability/health/monitor.ts';
import type { Bus } from '../bus.ts';
import type { ServerConfig } from '../config.ts';
import type { KeeperService } from '../keeper/service.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { watchDisk } from './disk.ts';
import { createServerHealth, type HealthSources, type KeeperSource } from './health.ts';
import { watchProcess } from './process.ts';
import { programVersion } from './version.ts';

/** What is looked after in a process of ours, and what ends that. */
export interface HostHealth {
  readonly health: HealthMonitor;
  close(): void;
}

type Deps = { readonly clock: Clock; readonly timers: Timers; readonly log: Log; readonly metrics: Metrics };

export const openHostHealth = (
  deps: Deps,
  host: {
    readonly config: Pick<ServerConfig, 'dataFolder' | 'maxConnections'>;
    readonly bus: Bus | undefined;
    readonly keeper: KeeperService | undefined;
    readonly hasClient: boolean;
    readonly isDraining: () => boolean;
  },
): HostHealth => {
  const { config, bus, hasClient, isDraining } = host;
  const signaling = () => deps.metrics.registry.value('aivillage_signaling_connections');
  const ledger = () => host.keeper?.hub.load().connections ?? 0;
  return open(deps, config.dataFolder, {
    bus,
    keeper: host.keeper && sourceOf(host.keeper),
    hasClient,
    sockets: { open: () => signaling() + ledger(), most: config.maxConnections },
    isDraining,
  });
};

export const openKeeperHealth = (
  deps: Deps,
  host: {
    readonly service: KeeperService;
    readonly dataFolder: string;
    readonly maxConnections: number;
    readonly isDraining: () => boolean;
  },
): HostHealth => {
  const { service, isDraining } = host;
  return open(deps, host.dataFolder, {
    keeper: sourceOf(service),
    sockets: { open: () => service.hub.load().connections, most: host.maxConnections },
    isDraining,
  });
};

const open = (
  deps: Deps,
  dataFolder: string,
  sources: Omit<HealthSources, 'lag' | 'memory' | 'disk'>,
): HostHealth => {
  const watched = watchProcess(deps.metrics, deps.timers, programVersion());
  const disk = watchDisk(deps.metrics, deps.timers, dataFolder);
  const health = createServerHealth(deps, {
    ...sources,
    disk,
    lag: () => watched.loop.lag('p99'),
    memory: () => ({ used: process.memoryUsage.rss(), limit: watched.memoryLimit }),
  });
  return {
    health,
    close() {
      health.close();
      disk.close();
      watched.close();
    },
  };
};

const sourceOf = ({ driver, connected }: KeeperService): KeeperSource => ({
  height: () => driver.ledger().position.height,
  pending: () => driver.counts.pending,
  fault: driver.fault,
  others: () => ({ reached: connected().length, all: driver.ledger().keepers.length - 1 }),
});
