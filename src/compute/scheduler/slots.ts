import type { DeviceProfile, RuntimeKind, ShareLimits } from '../contracts.ts';

export type SlotsInput = {
  readonly limits: ShareLimits;
  /** undefined: not probed yet. */
  readonly profile: Pick<DeviceProfile, 'cores' | 'battery'> | undefined;
  readonly runtime: RuntimeKind;
  readonly workers: WorkerPlan;
};

export type SlotsAllowed =
  | { readonly slots: 0; readonly reason: string }
  | { readonly slots: number; readonly reason: undefined };

/** How many tasks of others this tab takes at once, and if none, why, in words for the room and the person. */
export const slotsAllowed = ({ limits, profile, runtime, workers }: SlotsInput): SlotsAllowed => {
  if (limits.paused) return { slots: 0, reason: 'paused' };
  const power = limits.onlyWhenCharging ? refusalByBattery(profile) : undefined;
  if (power !== undefined) return { slots: 0, reason: power };
  if (runtime === 'webgpu') {
    return limits.gpu ? { slots: 1, reason: undefined } : { slots: 0, reason: 'the GPU is not shared' };
  }
  return { slots: workers.workers, reason: undefined };
};

/** Unknown counts as "on battery": the person asked for certainty, and most browsers don't report. */
const refusalByBattery = (profile: SlotsInput['profile']): string | undefined => {
  if (profile?.battery?.charging) return undefined;
  if (profile?.battery) return 'on battery';
  return 'this browser does not report whether the device is charging; switch off "only when charging" to share';
};

export type WorkerPlan = { readonly workers: number; readonly threads: number };

/** Beyond four, memory costs more than the workers give. */
const maxWorkers = 4;

/**
 * Measured: a worker holds 170 MB with both models open and 410 MB after a page of two megapixels, and a WASM heap never
 * shrinks. Two gibibytes of the device for each leave room for the page and everybody else; a phone that doesn't
 * report its memory ends a tab at about one.
 */
const workersByMemory = (
  profile: Partial<Pick<DeviceProfile, 'memoryGiB' | 'mobile'>> | undefined,
): number =>
  profile?.memoryGiB === undefined
    ? profile?.mobile
      ? 2
      : maxWorkers
    : Math.max(1, Math.floor(profile.memoryGiB / 2));

/**
 * How a budget of cores becomes WASM workers × threads. Measured on two cores with six lines of 830 × 48: one worker
 * 760 ms; two threads 505 ms (1.5×); two workers twice the lines in 750 ms (2×). So cores become workers first, and threads
 * only where cores are left over and the page is cross-origin isolated.
 */
export const planWorkers = (input: {
  readonly limits: Pick<ShareLimits, 'cores'>;
  readonly profile: Pick<DeviceProfile, 'cores' | 'memoryGiB' | 'mobile' | 'crossOriginIsolated'> | undefined;
}): WorkerPlan => {
  const cores = coreBudget(input);
  const workers = Math.min(cores, maxWorkers, workersByMemory(input.profile));
  const threads = input.profile?.crossOriginIsolated ? Math.min(4, Math.floor(cores / workers)) : 1;
  return { workers, threads: Math.max(1, threads) };
};

const coreBudget = (input: {
  readonly limits: Pick<ShareLimits, 'cores'>;
  readonly profile: Pick<DeviceProfile, 'cores'> | undefined;
}): number =>
  Math.max(1, Math.min(Math.floor(input.limits.cores), input.profile?.cores ?? input.limits.cores));
