import { createEmitter } from '../../core/events.ts';
import { err, fault, ok } from '../../core/result.ts';
import { spawnLedgerWorker } from '../../platform/browser/workers.ts';
import { type LedgerDeps, openLedger } from './openLedger.ts';

/** The ledger of the host that this page came from. */
export const openBrowserLedger = async (
  deps: Omit<LedgerDeps, 'spawn' | 'fetchGenesis' | 'tabs' | 'origin'>,
): ReturnType<typeof openLedger> => {
  const channel = new BroadcastChannel('aivillage/wallet');
  const heard = createEmitter<void>();
  channel.onmessage = () => heard.emit();
  const opened = await openLedger({
    ...deps,
    spawn: spawnLedgerWorker,
    origin: location.origin,
    tabs: { announce: () => channel.postMessage(null), heard: heard.subscribe },
    async fetchGenesis() {
      try {
        const response = await fetch('/ledger/genesis', { cache: 'no-store' });
        if (response.status === 204) return err(fault('none', 'this host keeps no ledger'));
        if (!response.ok)
          return err(fault('away', `the host does not say which ledger it keeps (${response.status})`));
        return ok(new Uint8Array(await response.arrayBuffer()));
      } catch (cause) {
        return err(fault('away', `the host can't be reached: ${String(cause)}`));
      }
    },
  });
  if (!opened.ok) {
    channel.close();
    return opened;
  }
  return ok({
    ...opened.value,
    async close() {
      await opened.value.close();
      channel.close();
    },
  });
};
