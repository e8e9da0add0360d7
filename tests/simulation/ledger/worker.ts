import { parentPort } from 'node:worker_threads';
import { runLedgerHistory } from './history.ts';
import { planLedger } from './plan.ts';

/** Runs the histories it is told to, one batch after the other. */
export type Batch = { readonly seeds: readonly number[]; readonly stopAtFirst: boolean };
export type Failure = { readonly seed: number; readonly violations: readonly string[] };
export type BatchResult = { readonly histories: number; readonly failures: readonly Failure[] };

parentPort?.on('message', async ({ seeds, stopAtFirst }: Batch) => {
  const failures: Failure[] = [];
  let histories = 0;
  for (const seed of seeds) {
    const { violations } = await runLedgerHistory(planLedger(seed));
    histories += 1;
    if (violations.length > 0) failures.push({ seed, violations });
    if (stopAtFirst && failures.length > 0) break;
  }
  parentPort?.postMessage({ histories, failures } satisfies BatchResult);
});
