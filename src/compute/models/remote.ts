import { type Milliseconds, milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, fault } from '../../core/result.ts';
import { createWorkerPool } from '../bridge/pool.ts';
import type { ModelStore } from '../contracts.ts';
import type { ModelWorkerApi, WorkerHandle } from '../ports.ts';

export type RemoteModelsDeps = {
  spawnModelWorker(): WorkerHandle<ModelWorkerApi>;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
};

/** Progress counts as a sign of life: only a download that stands still for so long is given up. */
const standstill: Milliseconds = milliseconds(60_000);
const idleAfter: Milliseconds = milliseconds(30_000);

/**
 * The model store in a worker: hashing and copying of megabytes never hold up the page. Knows nothing of what is
 * loaded; the worker says what it noticed with each answer.
 */
export const createRemoteModels = (deps: RemoteModelsDeps): ModelStore => {
  const pool = createWorkerPool<ModelWorkerApi>(
    { ...deps, spawn: deps.spawnModelWorker },
    { name: 'models', size: 1, idleAfter, abortGrace: milliseconds(250) },
  );
  return {
    async load(model, options = {}) {
      const { signal, onProgress = () => {} } = options;
      const answer = await pool.call((api) => api.load(model, onProgress), {
        ...(signal ? { signal } : {}),
        watchdog: standstill,
      });
      if (!answer.ok) {
        const { code, message } = answer.error;
        return code === 'cancelled' || code === 'closed'
          ? err(fault('cancelled', `loading ${model.name} was cancelled`))
          : err(fault('unavailable', `${model.name} could not be loaded: ${message}`));
      }
      const { result, noticed } = answer.value;
      for (const note of noticed) {
        if (note.kind === 'log') deps.telemetry.log(note.level, note.component, note.message, note.fields);
        else deps.telemetry.count(note.name, note.amount, note.labels);
      }
      return result;
    },
  };
};
