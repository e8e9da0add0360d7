import type { Locks } from '../../core/ports/locks.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { RuntimeKind } from '../contracts.ts';

export type Claim = {
  readonly runtime: RuntimeKind;
  /** Own work goes first; it is never refused, only queued. */
  readonly urgent?: boolean;
  readonly signal?: AbortSignal;
};

export type Grant = { release(): void };

export interface Scheduler {
  /** Waits for a part of the device: a group of cores, or its GPU. */
  claim(claim: Claim): Promise<Result<Grant, Fault<'cancelled' | 'closed'>>>;
  /** How many groups of cores all tabs of this device may use together from now on. */
  setCoreSlots(slots: number): void;
  load(): { readonly granted: number; readonly waiting: number };
  close(): void;
}

/**
 * The budget that all tabs of one device share: one lock a slot, which the browser frees when a tab dies. Knows
 * slots and who waits; doesn't know limits or batteries (see slotsAllowed), nor what runs.
 */
export const createScheduler = (
  deps: { readonly locks: Locks; readonly telemetry: Telemetry },
  options: { readonly coreSlots: number },
): Scheduler => {
  const lanes: Record<RuntimeKind, Lane> = {
    wasm: createLane(deps, coreLocks(options.coreSlots)),
    webgpu: createLane(deps, ['aivillage/gpu/0']),
  };
  return {
    claim: (claim) => lanes[claim.runtime].claim(claim),
    setCoreSlots: (slots) => lanes.wasm.setNames(coreLocks(slots)),
    load: () => ({
      granted: lanes.wasm.granted() + lanes.webgpu.granted(),
      waiting: lanes.wasm.waiting() + lanes.webgpu.waiting(),
    }),
    close() {
      for (const lane of Object.values(lanes)) lane.close();
    },
  };
};

const coreLocks = (slots: number): readonly string[] =>
  Array.from({ length: Math.max(1, Math.floor(slots)) }, (_, index) => `aivillage/core/${index}`);

type Waiter = { readonly claim: Claim; settle(result: Result<Grant, Fault<'cancelled' | 'closed'>>): void };

type Lane = {
  claim(claim: Claim): Promise<Result<Grant, Fault<'cancelled' | 'closed'>>>;
  setNames(names: readonly string[]): void;
  granted(): number;
  waiting(): number;
  close(): void;
};

/**
 * Interchangeable locks and a queue. While anybody waits, every lock that this tab doesn't hold is asked for; the
 * one that comes goes to whoever is first by then, so an urgent claim overtakes those that asked before it.
 */
const createLane = (
  deps: { readonly locks: Locks; readonly telemetry: Telemetry },
  initialNames: readonly string[],
): Lane => {
  let names = initialNames;
  let closed = false;
  const waiting: Waiter[] = [];
  const held = new Set<string>();
  const asked = new Map<string, AbortController>();

  const stopAsking = (): void => {
    for (const abort of asked.values()) abort.abort();
    asked.clear();
  };

  const grant = (name: string, release: () => void): void => {
    const waiter = names.includes(name) ? waiting.shift() : undefined;
    if (!waiter) {
      release();
      return;
    }
    held.add(name);
    let released = false;
    const free = () => {
      if (released) return;
      released = true;
      held.delete(name);
      release();
      pump();
    };
    waiter.settle(ok({ release: free }));
  };

  const ask = async (name: string): Promise<void> => {
    const abort = new AbortController();
    asked.set(name, abort);
    try {
      const release = await deps.locks.acquire(name, abort.signal);
      if (asked.get(name) === abort) asked.delete(name);
      if (abort.signal.aborted) release();
      else grant(name, release);
    } catch (cause) {
      if (asked.get(name) === abort) asked.delete(name);
      if (abort.signal.aborted) return;
      // A browser without usable locks still works alone: its tabs then don't share one budget.
      deps.telemetry.log('warn', 'scheduler', `locks are not available: ${String(cause)}`);
      grant(name, () => {});
    }
    pump();
  };

  const pump = (): void => {
    if (waiting.length === 0) stopAsking();
    else askForAll();
  };

  const askForAll = (): void => {
    for (const name of names) {
      if (!held.has(name) && !asked.has(name)) void ask(name);
    }
  };

  return {
    claim: (claim) =>
      new Promise((resolve) => {
        if (closed) return resolve(err(fault('closed', 'the scheduler is closed')));
        if (claim.signal?.aborted) return resolve(err(cancelled()));
        const leave = (): void => {
          const index = waiting.indexOf(waiter);
          if (index >= 0) waiting.splice(index, 1);
          waiter.settle(err(cancelled()));
          pump();
        };
        const waiter: Waiter = {
          claim,
          settle(result) {
            claim.signal?.removeEventListener('abort', leave);
            resolve(result);
          },
        };
        claim.signal?.addEventListener('abort', leave, { once: true });
        const firstPatient = claim.urgent ? waiting.findIndex((other) => !other.claim.urgent) : -1;
        if (firstPatient < 0) waiting.push(waiter);
        else waiting.splice(firstPatient, 0, waiter);
        pump();
      }),
    setNames(next) {
      names = next;
      pump();
    },
    granted: () => held.size,
    waiting: () => waiting.length,
    close() {
      closed = true;
      for (const waiter of waiting.splice(0)) waiter.settle(err(fault('closed', 'the scheduler was closed')));
      stopAsking();
    },
  };
};

const cancelled = () => fault('cancelled' as const, 'cancelled while waiting for a free core');
