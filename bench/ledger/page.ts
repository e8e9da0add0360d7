/** In a tab: the ledger's real worker, and what the product's page does with its news. Driven by `ledger.bench.ts`. */
import { proxy, wrap } from 'comlink';
import { toHex } from '../../src/core/bytes.ts';
import { err, fault, unwrap } from '../../src/core/result.ts';
import { readGenesis } from '../../src/ledger/readGenesis.ts';
import { advanceBy } from '../../src/ledger/replica/advance.ts';
import { createStateBuilder } from '../../src/ledger/replica/stateParts.ts';
import { stateRootOf } from '../../src/ledger/stateRoot.ts';
import type { LedgerState } from '../../src/ledger/types.ts';
import type { LedgerNews, LedgerPeers, LedgerWorkerApi } from '../../workers/protocol.ts';

export type Followed = {
  /** From the worker's start until the page holds the state of the newest block. */
  readonly ms: number;
  /** What the worker says of it: only opening what was kept. */
  readonly openMs: number;
  /** Height that was kept here. */
  readonly openedAt: number;
  readonly durable: boolean;
  /** Longest task of the page's own thread meanwhile, 0 below 50 ms. */
  readonly longestTaskMs: number;
  readonly height: number;
  readonly head: string;
  readonly root: string;
  /** All that is kept was written. */
  readonly writtenMs: number;
};

export type LedgerPage = {
  follow(given: { genesis: readonly number[]; url: string; height: number }): Promise<Followed>;
};

const nobody: LedgerPeers = {
  blocks: async () => err(fault('away', 'there are no other tabs')),
  snapshot: async () => err(fault('away', 'there are no other tabs')),
  blame: () => {},
};

const follow: LedgerPage['follow'] = async ({ genesis: bytes, url, height }) => {
  const genesis = unwrap(readGenesis(Uint8Array.from(bytes)));
  const [allocation] = genesis.allocations;
  if (!allocation) throw new Error('nobody has anything');
  const tasks = watchTasks();
  const startedAt = performance.now();
  const worker = new Worker(new URL('../../workers/ledger.worker.ts', import.meta.url), { type: 'module' });
  const api = wrap<LedgerWorkerApi>(worker) as unknown as LedgerWorkerApi;
  const view = createView(height);
  const opened = unwrap(
    await api.open(
      {
        genesis,
        account: allocation.account,
        keepers: [{ name: 'history', url }],
        snapshotBeyond: Number.POSITIVE_INFINITY,
      },
      proxy(view.onNews),
      proxy(nobody),
    ),
  );
  const state = await view.reached;
  const ms = performance.now() - startedAt;
  const longestTaskMs = tasks.end();
  await api.close();
  const writtenMs = performance.now() - startedAt;
  worker.terminate();
  return {
    ms,
    openMs: opened.openMs,
    openedAt: opened.height,
    durable: opened.durable,
    longestTaskMs,
    height: state.position.height,
    head: state.position.head,
    root: toHex(stateRootOf(state)),
    writtenMs,
  };
};

/** As the product's page puts together what its worker tells. */
const createView = (height: number) => {
  const builder = createStateBuilder();
  let state: LedgerState | undefined;
  let resolve = (_: LedgerState) => {};
  let reject = (_: Error) => {};
  const reached = new Promise<LedgerState>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return {
    reached,
    onNews(news: LedgerNews) {
      if (news.kind === 'state') state = builder.add(news.part) ?? state;
      if (news.kind === 'block' && state) state = advanceBy(state, news.block)?.state;
      if (news.kind === 'log' && news.level !== 'info') reject(new Error(news.message));
      if (state && state.position.height >= height) resolve(state);
    },
  };
};

const watchTasks = () => {
  let longest = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) longest = Math.max(longest, duration);
  });
  observer.observe({ type: 'longtask' });
  return {
    end() {
      for (const { duration } of observer.takeRecords()) longest = Math.max(longest, duration);
      observer.disconnect();
      return longest;
    },
  };
};

const page: LedgerPage = { follow };
Object.assign(globalThis, { ledgerPage: page });
