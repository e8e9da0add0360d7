import type { GpuProbe, ProfileProbes } from '../../compute/ports.ts';
import { sharesMemory } from './sharedMemory.ts';

/** Not in the standard library's types, because only some browsers have them. */
type ExtendedNavigator = Navigator & {
  readonly deviceMemory?: number;
  readonly userAgentData?: {
    readonly brands: readonly { readonly brand: string; readonly version: string }[];
    readonly platform: string;
    readonly mobile: boolean;
  };
  readonly connection?: {
    readonly effectiveType?: string;
    readonly downlink?: number;
    readonly rtt?: number;
    readonly saveData?: boolean;
  };
  readonly getBattery?: () => Promise<BatteryManagerLike>;
};

export type BatteryManagerLike = EventTarget & { readonly charging: boolean; readonly level: number };

export const extendedNavigator = (): ExtendedNavigator => navigator;

export const createBrowserProbes = (): ProfileProbes => ({
  userAgent() {
    const { userAgentData, userAgent, maxTouchPoints } = extendedNavigator();
    return {
      brands: userAgentData?.brands,
      platform: userAgentData?.platform,
      mobile: userAgentData?.mobile,
      text: userAgent,
      touchPoints: maxTouchPoints,
    };
  },
  cores: () => navigator.hardwareConcurrency,
  memoryGiB: () => extendedNavigator().deviceMemory,
  sharedMemory: sharesMemory,
  gpu: probeGpu,
  async battery() {
    return extendedNavigator().getBattery?.();
  },
  network() {
    const { connection } = extendedNavigator();
    return (
      connection && {
        effectiveType: connection.effectiveType,
        downlink: connection.downlink,
        rtt: connection.rtt,
        saveData: connection.saveData,
      }
    );
  },
  async storage() {
    if (!navigator.storage) return undefined;
    const [{ quota, usage }, persisted] = await Promise.all([
      navigator.storage.estimate(),
      navigator.storage.persisted().catch(() => false),
    ]);
    return { quota, usage, persisted };
  },
});

const limitNames = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
] as const;

const probeGpu = async (): Promise<GpuProbe> => {
  const gpu: GPU | undefined = navigator.gpu;
  if (!gpu) {
    const reason = globalThis.isSecureContext
      ? 'this browser has no WebGPU'
      : 'WebGPU needs a secure (https) page';
    return { kind: 'none', reason };
  }
  const adapter = await gpu.requestAdapter();
  if (!adapter) return { kind: 'none', reason: 'WebGPU found no usable graphics adapter' };
  const { info, limits } = adapter;
  return {
    kind: 'adapter',
    vendor: info.vendor,
    architecture: info.architecture,
    device: info.device,
    description: info.description,
    fallback: info.isFallbackAdapter,
    features: [...adapter.features],
    limits: Object.fromEntries(limitNames.map((name) => [name, limits[name]])),
  };
};
