import type { PageTelemetry } from '../../observability/index.ts';
import { createSqliteCodec } from '../../platform/browser/analyticsCodec.ts';
import { compressGzip, decompressGzip } from '../../platform/browser/gzip.ts';
import { askToNotify, showNotification } from '../../platform/browser/notifications.ts';
import { openBrowserStore } from '../../platform/browser/storage.ts';
import { watchVitals } from '../../platform/browser/vitals.ts';
import { createMemoryStore, type KeyValueStore } from '../../storage/index.ts';
import type { TelemetryCommands } from '../telemetryView.ts';
import { openTelemetry, type TelemetryDeps } from './openTelemetry.ts';

/** What looks after the page, with what this browser gives it. Loaded when the page stands. */
export const openBrowserTelemetry = async (deps: TelemetryDeps): Promise<TelemetryCommands> =>
  openTelemetry({
    ...deps,
    store: await openStore(deps.telemetry),
    sqlite: createSqliteCodec(),
    gzip: { compress: compressGzip, decompress: decompressGzip },
    fetch: (url, init) => fetch(url, init),
    askToNotify,
    showNotification,
    watchVitals,
    online: () => navigator.onLine,
    onLeaving: (leave) => addEventListener('pagehide', leave),
  });

/** A database of its own: what is measured must never be in the way of the one that holds keys and money. */
const openStore = async (telemetry: PageTelemetry): Promise<KeyValueStore> => {
  try {
    const onGivenWay = () =>
      telemetry.log(
        'warn',
        'telemetry',
        'A newer version of this page writes the measurements: reload this one.',
      );
    return await openBrowserStore('aivillage-telemetry', { onGivenWay });
  } catch (cause) {
    telemetry.log(
      'warn',
      'telemetry',
      `measurements last as long as this tab: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
    return createMemoryStore();
  }
};
