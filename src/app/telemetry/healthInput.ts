import type { Clock } from '../../core/ports/clock.ts';
import type { SignalingState } from '../../mesh/index.ts';
import type { Installer } from '../../platform/browser/install.ts';
import { watchLongTasks } from '../../platform/browser/longTasks.ts';
import { sharesMemory } from '../../platform/browser/sharedMemory.ts';
import type { Device } from '../device.ts';
import type { PeerView } from '../readModels.ts';
import type { HealthInput } from './pageHealth.ts';

/** Several checks look at the same state; it is gathered once for all that are read together. */
const sameForMs = 1_000;
/** Looking through the stores costs every tab of a browser; what is stored seldom goes away. */
const offlinePauses = { first: 10_000, most: 300_000 } as const;

/** Gathers what the page's health checks look at. */
export const createHealthInput = (deps: {
  readonly clock: Clock;
  readonly device: Device;
  readonly installer: Installer;
  readonly connection: () => SignalingState;
  readonly networkWanted: () => boolean;
  readonly peers: () => readonly PeerView[];
  readonly durable: boolean;
}): (() => HealthInput) => {
  const { clock, device, installer } = deps;
  const longestTask = watchLongTasks();
  let offlineAt = 0;
  let offlinePause: number = offlinePauses.first;
  let asked = '';
  /** At once and ten seconds after what is needed has changed, then less and less often, up to every five minutes. */
  const checkOffline = () => {
    const needed = device.offlineUrls();
    // Models are stored as they are loaded.
    const state = [device.engine.state.get().phase, ...needed].join();
    const now = clock.monotonic();
    if (state !== asked) {
      asked = state;
      offlinePause = offlinePauses.first;
      offlineAt = now;
    }
    if (now < offlineAt) return;
    offlineAt = now + offlinePause;
    offlinePause = Math.min(offlinePauses.most, offlinePause * 2);
    void installer.checkOffline(needed);
  };
  const gather = (): HealthInput => {
    const connection = deps.connection();
    const profile = device.profile.get();
    const engine = device.engine.state.get();
    checkOffline();
    return {
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
      sharedMemory: sharesMemory(),
      cores: profile?.cores,
      install: installer.state.get(),
      longestTaskMs: longestTask(),
    };
  };
  let gathered: { readonly input: HealthInput; readonly at: number } | undefined;
  return () => {
    const now = clock.monotonic();
    if (!gathered || now - gathered.at > sameForMs) gathered = { input: gather(), at: now };
    return gathered.input;
  };
};
