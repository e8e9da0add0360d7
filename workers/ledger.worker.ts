import { createMemoryLedgerStore } from '../src/ledger/replica/store.ts';
import { createBrowserClock } from '../src/platform/browser/clock.ts';
import { createBrowserCrypto } from '../src/platform/browser/crypto.ts';
import { openLedgerStore } from '../src/platform/browser/ledgerStore.ts';
import { openBrowserSocket } from '../src/platform/browser/socket.ts';
import { StorageError } from '../src/storage/port.ts';
import { exposeApi } from './expose.ts';
import { createLedgerApi } from './ledgerApi.ts';

exposeApi(() =>
  createLedgerApi({
    async openStore(net) {
      try {
        return await openLedgerStore(net, { onGivenWay: () => {} });
      } catch (cause) {
        // Where nothing can be kept the ledger is downloaded with every visit; what a newer page keeps is not touched.
        if (cause instanceof StorageError && cause.code !== 'newer' && cause.code !== 'blocked')
          return createMemoryLedgerStore();
        throw cause;
      }
    },
    openSocket: openBrowserSocket,
    crypto: createBrowserCrypto(),
    clock: createBrowserClock(),
    // A worker's own timers keep their pace in a hidden tab.
    timers: {
      after(delay, run) {
        const timer = setTimeout(run, delay);
        return () => clearTimeout(timer);
      },
      every(period, run) {
        const timer = setInterval(run, period);
        return () => clearInterval(timer);
      },
    },
    random: () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32,
  }),
);
