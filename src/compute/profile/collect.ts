import { byteCount, type Milliseconds, milliseconds } from '../../core/brand.ts';
import type { Timers } from '../../core/ports/timers.ts';
import type { DeviceProfile, GpuProfile } from '../contracts.ts';
import type { GpuProbe, ProfileProbes } from '../ports.ts';
import { isSoftwareAdapter } from './gpu.ts';
import { describeUserAgent } from './userAgent.ts';

/** Asks everything at once and never throws; what doesn't answer in time is "not reported". */
export const collectProfile = async (
  deps: { readonly probes: ProfileProbes; readonly timers: Timers },
  options: { readonly probeTimeout: Milliseconds },
): Promise<DeviceProfile> => {
  const { probes } = deps;
  const ask = <T>(probe: () => T | Promise<T>): Promise<T | undefined> =>
    withinTime(probe, deps.timers, options.probeTimeout);
  const [agent, cores, memory, shared, gpu, battery, network, storage] = await Promise.all([
    ask(probes.userAgent),
    ask(probes.cores),
    ask(probes.memoryGiB),
    ask(probes.sharedMemory),
    ask(probes.gpu),
    ask(probes.battery),
    ask(probes.network),
    ask(probes.storage),
  ]);
  return {
    ...describeUserAgent(agent ?? { brands: undefined, platform: undefined, mobile: undefined, text: '' }),
    cores: atLeast(cores, 1),
    memoryGiB: positive(memory),
    gpu: gpuProfile(gpu),
    battery: batteryProfile(battery),
    network: networkProfile(network),
    storage: storageProfile(storage),
    crossOriginIsolated: shared === true,
  };
};

const withinTime = <T>(
  probe: () => T | Promise<T>,
  timers: Timers,
  limit: Milliseconds,
): Promise<T | undefined> =>
  new Promise((resolve) => {
    const cancel = timers.after(limit, () => resolve(undefined));
    const finish = (value: T | undefined): void => {
      cancel();
      resolve(value);
    };
    new Promise<T>((start) => start(probe())).then(finish, () => finish(undefined));
  });

const gpuProfile = (probe: GpuProbe | undefined): GpuProfile => {
  if (!probe) return { kind: 'none', reason: 'WebGPU did not answer' };
  if (probe.kind === 'none') return probe;
  const limit = (name: string): number => positive(probe.limits[name]) ?? 0;
  return {
    kind: 'adapter',
    vendor: probe.vendor || undefined,
    architecture: probe.architecture || undefined,
    description: probe.description || probe.device || undefined,
    software: isSoftwareAdapter(probe),
    features: [...probe.features].sort(),
    limits: {
      maxBufferSize: byteCount(limit('maxBufferSize')),
      maxStorageBufferBindingSize: byteCount(limit('maxStorageBufferBindingSize')),
      maxComputeWorkgroupStorageSize: byteCount(limit('maxComputeWorkgroupStorageSize')),
      maxComputeInvocationsPerWorkgroup: limit('maxComputeInvocationsPerWorkgroup'),
    },
  };
};

type Probed<Name extends keyof ProfileProbes> = Awaited<ReturnType<ProfileProbes[Name]>> | undefined;

const batteryProfile = (probe: Probed<'battery'>): DeviceProfile['battery'] => {
  const level = finite(probe?.level);
  if (typeof probe?.charging !== 'boolean' || level === undefined) return undefined;
  return { charging: probe.charging, level: Math.min(1, Math.max(0, level)) };
};

const networkProfile = (probe: Probed<'network'>): DeviceProfile['network'] => {
  if (!probe) return undefined;
  const rtt = finite(probe.rtt);
  return {
    effectiveType: typeof probe.effectiveType === 'string' ? probe.effectiveType : undefined,
    downlinkMbps: finite(probe.downlink),
    rtt: rtt === undefined ? undefined : milliseconds(rtt),
    saveData: probe.saveData === true,
  };
};

const storageProfile = (probe: Probed<'storage'>): DeviceProfile['storage'] => {
  const quota = finite(probe?.quota);
  const usage = finite(probe?.usage);
  if (quota === undefined || usage === undefined) return undefined;
  return { quota: byteCount(quota), usage: byteCount(usage), persisted: probe?.persisted === true };
};

const finite = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
const positive = (value: unknown): number | undefined => finite(value) || undefined;
const atLeast = (value: unknown, least: number): number | undefined => {
  const number = finite(value);
  return number !== undefined && number >= least ? Math.floor(number) : undefined;
};
