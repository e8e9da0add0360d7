import { milliseconds } from '../core/brand.ts';
import { createStore, type Store } from '../core/events.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { SignalingState } from '../mesh/index.ts';
import { healthChecks } from '../observability/index.ts';
import type { Installer } from '../platform/browser/install.ts';
import { watchLongTasks } from '../platform/browser/longTasks.ts';
import type { Device } from './device.ts';
import type { HealthCheck, PeerView } from './readModels.ts';

const checkEvery = milliseconds(2_000);
const offlineEveryChecks = 5;

/** Gathers what the health checks look at, every two seconds; tells only when something changed. */
export const watchHealth = (deps: {
  readonly timers: Timers;
  readonly device: Device;
  readonly installer: Installer;
  readonly connection: () => SignalingState;
  readonly networkWanted: () => boolean;
  readonly peers: () => readonly PeerView[];
  readonly durable: boolean;
}): Store<readonly HealthCheck[]> => {
  const { device, installer } = deps;
  const longestTask = watchLongTasks();
  let checks = 0;
  const check = (): readonly HealthCheck[] => {
    const connection = deps.connection();
    const profile = device.profile.get();
    const engine = device.engine.state.get();
    if (checks++ % offlineEveryChecks === 0) void installer.checkOffline(device.offlineUrls());
    return healthChecks({
      server:
        'reason' in connection
          ? { phase: connection.phase, reason: connection.reason }
          : { phase: connection.phase },
      networkWanted: deps.networkWanted(),
      peers: deps.peers().length,
      openPeers: deps.peers().filter(({ status }) => status.accepts.open).length,
      engine: { phase: engine.phase, error: engine.error?.message },
      durable: deps.durable,
      storage: profile?.storage,
      crossOriginIsolated: globalThis.crossOriginIsolated,
      cores: profile?.cores,
      install: installer.state.get(),
      longestTaskMs: longestTask(),
    });
  };
  const health = createStore(check());
  deps.timers.every(checkEvery, () => {
    const next = check();
    if (JSON.stringify(next) !== JSON.stringify(health.get())) health.set(next);
  });
  return health;
};
