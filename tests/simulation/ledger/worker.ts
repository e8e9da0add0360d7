import { parentPort } from 'node:worker_threads';
import { runLedgerHistory } from './history.ts';
import { planLedger } from './plan.ts';

/** Runs the histories it is told to, one batch after the other. */
export type Batch = { readonly first: number; readonly count: number; readonly stopAtFirst: boolean };
export type Failure = { readonly seed: number; readonly violations: readonly string[] };
export type BatchResult = { readonly histories: number; readonly failures: readonly Failure[] };

parentPort?.on('message', async ({ first, count, stopAtFirst }: Batch) => {
  const failures: Failure[] = [];
  let histories = 0;
  for (let seed = first; seed < first + count; seed++) {
    const { violations } = await runLedgerHistory(planLedger(seed));
    histories += 1;
    if (violations.length > 0) failures.push({ seed, violations });
    if (stopAtFirst && failures.length > 0) break;
  }
  parentPort?.postMessage({ histories, failures } satisfies BatchResult);
});
