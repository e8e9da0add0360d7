import { proxy, wrap } from 'comlink';
import type {
  AbortMessage,
  ImageWorkerApi,
  ModelRunsWorkerApi,
  OcrWorkerApi,
  QuantizeWorkerApi,
} from '../../../workers/protocol.ts';
import type { ModelWorkerApi, WorkerHandle } from '../../compute/ports.ts';
import { createEmitter } from '../../core/events.ts';

/** What comlink can carry as it is: an object of asynchronous methods. */
type RemoteApi<Api> = { [Name in keyof Api]: (...args: never[]) => Promise<unknown> };

export const createWorkerHandle = <Api extends RemoteApi<Api>>(worker: Worker): WorkerHandle<Api> => {
  const signs = createEmitter<void>();
  const ended = createEmitter<string>();
  let over = false;
  const end = (reason: string): void => {
    if (over) return;
    over = true;
    ended.emit(reason);
  };
  worker.addEventListener('message', () => signs.emit());
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
