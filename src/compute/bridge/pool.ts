import type { Milliseconds } from '../../core/brand.ts';
import type { Unsubscribe } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Span, Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import type { PoolCallOptions, PoolError, WorkerPool } from '../contracts.ts';
import type { WorkerHandle } from '../ports.ts';

export type WorkerPoolDeps<Api> = {
  spawn(): WorkerHandle<Api>;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
};

export type WorkerPoolOptions = {
  readonly name: string;
  readonly size: number;
  /** A worker without work ends after this time; the next call starts a new one. */
  readonly idleAfter: Milliseconds;
  /** How long a cancelled call may go on before its worker is ended: a WASM run can't be interrupted otherwise. */
  readonly abortGrace: Milliseconds;
};

/** Thrown by a call that found its worker broken (a dead heap, a lost device): it is replaced, the call fails. */
export class WorkerUnusable extends Error {
  override readonly name = 'WorkerUnusable';
}

/**
 * Knows workers' lives and the order of calls; doesn't know what a call does, nor that comlink carries it. Every
 * call settles exactly once, whatever its worker does, and at once when it is cancelled.
 */
export const createWorkerPool = <Api>(
  deps: WorkerPoolDeps<Api>,
  options: WorkerPoolOptions,
): WorkerPool<Api> => {
  const seats = new Set<Seat<Api>>();
  const waiting: Call<Api>[] = [];
  let size = Math.max(1, options.size);
  let closed = false;

  const pump = (): void => {
    if (closed) return;
    for (const seat of seats) {
      if (!seat.busy && seats.size > size) endSeat(seat);
    }
    for (;;) {
      const idle = [...seats].find((seat) => !seat.busy);
      if (!idle && seats.size >= size) return;
      const call = waiting.shift();
      if (!call) return;
      const seat = idle ?? startSeat(call);
      if (seat) begin(seat, call);
    }
  };

  const countSeats = () => deps.telemetry.gauge('workers_running', seats.size, { pool: options.name });

  const startSeat = (call: Call<Api>): Seat<Api> | undefined => {
    let handle: WorkerHandle<Api>;
    try {
      handle = deps.spawn();
    } catch (cause) {
      call.settle(err(fault('worker-crashed', `${options.name}: could not start: ${say(cause)}`)));
      return undefined;
    }
    const seat: Seat<Api> = { handle, busy: false, release: [], idle: undefined, crash: undefined };
    seats.add(seat);
    seat.release.push(handle.ended((reason) => crash(seat, reason)));
    deps.telemetry.count('workers_started_total', 1, { pool: options.name });
    countSeats();
    return seat;
  };

  const endSeat = (seat: Seat<Api>): void => {
    if (!seats.delete(seat)) return;
    countSeats();
    seat.idle?.();
    for (const release of seat.release) release();
    seat.handle.terminate();
  };

  const crash = (seat: Seat<Api>, reason: string): void => {
    deps.telemetry.log('warn', `pool.${options.name}`, `a worker died: ${reason}`);
    deps.telemetry.count('workers_crashed_total', 1, { pool: options.name });
    endSeat(seat);
    seat.crash?.(fault('worker-crashed', `${options.name}: a worker died: ${reason}`));
    pump();
  };

  const begin = (seat: Seat<Api>, call: Call<Api>): void => {
    seat.busy = true;
    seat.idle?.();
    seat.idle = undefined;
    runOnSeat(deps, options, seat, call, {
      freed() {
        seat.busy = false;
        if (!seats.has(seat)) return;
        seat.idle = deps.timers.after(options.idleAfter, () => endSeat(seat));
        pump();
      },
      lost() {
        endSeat(seat);
        pump();
      },
    });
  };

  return {
    call: (run, callOptions) =>
      new Promise((resolve) => {
        if (closed) return resolve(err(fault('closed', `${options.name}: is closed`)));
        const { trace } = callOptions;
        const span = trace && deps.telemetry.span(options.name, { parent: trace });
        const call = createCall(run, callOptions, span, resolve, (dropped) => {
          const index = waiting.indexOf(dropped);
          if (index >= 0) waiting.splice(index, 1);
        });
        if (call.settled()) return;
        enqueue(waiting, call);
        pump();
      }),
    load: () => ({
      workers: seats.size,
      running: [...seats].filter((seat) => seat.busy).length,
      waiting: waiting.length,
    }),
    resize(next) {
      size = Math.max(1, next);
      pump();
    },
    async close() {
      closed = true;
      const reason = fault('closed' as const, `${options.name}: was closed`);
      for (const call of waiting.splice(0)) call.settle(err(reason));
      for (const seat of [...seats]) {
        endSeat(seat);
        seat.crash?.(reason);
      }
    },
  };
};

type Seat<Api> = {
  readonly handle: WorkerHandle<Api>;
  busy: boolean;
  readonly release: Unsubscribe[];
  idle: CancelTimer | undefined;
  /** Ends the call in flight, if any. */
  crash: ((reason: PoolError) => void) | undefined;
};

type Call<Api> = {
  readonly run: (api: Api) => Promise<unknown>;
  readonly options: PoolCallOptions;
  readonly span: Span | undefined;
  /** The first settlement counts. */
  settle(result: Result<unknown, PoolError>): void;
  settled(): boolean;
  /** What the abort signal does while the call runs; while it waits, the call is dropped. */
  onAbort: (() => void) | undefined;
};

const createCall = <Api, T>(
  run: (api: Api) => Promise<T>,
  options: PoolCallOptions,
  span: Span | undefined,
  resolve: (result: Result<T, PoolError>) => void,
  drop: (call: Call<Api>) => void,
): Call<Api> => {
  let settled = false;
  const abort = (): void => {
    drop(call);
    call.onAbort?.();
    call.settle(err(fault('cancelled', 'the call was cancelled')));
  };
  const call: Call<Api> = {
    run,
    options,
    span,
    onAbort: undefined,
    settled: () => settled,
    settle(result) {
      if (settled) return;
      settled = true;
      endSpan(span, result);
      options.signal?.removeEventListener('abort', abort);
      // `run` is the only source of values and gives a T; the queue holds calls of many T.
      resolve(result as Result<T, PoolError>);
    },
  };
  if (options.signal?.aborted) abort();
  else options.signal?.addEventListener('abort', abort, { once: true });
  return call;
};

/** Urgent calls go before the rest, and keep their order among themselves. */
const enqueue = <Api>(waiting: Call<Api>[], call: Call<Api>): void => {
  const firstPatient = call.options.urgent ? waiting.findIndex((other) => !other.options.urgent) : -1;
  if (firstPatient < 0) waiting.push(call);
  else waiting.splice(firstPatient, 0, call);
};

/** One call on one worker: `freed` if the worker can take the next, `lost` if it has to be replaced. */
const runOnSeat = <Api>(
  deps: WorkerPoolDeps<Api>,
  options: WorkerPoolOptions,
  seat: Seat<Api>,
  call: Call<Api>,
  outcome: { freed(): void; lost(): void },
): void => {
  const startedAt = deps.clock.monotonic();
  const stopTimes = call.span && followTimes(deps.telemetry, seat, call.span);
  call.span?.event('began');
  let over = false;
  let cancelTimer: CancelTimer = () => {};
  const finish = (outcome: CallOutcome, next: (() => void) | undefined): void => {
    if (over) return;
    over = true;
    cancelTimer();
    stopSigns();
    stopTimes?.();
    call.onAbort = undefined;
    seat.crash = undefined;
    const seconds = (deps.clock.monotonic() - startedAt) / 1000;
    deps.telemetry.observe('worker_call_seconds', seconds, { pool: options.name, outcome });
    deps.telemetry.count('worker_busy_seconds_total', seconds, { pool: options.name });
    next?.();
  };
  const stuck = (): void => {
    const limit = `${call.options.watchdog / 1000} s`;
    deps.telemetry.log(
      'warn',
      `pool.${options.name}`,
      `a worker gave no sign of life for ${limit}: replaced`,
    );
    deps.telemetry.count('workers_stuck_total', 1, { pool: options.name });
    finish('worker-stuck', outcome.lost);
    call.settle(err(fault('worker-stuck', `${options.name}: no sign of life within ${limit}`)));
  };
  const watch = (): void => {
    cancelTimer();
    cancelTimer = deps.timers.after(call.options.watchdog, stuck);
  };
  const stopSigns = seat.handle.signs(() => {
    if (!over && !call.settled()) watch();
  });
  watch();
  call.onAbort = () => {
    seat.handle.abort();
    cancelTimer();
    cancelTimer = deps.timers.after(options.abortGrace, () => finish('cancelled', outcome.lost));
  };
  seat.crash = (reason) => {
    finish(reason.code, undefined);
    call.settle(err(reason));
  };
  const conclude = (result: Result<unknown, PoolError>, unusable: boolean): void => {
    if (over) return;
    finish(result.ok ? 'ok' : result.error.code, unusable ? outcome.lost : outcome.freed);
    call.settle(result);
  };
  new Promise((start) => start(call.run(seat.handle.api))).then(
    (value) => conclude(ok(value), false),
    (cause) => conclude(err(fault('failed', say(cause))), cause instanceof WorkerUnusable),
  );
};

type CallOutcome = PoolError['code'] | 'ok';

/** What the worker says of its own time, while this call is on it. */
const followTimes = <Api>(telemetry: Telemetry, seat: Seat<Api>, span: Span): Unsubscribe | undefined =>
  seat.handle.ran?.(({ method, ms }) =>
    telemetry.span(method, { parent: span.context, where: 'worker', agoMs: ms }).end(),
  );

const endSpan = (span: Span | undefined, result: Result<unknown, PoolError>): void => {
  if (!span) return;
  span.set({ outcome: result.ok ? 'ok' : result.error.code });
  const wanted = !result.ok && result.error.code !== 'cancelled' && result.error.code !== 'closed';
  span.end(wanted ? result.error.message : undefined);
};

const say = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
