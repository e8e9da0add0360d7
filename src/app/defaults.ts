import type { ShareLimits } from '../compute/contracts.ts';

/** Half of the cores, so that whoever shares a device doesn't notice it; at least one. */
export const defaultLimits = (cores: number | undefined): ShareLimits => ({
  cores: Math.max(1, Math.floor((cores ?? 2) / 2)),
  gpu: true,
  onlyWhenCharging: false,
  paused: false,
});
