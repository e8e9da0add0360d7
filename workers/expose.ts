import { expose } from 'comlink';
import type { AbortMessage, AliveMessage, RanMessage } from './protocol.ts';

/** What a long call needs to stay interruptible. */
export type CallScope = {
  readonly signal: AbortSignal;
  /** Says that the worker lives and lets messages in: without it an abort waits until the call has ended. */
  step(): Promise<void>;
};

/** The part of DedicatedWorkerGlobalScope that is used; its types and the page's can't be loaded together. */
type WorkerScope = {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
};

/**
 * Offers an api to the page. Each call gets a scope of its own that the page's abort message ends; a message that
 * comes after the answer finds no call and does nothing.
 */
export const exposeApi = <Api extends object>(create: (scope: () => CallScope) => Api): void => {
  const worker = globalThis as unknown as WorkerScope;
  let current: AbortController | undefined;
  worker.addEventListener('message', ({ data }) => {
    if (isAbort(data)) current?.abort();
  });
  const alive: AliveMessage = { aivillage: 'alive' };
  const openScope = (): CallScope => {
    const abort = new AbortController();
    current = abort;
    return {
      signal: abort.signal,
      async step() {
        worker.postMessage(alive);
        await nextTask();
      },
    };
  };
  expose(timed(create(openScope), (message) => worker.postMessage(message)));
};

/** The same methods, each of which says at its end how long it took: the queue and the copying are not in it. */
const timed = <Api extends object>(api: Api, tell: (message: RanMessage) => void): Api =>
  Object.fromEntries(
    Object.entries(api).map(([method, run]) => [
      method,
      typeof run === 'function' ? timedCall(method, run, tell) : run,
    ]),
  ) as Api;

const timedCall =
  (method: string, run: (...args: unknown[]) => unknown, tell: (message: RanMessage) => void) =>
  async (...args: unknown[]) => {
    const startedAt = performance.now();
    try {
      return await run(...args);
    } finally {
      tell({ aivillage: 'ran', method, ms: performance.now() - startedAt });
    }
  };

const isAbort = (data: unknown): data is AbortMessage =>
  typeof data === 'object' && data !== null && 'aivillage' in data && data.aivillage === 'abort';

/** A task of its own: promises alone never give the event loop a turn. Timers would be clamped to 4 ms. */
const nextTask = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
