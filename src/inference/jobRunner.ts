import type { JobId, PeerId } from '../core/brand.ts';
import { milliseconds } from '../core/brand.ts';
import type { SpanContext, Telemetry } from '../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../core/ports/timers.ts';
import { err } from '../core/result.ts';
import { type AttemptDeps, type AttemptOutcome, runAttempt } from './attempts.ts';
import type { WorkReceipt } from './contracts.ts';
import { inputBytes } from './cost.ts';
import {
  type Attempt,
  isEnded,
  type JobEffect,
  type JobEvent,
  type JobMachine,
  type Task,
  type World,
} from './job/state.ts';
import { step } from './job/step.ts';
import type { JobStore, StoredJob } from './jobStore.ts';
import { createJobTrace } from './jobTrace.ts';
import type { OcrEngine, OcrFault } from './ocr/types.ts';
import { createPageInputs } from './pageInputs.ts';
import type { AttemptEnd, PeerBook } from './peerBook.ts';

export interface JobRunner {
  readonly id: JobId;
  get(): JobMachine;
  send(event: JobEvent): void;
  /** One more write, in order with the job's own. */
  keep(write: () => Promise<void>): void;
  /** Resolves when everything that was to be written is written, or could not be. */
  flush(): Promise<void>;
  /** Stops without ending the job: another life of this tab may go on with it. */
  close(): void;
}

export type JobRunnerDeps = AttemptDeps & {
  readonly engine: OcrEngine;
  readonly store: JobStore;
  readonly timers: Timers;
  readonly telemetry: Telemetry;
  readonly book: PeerBook;
  readonly world: () => World;
  readonly getFile: (page: number) => Promise<Blob | undefined>;
  readonly settle: (claims: readonly WorkReceipt[]) => Promise<void>;
  readonly blame: (node: PeerId) => void;
  readonly silent: (node: PeerId, reason: string) => void;
  readonly count: (what: Extract<JobEffect, { kind: 'count' }>['what']) => void;
  readonly changed: (job: JobMachine) => void;
  /** A node has room again: other jobs may want it. */
  readonly freed: () => void;
  readonly ended: (job: JobMachine) => void;
};

const openTries = 3;

/**
 * Carries out what a job's state machine wants done, and tells it what happened. Holds the job's pixels while tasks
 * need them. Knows engine, calls, timers and storage; decides nothing.
 */
export const createJobRunner = (
  deps: JobRunnerDeps,
  initial: JobMachine,
  options: { readonly resumed: boolean },
): JobRunner => {
  const trace = createJobTrace(deps, initial, options);
  let job = initial;
  let stepping = false;
  let closed = false;
  let storing = true;
  let freed = false;
  let writes: Promise<void> = Promise.resolve();
  let cancelWake: CancelTimer | undefined;
  const queue: JobEvent[] = [];
  const pages = createPageInputs();
  const runningById = new Map<Attempt['id'], AbortController>();
  const whole = new AbortController();

  const send = (event: JobEvent): void => {
    if (closed) return;
    queue.push(event);
    // An effect may report at once; its event waits its turn.
    if (stepping) return;
    stepping = true;
    try {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const [after, effects] = step(job, next, deps.world());
        job = after;
        for (const effect of effects) execute(effect);
      }
    } finally {
      stepping = false;
    }
    deps.changed(job);
    if (!freed) return;
    freed = false;
    deps.freed();
  };
  const release = (attempt: Attempt, how: AttemptEnd): void => {
    deps.book.ended(attempt, how);
    freed = true;
  };

  const execute = (effect: JobEffect): void => {
    switch (effect.kind) {
      case 'open-page':
        void openPage(effect.page);
        break;
      case 'crop':
        void crop(effect);
        break;
      case 'release':
        pages.release(effect.page);
        break;
      case 'start':
        void start(effect.attempt, effect.task);
        break;
      case 'stop':
        runningById.get(effect.attempt.id)?.abort();
        runningById.delete(effect.attempt.id);
        trace.stopped(effect.attempt);
        release(effect.attempt, { kind: 'stopped' });
        break;
      case 'store':
        write(() => deps.store.putResult(job.id, effect.result));
        break;
      case 'forget':
        write(() => deps.store.deleteResult(job.id, effect.task));
        break;
      case 'vouch':
        for (const peer of [effect.a, effect.b]) if (peer !== deps.self.peer) deps.book.vouch(peer);
        break;
      case 'blame':
        deps.blame(effect.node);
        break;
      case 'settle':
        writes = writes.then(() => deps.settle(effect.claims));
        break;
      case 'wake':
        wake(effect.at);
        break;
      case 'count':
        deps.count(effect.what);
        break;
      case 'ended':
        end();
        break;
      default:
        effect satisfies never;
    }
  };

  /** In order, one after the other; the first that fails ends storing, and the job says so. */
  const write = (operation: () => Promise<void>): void => {
    writes = writes.then(async () => {
      if (!storing) return;
      try {
        await operation();
      } catch (cause) {
        storing = false;
        const reason = cause instanceof Error ? cause.message : String(cause);
        send({ kind: 'storage-failed', reason: `results can't be stored here (${reason})` });
      }
    });
  };

  const wake = (at: number): void => {
    cancelWake?.();
    const delay = Math.max(1, at - deps.clock.monotonic());
    cancelWake = deps.timers.after(milliseconds(delay), () => send({ kind: 'nudge' }));
  };

  const start = async (attempt: Attempt, task: Task): Promise<void> => {
    const controller = new AbortController();
    runningById.set(attempt.id, controller);
    deps.book.started(attempt, task);
    const span = trace.started(attempt, task);
    const outcome = await attemptTask(attempt, task, controller.signal, span).catch(toFailure);
    // Stopped in the meantime: whoever stopped it has said so.
    if (!runningById.delete(attempt.id)) return;
    trace.ended(attempt, task, outcome);
    if (outcome.ok) {
      const { answer, receivedAt } = outcome.value;
      release(attempt, { kind: 'answered', task, receivedAt });
      send({ kind: 'answered', attempt: attempt.id, answer });
    } else {
      const { end, ran, message } = outcome.error;
      release(attempt, { kind: end });
      send({ kind: 'failed', attempt: attempt.id, reason: message, ran });
      if (end === 'silent') deps.silent(attempt.node, message);
    }
  };

  const attemptTask = async (
    attempt: Attempt,
    task: Task,
    signal: AbortSignal,
    span: SpanContext,
  ): Promise<AttemptOutcome> => {
    const common = { job: job.id, unit: task.id, attempt, signal, trace: span };
    if (task.kind === 'ocr.detect') {
      const input = pages.detectInput(task.page);
      return runAttempt(deps, { ...common, kind: 'ocr.detect', input });
    }
    return runAttempt(deps, { ...common, kind: 'ocr.recognize', input: pages.lines(task) });
  };

  const openPage = async (page: number): Promise<void> => {
    const opened = await trace.step('page.open', page, (span) =>
      withFile(page, (file) =>
        deps.engine.openPage(file, { signal: whole.signal, urgent: true, trace: span }),
      ),
    );
    if (!opened) return;
    if (!opened.ok) {
      send({ kind: 'page-broken', page, reason: opened.error.message });
      return;
    }
    const { width, height, frames, detectInput } = opened.value;
    pages.hold(page, detectInput);
    send({
      kind: 'page-opened',
      page,
      width,
      height,
      frames,
      inputWidth: detectInput.image.width,
      inputHeight: detectInput.image.height,
      bytes: inputBytes('ocr.detect', detectInput),
    });
  };

  const crop = async ({
    page,
    generation,
    lines,
    quads,
  }: Extract<JobEffect, { kind: 'crop' }>): Promise<void> => {
    const cropped = await trace.step('page.crop', page, (span) =>
      withFile(page, (file) =>
        deps.engine.cropLines(file, quads, { signal: whole.signal, urgent: true, trace: span }),
      ),
    );
    if (!cropped) return;
    if (!cropped.ok) {
      send({ kind: 'page-broken', page, reason: cropped.error.message });
      return;
    }
    const images = cropped.value;
    pages.holdLines(page, generation, lines, images);
    send({
      kind: 'page-cropped',
      page,
      generation,
      lines: images.map(({ width, height, data }, at) => ({
        index: lines[at] ?? 0,
        width,
        pixels: width * height,
        bytes: data.byteLength,
      })),
    });
  };

  /** Tries again when the device's worker died over it; undefined once the job is over. */
  const withFile = async <T>(
    page: number,
    use: (file: Blob) => Promise<{ ok: true; value: T } | { ok: false; error: OcrFault }>,
  ) => {
    const file = await deps.getFile(page);
    for (let tries = 1; ; tries++) {
      if (closed || isEnded(job)) return undefined;
      if (!file) return { ok: false, error: { message: 'its file is no longer stored here' } } as const;
      const result = await use(file);
      if (closed || isEnded(job)) return undefined;
      const again = !result.ok && (result.error.code === 'runtime' || result.error.code === 'cancelled');
      if (!again || tries >= openTries) return result;
    }
  };

  const end = (): void => {
    write(() => deps.store.putJob(toStoredJob(job)));
    stopAll();
    trace.finished(job.phase);
    deps.ended(job);
  };
  const stopAll = (): void => {
    cancelWake?.();
    whole.abort();
    for (const controller of runningById.values()) controller.abort();
    runningById.clear();
    pages.clear();
  };

  return {
    id: initial.id,
    get: () => job,
    send,
    keep: write,
    flush: () => writes,
    close() {
      closed = true;
      for (const attempt of job.attempts.values()) deps.book.ended(attempt, { kind: 'stopped' });
      stopAll();
      trace.close();
    },
  };
};

/** A bug below must not hang the job: the task goes elsewhere, and the log has the bug. */
const toFailure = (cause: unknown): AttemptOutcome =>
  err({
    code: 'failed',
    message: `this device's code failed: ${cause instanceof Error ? cause.message : String(cause)}`,
    end: 'failed',
    ran: true,
  });

export const toStoredJob = (job: JobMachine): StoredJob => ({
  v: 1,
  id: job.id,
  kind: 'ocr',
  createdAt: job.createdAt,
  audience: job.audience,
  pages: job.pages.map(({ name }) => ({ name })),
  end: job.phase.phase === 'running' || job.phase.phase === 'waiting' ? { phase: 'unfinished' } : job.phase,
});
