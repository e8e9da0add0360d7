import type { Timers } from '../../core/ports/timers.ts';

/** Browsers count delays in 31 bits and take longer ones for 0; 24 days are for ever to a tab. */
const longestDelay = 2 ** 31 - 1;

type Start = { readonly id: number; readonly delay: number; readonly repeat: boolean };

/**
 * Timers that keep their pace in a hidden tab, where the browser stretches a page's own to a second or a minute: they
 * run in a worker. If the worker can't start (or dies), the page's timers take over.
 */
export const createBrowserTimers = (): Timers => {
  const runsById = new Map<number, { readonly start: Start; readonly run: () => void }>();
  let nextId = 0;
  let worker: Worker | undefined = startWorker();
  const pageTimersById = new Map<number, ReturnType<typeof setTimeout>>();

  const fire = (id: number) => {
    const entry = runsById.get(id);
    if (!entry) return;
    if (!entry.start.repeat) {
      runsById.delete(id);
      pageTimersById.delete(id);
    }
    entry.run();
  };
  const startInPage = ({ id, delay, repeat }: Start) => {
    pageTimersById.set(id, repeat ? setInterval(() => fire(id), delay) : setTimeout(() => fire(id), delay));
  };
  if (worker) {
    worker.onmessage = (event: MessageEvent<number>) => fire(event.data);
    worker.onerror = () => {
      worker = undefined;
      for (const { start } of runsById.values()) startInPage(start);
    };
  }

  const schedule = (delay: number, run: () => void, repeat: boolean) => {
    const start = { id: nextId++, delay: Math.min(delay, longestDelay), repeat };
    runsById.set(start.id, { start, run });
    if (worker) worker.postMessage({ start });
    else startInPage(start);
    return () => {
      runsById.delete(start.id);
      worker?.postMessage({ stop: start.id });
      clearTimeout(pageTimersById.get(start.id));
      pageTimersById.delete(start.id);
    };
  };
  return {
    after: (delay, run) => schedule(delay, run, false),
    every: (period, run) => schedule(period, run, true),
  };
};

const startWorker = (): Worker | undefined => {
  try {
    return new Worker(new URL('../../../workers/timers.worker.ts', import.meta.url), {
      type: 'module',
      name: 'timers',
    });
  } catch {
    return undefined;
  }
};
