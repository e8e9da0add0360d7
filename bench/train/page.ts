/** Trainers of the frameworks, each in a worker of its own. Doesn't know what is done with them. */
import { type Remote, wrap } from 'comlink';
import type { FedTrainer, Framework } from './trainer.ts';

export type TrainPage = {
  /** Under a name of the caller's. */
  open(name: string, framework: Framework): void;
  call<Method extends keyof FedTrainer>(
    name: string,
    method: Method,
    ...args: Parameters<FedTrainer[Method]>
  ): Promise<Awaited<ReturnType<FedTrainer[Method]>>>;
  close(name: string): void;
};

const workers = new Map<string, { readonly worker: Worker; readonly trainer: Remote<FedTrainer> }>();

// Each address as the bundler wants it: literally, in a call.
const open: Readonly<Record<Framework, () => Worker>> = {
  ours: () => new Worker(new URL('./ours.worker.ts', import.meta.url), { type: 'module' }),
  jax: () => new Worker(new URL('./jax.worker.ts', import.meta.url), { type: 'module' }),
  tfjs: () => new Worker(new URL('./tfjs.worker.ts', import.meta.url), { type: 'module' }),
};

const page: TrainPage = {
  open(name, framework) {
    const worker = open[framework]();
    workers.set(name, { worker, trainer: wrap<FedTrainer>(worker) });
  },
  async call(name, method, ...args) {
    const found = workers.get(name);
    if (!found) throw new Error(`no worker is named ${name}`);
    const { worker, trainer } = found;
    const failed = new Promise<never>((_, reject) => {
      worker.onerror = (event) => reject(new Error(event.message || 'the worker could not be loaded'));
    });
    const run = trainer[method] as unknown as (...args: unknown[]) => Promise<never>;
    return Promise.race([run(...args), failed]);
  },
  close(name) {
    workers.get(name)?.worker.terminate();
    workers.delete(name);
  },
};
Object.assign(globalThis, { trainPage: page });
