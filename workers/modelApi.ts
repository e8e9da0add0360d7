import { createModelStore, type ModelStoreDeps } from '../src/compute/models/store.ts';
import type { ModelNotice, ModelWorkerApi } from '../src/compute/ports.ts';
import { silentTelemetry, type Telemetry } from '../src/core/ports/telemetry.ts';
import { ok } from '../src/core/result.ts';
import type { CallScope } from './expose.ts';

export type ModelApiDeps = Omit<ModelStoreDeps, 'telemetry'> & {
  openScope(): CallScope;
  /** The store may keep `bytes`: they must stay as they are. */
  handOver(bytes: Uint8Array): Uint8Array;
};

/** The model store behind a worker's door: what it would log travels with the answer. */
export const createModelApi = (deps: ModelApiDeps): ModelWorkerApi => {
  let noticed: ModelNotice[] = [];
  const telemetry: Telemetry = {
    ...silentTelemetry,
    log: (level, component, message, fields) =>
      void noticed.push({ kind: 'log', level, component, message, fields }),
    count: (name, value = 1, labels = {}) => void noticed.push({ kind: 'count', name, value, labels }),
    observe: (name, value, labels = {}) => void noticed.push({ kind: 'observe', name, value, labels }),
  };
  const store = createModelStore({ ...deps, telemetry });
  return {
    async load(model, onProgress, trace) {
      const { signal } = deps.openScope();
      noticed = [];
      const loaded = await store.load(model, { signal, onProgress, trace });
      return { result: loaded.ok ? ok(deps.handOver(loaded.value)) : loaded, noticed };
    },
  };
};
