import type { DeviceProfile } from '../../compute/contracts.ts';
import type { Unsubscribe } from '../../core/events.ts';
import { extendedNavigator } from './profile.ts';

/** Tells the battery's state now and at every change; never calls back where the browser doesn't report one. */
export const watchBattery = (
  listener: (battery: NonNullable<DeviceProfile['battery']>) => void,
): Unsubscribe => {
  const abort = new AbortController();
  const start = async (): Promise<void> => {
    const battery = await extendedNavigator().getBattery?.();
    if (!battery || abort.signal.aborted) return;
    const tell = (): void => listener({ charging: battery.charging, level: battery.level });
    for (const event of ['chargingchange', 'levelchange']) {
      battery.addEventListener(event, tell, { signal: abort.signal });
    }
    tell();
  };
  // Refused by a permissions policy: the same as not reported.
  start().catch(() => {});
  return () => abort.abort();
};
