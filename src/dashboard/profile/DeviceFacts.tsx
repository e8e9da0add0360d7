import type { DeviceProfile } from '../../app/readModels.ts';
import { Facts } from '../kit/Facts.tsx';
import { formatBinary, formatBytes, formatDuration, formatPercent } from '../kit/format.ts';

/** What a browser says about its device; what it doesn't say is called "not reported". */
export const DeviceFacts = ({ profile }: { readonly profile: DeviceProfile }) => {
  const { battery, network, storage } = profile;
  return (
    <Facts
      facts={[
        { term: 'Browser', value: profile.label, hint: profile.mobile ? 'A phone or tablet' : undefined },
        { term: 'Cores', value: profile.cores },
        { term: 'Memory', value: profile.memoryGiB && `${profile.memoryGiB} GiB or more` },
        { term: 'Battery', value: battery && batteryInWords(battery) },
        { term: 'Network', value: network && networkInWords(network) },
        {
          term: 'Storage',
          value: storage && `${formatBytes(storage.usage)} used of ${formatBytes(storage.quota)}`,
          hint:
            storage && (storage.persisted ? 'Persistent' : 'The browser may clear it when space is short'),
        },
        {
          term: 'WASM threads',
          value: profile.crossOriginIsolated ? 'possible' : 'not possible',
          hint: profile.crossOriginIsolated
            ? undefined
            : 'Workers share no memory in this browser, or not at this address',
        },
      ]}
    />
  );
};

export const GpuFacts = ({ gpu }: { readonly gpu: DeviceProfile['gpu'] }) => {
  if (gpu.kind === 'none') return <Facts facts={[{ term: 'Adapter', value: 'none', hint: gpu.reason }]} />;
  const { limits } = gpu;
  return (
    <Facts
      facts={[
        {
          term: 'Adapter',
          value: gpu.description || gpu.vendor,
          hint: gpu.software ? 'A software adapter: right, but slow' : undefined,
        },
        { term: 'Vendor', value: [gpu.vendor, gpu.architecture].filter(Boolean).join(', ') || undefined },
        { term: 'Largest buffer', value: formatBinary(limits.maxBufferSize) },
        { term: 'Storage binding', value: formatBinary(limits.maxStorageBufferBindingSize) },
        { term: 'Workgroup memory', value: formatBinary(limits.maxComputeWorkgroupStorageSize) },
        { term: 'Invocations', value: `${limits.maxComputeInvocationsPerWorkgroup} per workgroup` },
        { term: 'Features', value: gpu.features.length > 0 ? gpu.features.join(', ') : 'none' },
      ]}
    />
  );
};

const batteryInWords = (battery: NonNullable<DeviceProfile['battery']>): string =>
  `${formatPercent(battery.level)}, ${battery.charging ? 'charging' : 'not charging'}`;

const networkInWords = (network: NonNullable<DeviceProfile['network']>): string | undefined => {
  const parts: string[] = [];
  if (network.effectiveType) parts.push(`like ${network.effectiveType.toUpperCase()}`);
  if (network.downlinkMbps !== undefined) parts.push(`${network.downlinkMbps} Mbit/s`);
  if (network.rtt !== undefined) parts.push(`${formatDuration(network.rtt)} round trip`);
  if (network.saveData) parts.push('data saver on');
  return parts.length > 0 ? parts.join(', ') : undefined;
};
