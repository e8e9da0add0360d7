import type { AnalyticsWorkerApi } from '../../../workers/protocol.ts';
import type { WorkerHandle } from '../../compute/ports.ts';
import { err, fault } from '../../core/result.ts';
import { spawnAnalyticsWorker } from './workers.ts';

/** A damaged file may lead SQLite anywhere: a call that takes longer is ended with its worker. */
const patienceMs = 120_000;

/**
 * Databases are read and written in a worker of their own for each call: its code and WebAssembly are loaded only then, and
 * all of its memory goes with it.
 */
export const createSqliteCodec = (
  spawn: () => WorkerHandle<AnalyticsWorkerApi> = spawnAnalyticsWorker,
): AnalyticsWorkerApi => {
  const ask = async <Answer>(call: (api: AnalyticsWorkerApi) => Promise<Answer>) => {
    const worker = spawn();
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await Promise.race([
        call(worker.api),
        new Promise<string>((resolve) => {
          worker.ended(resolve);
          timer = setTimeout(() => resolve(`it did not answer in ${patienceMs / 1_000} s`), patienceMs);
        }),
      ]);
    } catch (cause) {
      return cause instanceof Error ? cause.message : String(cause);
    } finally {
      clearTimeout(timer);
      worker.terminate();
    }
  };
  const failed = (reason: string) => err(fault('storage', `the worker for SQLite failed: ${reason}`));
  return {
    async write(head, rows) {
      const answer = await ask((api) => api.write(head, rows));
      return typeof answer === 'string' ? failed(answer) : answer;
    },
    async read(bytes) {
      const answer = await ask((api) => api.read(bytes));
      return typeof answer === 'string' ? failed(answer) : answer;
    },
  };
};
