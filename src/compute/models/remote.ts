import { type Milliseconds, milliseconds } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, fault, type Result } from '../../core/result.ts';
import { createWorkerPool } from '../bridge/pool.ts';
import type { ModelStore, PoolError } from '../contracts.ts';
import type { ModelAnswer, ModelWorkerApi, WorkerHandle } from '../ports.ts';

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
      const { signal, onProgress = () => {}, trace } = options;
      const span =
        trace && deps.telemetry.span('model.load', { parent: trace, fields: { model: model.name } });
      const answer = await pool.call((api) => api.load(model, onProgress, span?.context), {
        ...(signal ? { signal } : {}),
        watchdog: standstill,
        trace: span?.context,
      });
      span?.end(failureOf(answer));
      if (!answer.ok) {
        const { code, message } = answer.error;
        return code === 'cancelled' || code === 'closed'
          ? err(fault('cancelled', `loading ${model.name} was cancelled`))
          : err(fault('unavailable', `${model.name} could not be loaded: ${message}`));
      }
      const { result, noticed } = answer.value;
      for (const note of noticed) {
        if (note.kind === 'log') deps.telemetry.log(note.level, note.component, note.message, note.fields);
        else deps.telemetry[note.kind](note.name, note.value, note.labels);
      }
      return result;
    },
  };
};

const failureOf = (answer: Result<ModelAnswer, PoolError>): string | undefined => {
  const error = answer.ok ? (answer.value.result.ok ? undefined : answer.value.result.error) : answer.error;
  return error && error.code !== 'cancelled' && error.code !== 'closed' ? error.message : undefined;
};
