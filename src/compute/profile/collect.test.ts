import { describe, expect, it } from 'vitest';
import { milliseconds } from '../../core/brand.ts';
import type { GpuProbe, ProfileProbes } from '../ports.ts';
import { createVirtualTime } from '../testDoubles.ts';
import { collectProfile } from './collect.ts';
import { isSoftwareAdapter } from './gpu.ts';
import { describeUserAgent } from './userAgent.ts';

const adapter: GpuProbe & { kind: 'adapter' } = {
  kind: 'adapter',
  vendor: 'nvidia',
  architecture: 'ampere',
  device: '',
  description: '',
  fallback: false,
  features: ['timestamp-query', 'shader-f16'],
  limits: { maxBufferSize: 2 ** 31, maxStorageBufferBindingSize: 2 ** 30 },
};
const full: ProfileProbes = {
  userAgent: () => ({
    brands: [
      { brand: 'Not?A_Brand', version: '99' },
      { brand: 'Chromium', version: '156' },
      { brand: 'Google Chrome', version: '156.0.1' },
    ],
    platform: 'Linux',
    mobile: false,
    text: '',
  }),
  cores: () => 8,
  memoryGiB: () => 8,
  sharedMemory: () => true,
  gpu: async () => adapter,
  battery: async () => ({ charging: false, level: 0.4 }),
  network: () => ({ effectiveType: '4g', downlink: 10, rtt: 50, saveData: false }),
  storage: async () => ({ quota: 1e9, usage: 5, persisted: true }),
};
const nothing: ProfileProbes = {
  userAgent: () => ({ brands: undefined, platform: undefined, mobile: undefined, text: '' }),
  cores: () => undefined,
  memoryGiB: () => undefined,
  sharedMemory: () => false,
  gpu: async () => ({ kind: 'none', reason: 'this browser has no WebGPU' }),
  battery: async () => undefined,
  network: () => undefined,
  storage: async () => undefined,
};
const collect = (probes: ProfileProbes, timers = createVirtualTime().timers) =>
  collectProfile({ probes, timers }, { probeTimeout: milliseconds(1000) });

describe('the device profile', () => {
  it('reports what the browser says', async () => {
    expect(await collect(full)).toMatchObject({
      label: 'Chrome 156 on Linux',
      mobile: false,
      cores: 8,
      memoryGiB: 8,
      battery: { charging: false, level: 0.4 },
      network: { effectiveType: '4g', downlinkMbps: 10, rtt: 50, saveData: false },
      storage: { quota: 1e9, usage: 5, persisted: true },
      crossOriginIsolated: true,
      gpu: { kind: 'adapter', vendor: 'nvidia', software: false, limits: { maxBufferSize: 2 ** 31 } },
    });
  });

  it('leaves out what is not reported, and never says zero instead', async () => {
    const profile = await collect(nothing);
    expect(profile).toMatchObject({ gpu: { kind: 'none', reason: 'this browser has no WebGPU' } });
    for (const key of ['cores', 'memoryGiB', 'battery', 'network', 'storage'] as const) {
      expect(profile[key]).toBeUndefined();
    }
  });

  it('survives probes that throw, reject, lie about their types, or never answer', async () => {
    const time = createVirtualTime();
    const pending = collect(
      {
        userAgent: () => {
          throw new Error('blocked');
        },
        cores: () => 0,
        memoryGiB: () => 'lots',
        sharedMemory: () => false,
        gpu: () => new Promise(() => {}),
        battery: () => Promise.reject(new Error('not allowed')),
        network: () => ({ effectiveType: 4, downlink: Number.NaN, rtt: -1, saveData: 'yes' }),
        storage: async () => ({ quota: undefined, usage: 3, persisted: true }),
      },
      time.timers,
    );
    await time.advance(1000);
    expect(await pending).toEqual({
      label: 'A browser on an unknown system',
      mobile: false,
      cores: undefined,
      memoryGiB: undefined,
      gpu: { kind: 'none', reason: 'WebGPU did not answer' },
      battery: undefined,
      network: { effectiveType: undefined, downlinkMbps: undefined, rtt: undefined, saveData: false },
      storage: undefined,
      crossOriginIsolated: false,
    });
  });
});

describe('software adapters', () => {
  const named = (change: Partial<typeof adapter>) => isSoftwareAdapter({ ...adapter, ...change });
  it.each([
    { architecture: 'swiftshader', vendor: 'google' },
    { description: 'llvmpipe (LLVM 15.0.7, 256 bits)' },
    { device: 'Microsoft Basic Render Driver' },
    { fallback: true },
  ])('%o is one', (change) => expect(named(change)).toBe(true));
  it.each([{}, { vendor: 'intel', architecture: 'gen-12lp' }, { description: 'Warped Reality X1' }])(
    '%o is not',
    (change) => expect(named(change)).toBe(false),
  );
});

describe('the name of a browser', () => {
  const name = (text: string, touchPoints = 0) =>
    describeUserAgent({ brands: undefined, platform: undefined, mobile: undefined, text, touchPoints });
  it.each([
    [
      'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      0,
      'Firefox 140 on Linux',
      false,
    ],
    [
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
      5,
      'Safari 18 on iOS',
      true,
    ],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
      5,
      'Safari 18 on iPadOS',
      true,
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36 Edg/150.0',
      0,
      'Edge 150 on Windows',
      false,
    ],
    [
      'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36',
      5,
      'Chrome 150 on Android',
      true,
    ],
  ])('%s', (text, touchPoints, label, mobile) => {
    expect(name(text, touchPoints)).toEqual({ label, mobile });
  });
});
