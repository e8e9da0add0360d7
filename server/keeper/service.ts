import type { Timers } from '../../src/core/ports/timers.ts';
import type { Fault, Result } from '../../src/core/result.ts';
import type { Candidate } from '../../src/ledger/candidate.ts';
import { type KeeperSettings, keeperDefaults } from '../../src/ledger/keeper/index.ts';
import type { Genesis } from '../../src/ledger/types.ts';
import {
  createNodeClock,
  createNodeCrypto,
  createNodeRandom,
  openLevelStore,
} from '../../src/platform/node/index.ts';
import type { DynamicPage } from '../http.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { type KeeperDriver, startKeeperDriver } from './keeperDriver.ts';
import type { KeeperKeys } from './keyFile.ts';
import { createLedgerHub, type LedgerHub } from './ledgerSockets.ts';
import { beginMachine } from './machine.ts';
import { keeperPages, measureKeeper, watchKeeper } from './pages.ts';
import { connectPeers } from './peers.ts';
import { recoverKeeper } from './store.ts';

/** One keeper as a whole: its data, its machine, its socket, its lines to the others, its pages. */
export interface KeeperService {
  readonly driver: KeeperDriver;
  readonly hub: LedgerHub;
  /** Names of the other keepers that it reaches. */
  readonly connected: () => readonly string[];
  readonly pages: Readonly<Record<string, DynamicPage>>;
  /** After the hub was drained. Idempotent. */
  close(): Promise<void>;
}

export type KeeperServiceDeps = { readonly log: Log; readonly metrics: Metrics; readonly timers: Timers };

export type KeeperServiceOptions = {
  readonly genesis: Genesis;
  readonly keys: KeeperKeys;
  /** The key that is to take the seat of `keys`. */
  readonly successor?: KeeperKeys;
  /** What the newest of these keys asks for, served for whoever proposes it. */
  readonly candidate?: Candidate;
  readonly dataFolder: string;
  readonly messagesPerSecond: number;
  readonly machine?: Partial<KeeperSettings>;
};

export const openKeeperService = async (
  deps: KeeperServiceDeps,
  options: KeeperServiceOptions,
): Promise<Result<KeeperService, Fault>> => {
  const { log, metrics, timers } = deps;
  const { genesis, keys, successor, candidate } = options;
  const ordered = await openLevelStore(options.dataFolder);
  if (!ordered.ok) return ordered;
  const recovered = await recoverKeeper(ordered.value, genesis);
  if (!recovered.ok) {
    await ordered.value.close();
    return recovered;
  }
  const clock = createNodeClock();
  const started = startKeeperDriver(
    { begin: beginMachine, clock, timers, crypto: createNodeCrypto(), log, measured: measureKeeper(metrics) },
    recovered.value,
    { keys, ...(successor ? { successor } : {}) },
    { ...keeperDefaults, ...options.machine },
  );
  if (!started.ok) {
    await ordered.value.close();
    return started;
  }
  const driver = started.value;
  const hub = createLedgerHub({ driver, log, metrics, clock, timers }, options);
  const own = (successor ? [successor, keys] : [keys]).map(({ signer }) => signer.publicKey);
  const asking = candidate && { candidate, signer: (successor ?? keys).signer };
  const peers = connectPeers({ driver, own, timers, random: createNodeRandom(), log });
  watchKeeper(metrics, driver, hub, peers);
  return {
    ok: true,
    value: {
      driver,
      hub,
      pages: keeperPages({ genesis, driver, peers, own, asking }),
      connected: peers.connected,
      async close() {
        peers.close();
        await driver.close();
      },
    },
  };
};
