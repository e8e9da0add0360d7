import type { Clock } from '../core/ports/clock.ts';
import type { Span, SpanContext, Telemetry } from '../core/ports/telemetry.ts';
import type { Fault, Result } from '../core/result.ts';
import type { AttemptOutcome } from './attempts.ts';
import type { Attempt, JobMachine, Task } from './job/state.ts';

/** What telemetry hears of one job: its trace, from here to every node that works for it, and its numbers. */
export interface JobTrace {
  started(attempt: Attempt, task: Task): SpanContext;
  stopped(attempt: Attempt): void;
  ended(attempt: Attempt, task: Task, outcome: AttemptOutcome): void;
  /** A part of the job that no node is asked for. */
  step<T extends Result<unknown, Pick<Fault, 'message'>> | undefined>(
    name: string,
    page: number,
    run: (span: SpanContext) => Promise<T>,
  ): Promise<T>;
  finished(phase: JobMachine['phase']): void;
  /** This page's life ends before the job does: what goes on later is another trace with the same job. */
  close(): void;
}

/**
 * The root span carries `job`: by it a job's traces are found, as many as there were lives of its page. Doesn't know what is
 * measured elsewhere (calls, workers).
 */
export const createJobTrace = (
  deps: { readonly telemetry: Telemetry; readonly clock: Clock; readonly self: { readonly peer: string } },
  job: JobMachine,
  { resumed }: { readonly resumed: boolean },
): JobTrace => {
  const { telemetry, clock } = deps;
  const startedAt = clock.monotonic();
  const root = telemetry.span('job', { fields: { job: job.id, pages: job.pages.length, resumed } });
  const spansByAttempt = new Map<Attempt['id'], Span>();
  let over = false;

  const take = (attempt: Attempt): Span | undefined => {
    const span = spansByAttempt.get(attempt.id);
    spansByAttempt.delete(attempt.id);
    return span;
  };
  const conclude = (outcome: string, failure?: string): void => {
    if (over) return;
    over = true;
    for (const span of spansByAttempt.values()) endAs(span, 'stopped');
    spansByAttempt.clear();
    root.set({ outcome });
    root.end(failure);
  };

  return {
    started(attempt, task) {
      const span = telemetry.span('task', { parent: root.context, fields: describe(attempt, task) });
      spansByAttempt.set(attempt.id, span);
      return span.context;
    },
    stopped(attempt) {
      const span = take(attempt);
      if (span) endAs(span, 'stopped');
    },
    ended(attempt, task, outcome) {
      const how = outcome.ok ? 'answered' : outcome.error.end;
      telemetry.count('inference_tasks_total', 1, { kind: task.kind, outcome: how });
      if (outcome.ok) {
        const where = attempt.node === deps.self.peer ? 'here' : 'peer';
        const seconds = (clock.monotonic() - attempt.startedAt) / 1_000;
        telemetry.observe('inference_task_seconds', seconds, { kind: task.kind, where });
      }
      const span = take(attempt);
      // To decline is no failure: the node has said what it can't do.
      if (span) endAs(span, how, how === 'failed' || how === 'silent' ? failureOf(outcome) : undefined);
    },
    async step(name, page, run) {
      const span = telemetry.span(name, { parent: root.context, fields: { page } });
      const result = await run(span.context);
      span.end(result === undefined || result.ok || over ? undefined : result.error.message);
      return result;
    },
    finished(phase) {
      telemetry.count('inference_jobs_total', 1, { outcome: phase.phase });
      if (!resumed) telemetry.observe('inference_job_seconds', (clock.monotonic() - startedAt) / 1_000);
      conclude(phase.phase, phase.phase === 'failed' ? phase.reason : undefined);
    },
    close: () => conclude('left'),
  };
};

const describe = (attempt: Attempt, task: Task) => ({
  kind: task.kind,
  peer: attempt.node,
  task: task.id,
  page: task.page,
  attempt: attempt.id,
  purpose: attempt.purpose,
  expectedMs: attempt.expectedMs,
});

const endAs = (span: Span, outcome: string, failure?: string): void => {
  span.set({ outcome });
  span.end(failure);
};

const failureOf = (outcome: AttemptOutcome): string | undefined =>
  outcome.ok ? undefined : outcome.error.message;
