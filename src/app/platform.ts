import type { Clock } from '../core/ports/clock.ts';
import type { CryptoPort } from '../core/ports/crypto.ts';
import type { Locks } from '../core/ports/locks.ts';
import type { Random } from '../core/ports/random.ts';
import type { Timers } from '../core/ports/timers.ts';
// Not the whole domain: the rest of it is loaded when the page stands.
import { createTelemetry, type PageTelemetry } from '../observability/telemetry.ts';
import { createBrowserClock } from '../platform/browser/clock.ts';
import { createBrowserCrypto } from '../platform/browser/crypto.ts';
import { createBrowserLocks } from '../platform/browser/locks.ts';
import { createBrowserRandom } from '../platform/browser/random.ts';
import { openBrowserStore } from '../platform/browser/storage.ts';
import { createBrowserTimers } from '../platform/browser/timers.ts';
import { createMemoryStore, type KeyValueStore, StorageError } from '../storage/index.ts';

export type BrowserPlatform = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly crypto: CryptoPort;
  readonly locks: Locks;
  readonly telemetry: PageTelemetry;
  readonly store: KeyValueStore;
  /** Spans begin: once somebody has chosen to use the page. */
  startTracing(): void;
};

/** The ports, as this browser fills them. Without IndexedDB everything works for as long as the tab lives. */
export const openPlatform = async (): Promise<BrowserPlatform> => {
  const clock = createBrowserClock();
  const random = createBrowserRandom();
  let startTracing = () => {};
  const tracing = new Promise<void>((resolve) => {
    startTracing = resolve;
  });
  const telemetry = createTelemetry({ clock, random, createTracer: tracing.then(loadTracer) });
  return {
    clock,
    timers: createBrowserTimers(),
    random,
    crypto: createBrowserCrypto(),
    locks: createBrowserLocks(),
    telemetry,
    store: await openStore(telemetry),
    startTracing,
  };
};

/** What no page needs to be shown. */
const loadTracer = async () => (await import('../observability/traces/tracer.ts')).createTracer;

const openStore = async (telemetry: PageTelemetry): Promise<KeyValueStore> => {
  try {
    const onGivenWay = () =>
      telemetry.log(
        'error',
        'storage',
        'A newer version of this page is open in another tab: reload this one.',
      );
    return await openBrowserStore('aivillage', { onGivenWay });
  } catch (cause) {
    // A throwaway identity beside the real one would confuse more than a page that says what to do.
    if (cause instanceof StorageError && (cause.code === 'newer' || cause.code === 'blocked')) throw cause;
    telemetry.log('warn', 'storage', cause instanceof Error ? cause.message : String(cause));
    return createMemoryStore();
  }
};
