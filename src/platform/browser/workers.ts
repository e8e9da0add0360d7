import { proxy, wrap } from 'comlink';
import type {
  AbortMessage,
  AnalyticsWorkerApi,
  ImageWorkerApi,
  LedgerWorkerApi,
  ModelRunsWorkerApi,
  OcrWorkerApi,
  QuantizeWorkerApi,
  RanMessage,
} from '../../../workers/protocol.ts';
import type { ModelWorkerApi, WorkerHandle, WorkerRan } from '../../compute/ports.ts';
import { createEmitter } from '../../core/events.ts';

/** What comlink can carry as it is: an object of asynchronous methods. */
type RemoteApi<Api> = { [Name in keyof Api]: (...args: never[]) => Promise<unknown> };

export const createWorkerHandle = <Api extends RemoteApi<Api>>(worker: Worker): WorkerHandle<Api> => {
  const signs = createEmitter<void>();
  const ended = createEmitter<string>();
  const ran = createEmitter<WorkerRan>();
  let over = false;
  const end = (reason: string): void => {
    if (over) return;
    over = true;
    ended.emit(reason);
  };
  worker.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (isRan(data)) ran.emit(data);
    signs.emit();
  });
  worker.addEventListener('messageerror', () => end('it sent a message that cannot be read'));
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    end(event.message || 'its script could not be loaded');
  });
  return {
    // comlink's Remote<Api> promises what Api's methods promise already.
    api: wrap<Api>(worker) as unknown as Api,
    signs: signs.subscribe,
    ended: ended.subscribe,
    ran: ran.subscribe,
    abort() {
      const message: AbortMessage = { aivillage: 'abort' };
      worker.postMessage(message);
    },
    terminate() {
      over = true;
      worker.terminate();
    },
  };
};

const isRan = (data: unknown): data is RanMessage =>
  typeof data === 'object' && data !== null && 'aivillage' in data && data.aivillage === 'ran';

export const spawnOcrWorker = (): WorkerHandle<OcrWorkerApi> =>
  createWorkerHandle(
    new Worker(new URL('../../../workers/ocr.worker.ts', import.meta.url), { type: 'module', name: 'ocr' }),
  );

export const spawnImageWorker = (): WorkerHandle<ImageWorkerApi> =>
  createWorkerHandle(
    new Worker(new URL('../../../workers/image.worker.ts', import.meta.url), {
      type: 'module',
      name: 'image',
    }),
  );

export const spawnModelWorker = (): WorkerHandle<ModelWorkerApi> => {
  const handle = createWorkerHandle<ModelWorkerApi>(
    new Worker(new URL('../../../workers/models.worker.ts', import.meta.url), {
      type: 'module',
      name: 'models',
    }),
  );
  // A function can't be cloned; its proxy can.
  const load: ModelWorkerApi['load'] = (model, onProgress) => handle.api.load(model, proxy(onProgress));
  return { ...handle, api: { load } };
};

export const spawnQuantizeWorker = (): WorkerHandle<QuantizeWorkerApi> => {
  const handle = createWorkerHandle<QuantizeWorkerApi>(
    new Worker(new URL('../../../workers/quantize.worker.ts', import.meta.url), {
      type: 'module',
      name: 'quantize',
    }),
  );
  const quantize: QuantizeWorkerApi['quantize'] = (files, recipe, target, onProgress) =>
    handle.api.quantize(files, recipe, target, proxy(onProgress));
  return { ...handle, api: { open: handle.api.open, quantize } };
};

export const spawnModelRunsWorker = (): WorkerHandle<ModelRunsWorkerApi> => {
  const handle = createWorkerHandle<ModelRunsWorkerApi>(
    new Worker(new URL('../../../workers/modelRuns.worker.ts', import.meta.url), {
      type: 'module',
      name: 'model-runs',
    }),
  );
  const compare: ModelRunsWorkerApi['compare'] = (input, onProgress) =>
    handle.api.compare(input, proxy(onProgress));
  return { ...handle, api: { check: handle.api.check, compare } };
};

export const spawnLedgerWorker = (): WorkerHandle<LedgerWorkerApi> => {
  const handle = createWorkerHandle<LedgerWorkerApi>(
    new Worker(new URL('../../../workers/ledger.worker.ts', import.meta.url), {
      type: 'module',
      name: 'ledger',
    }),
  );
  const open: LedgerWorkerApi['open'] = (input, tell, peers) =>
    handle.api.open(input, proxy(tell), proxy(peers));
  return { ...handle, api: withOpen(handle.api, open) };
};

export const spawnAnalyticsWorker = (): WorkerHandle<AnalyticsWorkerApi> =>
  createWorkerHandle(
    new Worker(new URL('../../../workers/analytics.worker.ts', import.meta.url), {
      type: 'module',
      name: 'analytics',
    }),
  );

/** comlink's remote object has no members to spread: every name is a call. */
const withOpen = (api: LedgerWorkerApi, open: LedgerWorkerApi['open']): LedgerWorkerApi => ({
  open,
  send: (operations) => api.send(operations),
  peersHave: (status) => api.peersHave(status),
  ordered: (seq) => api.ordered(seq),
  history: (before, count) => api.history(before, count),
  keepersAt: (height) => api.keepersAt(height),
  heads: () => api.heads(),
  compare: (told) => api.compare(told),
  accuse: (block) => api.accuse(block),
  blocks: (after, count, maxBytes) => api.blocks(after, count, maxBytes),
  snapshot: (part) => api.snapshot(part),
  tellState: () => api.tellState(),
  close: () => api.close(),
});
