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
/** Looking through the stores costs every tab of a browser; what is stored seldom goes away. */
const offlineChecks = { first: 5, most: 150 } as const;

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
  let offlineAt = 0;
  let offlinePause: number = offlineChecks.first;
  let asked = '';
  /** At once and ten seconds after what is needed has changed, then less and less often, up to every five minutes. */
  const checkOffline = () => {
    const needed = device.offlineUrls();
    // Models are stored as they are loaded.
    const now = [device.engine.state.get().phase, ...needed].join();
    if (now !== asked) {
      asked = now;
      offlinePause = offlineChecks.first;
      offlineAt = checks;
    }
    if (checks++ < offlineAt) return;
    offlineAt = checks + offlinePause - 1;
    offlinePause = Math.min(offlineChecks.most, offlinePause * 2);
    void installer.checkOffline(needed);
  };
  const check = (): readonly HealthCheck[] => {
    const connection = deps.connection();
    const profile = device.profile.get();
    const engine = device.engine.state.get();
    checkOffline();
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
