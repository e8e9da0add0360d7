import {
  collectProfile,
  createRemoteModels,
  createScheduler,
  type DeviceProfile,
  ocrModelFiles,
  runtimeAssets,
  runtimeVersion,
  type ShareLimits,
} from '../compute/index.ts';
import { milliseconds, type Sha256 } from '../core/brand.ts';
import { createStore, type Store, type WritableStore } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { TaskKind } from '../inference/contracts.ts';
import { createOcrEngine, type LocalOcrEngine } from '../inference/ocr/engine.ts';
import { watchBattery } from '../platform/browser/battery.ts';
import { createBrowserProbes } from '../platform/browser/profile.ts';
import { spawnImageWorker, spawnModelWorker, spawnOcrWorker } from '../platform/browser/workers.ts';
import type { KeyValueStore } from '../storage/port.ts';
import type { Flags } from './flags.ts';

const probeTimeout = milliseconds(3_000);
const refreshProfileEvery = milliseconds(60_000);

/** Two builds work for each other when they read with the same models. */
export const modelsByTask: Readonly<Record<TaskKind, Sha256>> = {
  'ocr.detect': ocrModelFiles.detector.sha256 as Sha256,
  'ocr.recognize': ocrModelFiles.recognizer.sha256 as Sha256,
};

/** Until the probes have answered: nothing is reported. */
export const unknownProfile: DeviceProfile = {
  label: 'a browser',
  mobile: false,
  cores: undefined,
  memoryGiB: undefined,
  gpu: { kind: 'none', reason: 'not looked for yet' },
  battery: undefined,
  network: undefined,
  storage: undefined,
  crossOriginIsolated: false,
};

export type Device = {
  readonly profile: Store<DeviceProfile | undefined>;
  readonly limits: WritableStore<ShareLimits>;
  readonly engine: LocalOcrEngine;
  /** What must be stored for this device to read without a network. */
  readonly offlineUrls: () => readonly string[];
};

/** This device: what it is, what its person shares of it, and the engine that works within that. */
export const openDevice = (
  deps: {
    readonly store: KeyValueStore;
    readonly locks: Locks;
    readonly crypto: CryptoPort;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly telemetry: Telemetry;
  },
  options: { readonly limits: ShareLimits; readonly flags: Flags },
): Device => {
  const profile = createStore<DeviceProfile | undefined>(undefined);
  const limits = createStore(options.limits);
  const probes = createBrowserProbes();
  const refresh = async () =>
    profile.set(await collectProfile({ probes, timers: deps.timers }, { probeTimeout }));
  void refresh();
  // Room on disk and network change quietly; the battery tells.
  deps.timers.every(refreshProfileEvery, () => void refresh());
  watchBattery((battery) => profile.update((known) => known && { ...known, battery }));

  const models = createRemoteModels({ ...deps, spawnModelWorker });
  const engine = createOcrEngine(
    {
      ...deps,
      models,
      profile,
      limits,
      spawnOcrWorker,
      spawnImageWorker,
      scheduler: createScheduler(deps, { coreSlots: options.limits.cores }),
    },
    {
      modelFiles: ocrModelFiles,
      assets: runtimeAssets,
      runtimeVersion,
      ...(options.flags.runtime === undefined ? {} : { forceRuntime: options.flags.runtime }),
    },
  );
  return {
    profile,
    limits,
    engine,
    offlineUrls: () => {
      const runtime = engine.state.get().choice?.chosen ?? 'wasm';
      const models = Object.values(ocrModelFiles).map(({ sha256 }) => `/models/by-hash/${sha256}`);
      return [...models, runtimeAssets[runtime].mjs, runtimeAssets[runtime].wasm];
    },
  };
};
