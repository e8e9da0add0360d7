/**
 * A tab that was never here replays a hundred thousand operations of four keepers: in the ledger's real worker, from a socket,
 * with every owner's signature checked and everything kept in the browser's database on disk. Then the page is loaded again
 * and opens what was kept. What it comes to is compared with what the history's maker has.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Page } from 'playwright';
import { browserFlags, ensureBrowser } from '../../scripts/lib/browser.mjs';
import { toHex } from '../../src/core/bytes.ts';
import { unwrap } from '../../src/core/result.ts';
import { netIdOf } from '../../src/ledger/genesis.ts';
import { readGenesis } from '../../src/ledger/readGenesis.ts';
import { stateRootOf } from '../../src/ledger/stateRoot.ts';
import { bundlePage, report, serveBundle } from '../bundle.ts';
import type { BenchOptions, BenchResult } from '../suite.ts';
import { serveHistory } from './historyServer.ts';
import type { Followed } from './page.ts';
import { createAuditor } from './replay.ts';
import { type StoredHistory, storedHistory } from './storedHistory.ts';

const shape = { operations: 100_000, accounts: 1_000, keepers: 4 } as const;

export const limits = { replay_s: 20, replay_longest_task_ms: 100, open_ms: 500 };

export const run = async ({ say }: BenchOptions): Promise<BenchResult> => {
  const history = await storedHistory(shape, say);
  const auditSeconds = await auditAll(history, say);
  const net = netIdOf(unwrap(readGenesis(history.genesis)));
  const served = await serveHistory(history, net);
  const bundle = await serveBundle(await bundlePage('bench/ledger/page.ts'));
  const folder = await mkdtemp(join(tmpdir(), 'aivillage-replay-'));
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: await ensureBrowser(),
    args: [...browserFlags],
  });
  try {
    const page = await context.newPage();
    report(page);
    say(
      `${history.operations} operations in ${history.blocks.length} blocks; load average ${loadavg()[0]?.toFixed(1)}…`,
    );
    const replayed = await follow(page, bundle.url, served.url, history);
    say(
      `replayed in ${(replayed.ms / 1_000).toFixed(1)} s, written after ${(replayed.writtenMs / 1_000).toFixed(1)} s`,
    );
    if (!replayed.durable || replayed.openedAt !== 0) throw new Error('the tab has kept something before');
    const opened = await follow(page, bundle.url, served.url, history);
    if (opened.openedAt !== history.blocks.length)
      throw new Error(`of ${history.blocks.length} blocks ${opened.openedAt} were kept`);
    return {
      operations: history.operations,
      replay_s: rounded(replayed.ms / 1_000),
      replay_written_s: rounded(replayed.writtenMs / 1_000),
      replay_longest_task_ms: Math.round(replayed.longestTaskMs),
      open_ms: Math.round(opened.ms),
      open_worker_ms: Math.round(opened.openMs),
      full_audit_s: rounded(auditSeconds),
      stored_bytes_per_operation: Math.round(
        history.blocks.reduce((sum, block) => sum + block.byteLength, 0) / history.operations,
      ),
    };
  } finally {
    await context.close();
    await rm(folder, { recursive: true });
    bundle.close();
    served.close();
  }
};

/** A visit of its own: the page is loaded, and what is kept is that of the visits before. */
const follow = async (page: Page, url: string, socket: string, history: StoredHistory): Promise<Followed> => {
  await page.goto(url);
  await page.waitForFunction('globalThis.ledgerPage !== undefined');
  const given = { genesis: [...history.genesis], url: socket, height: history.blocks.length };
  const followed = await page.evaluate<Followed>(`ledgerPage.follow(${JSON.stringify(given)})`);
  const { head, root } = followed;
  if (head !== history.head || root !== history.root)
    throw new Error(
      `the tab came to ${head} with the root ${root}, it must be ${history.head}, ${history.root}`,
    );
  return followed;
};

/** In this process: the certificate of every block, and all money counted entry by entry after each. */
const auditAll = async (history: StoredHistory, say: BenchOptions['say']): Promise<number> => {
  say('every certificate is checked, and all money is counted after every block…');
  const startedAt = performance.now();
  const auditor = createAuditor(unwrap(readGenesis(history.genesis)));
  for (const bytes of history.blocks) await auditor.take(bytes);
  if (toHex(stateRootOf(auditor.state)) !== history.root) throw new Error('the audit came to another state');
  return (performance.now() - startedAt) / 1_000;
};

const rounded = (value: number): number => Math.round(value * 100) / 100;
