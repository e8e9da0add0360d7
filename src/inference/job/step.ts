import { distrust, settleClaims, takeAnswer, unsettledAnswers } from './answers.ts';
import { dispatch } from './dispatch.ts';
import { breakPage, labelOf, pageCropped, pageOpened } from './pages.ts';
import {
  blameFor,
  type Draft,
  isEnded,
  type JobEffect,
  type JobEvent,
  type JobMachine,
  openDraft,
  say,
  setTask,
  stopAttempt,
  type World,
} from './state.ts';

/**
 * The whole life of a job: what happened, to what is to be done about it. Pure. Knows routing, checking and waiting;
 * doesn't know engines, links, timers or storage.
 */
export const step = (
  job: JobMachine,
  event: JobEvent,
  world: World,
): readonly [JobMachine, readonly JobEffect[]] => {
  if (isEnded(job)) return [job, []];
  const draft = openDraft(job, world);
  take(draft, event);
  endWait(draft);
  dispatch(draft);
  return [draft.job, draft.effects];
};

const take = (draft: Draft, event: JobEvent): void => {
  switch (event.kind) {
    case 'nudge':
      break;
    case 'page-opened':
      pageOpened(draft, event);
      break;
    case 'page-broken':
      breakPage(draft, event.page, event.reason);
      break;
    case 'page-cropped':
      pageCropped(draft, event);
      break;
    case 'answered':
      takeAnswer(draft, event.attempt, event.answer);
      break;
    case 'failed':
      attemptFailed(draft, event);
      break;
    case 'silent':
      for (const attempt of [...draft.attempts.values()]) {
        if (attempt.node !== event.node) continue;
        attemptFailed(draft, { attempt: attempt.id, reason: event.reason, ran: false });
        draft.effects.push({ kind: 'stop', attempt });
      }
      break;
    case 'distrusted':
      distrust(draft, event.node);
      break;
    case 'storage-failed':
      say(draft, `${event.reason}: the job goes on, but a reload would lose it`);
      break;
    case 'cancel':
      cancel(draft);
      break;
    default:
      event satisfies never;
  }
};

/** The task goes elsewhere at once; who failed at it is not asked again before the next back-off. */
const attemptFailed = (
  draft: Draft,
  { attempt: id, reason, ran }: Omit<Extract<JobEvent, { kind: 'failed' }>, 'kind'>,
): void => {
  const attempt = draft.attempts.get(id);
  if (!attempt) return;
  draft.attempts.delete(id);
  const task = draft.tasks.get(attempt.task);
  if (!task) return;
  const failures = task.failures + (ran ? 1 : 0);
  setTask(draft, task, { failures, avoid: [...task.avoid, attempt.node] });
  blameFor(draft, attempt.node, 'lost');
  const label = labelOf(task, draft);
  say(draft, `${draft.world.nameOf(attempt.node)} gave up ${label} (${reason}): it goes elsewhere`);
  draft.effects.push({ kind: 'count', what: 'reassigned' });
  if (failures >= draft.world.options.maxFailuresPerTask && task.status.phase === 'open') {
    breakPage(draft, task.page, `${failures} attempts at ${label} failed, the last one: ${reason}`);
  }
};

/** When a wait is over, everybody may be asked again. */
const endWait = (draft: Draft): void => {
  const { phase } = draft.job;
  if (phase.phase !== 'waiting' || draft.world.now < phase.retryAt) return;
  for (const task of [...draft.tasks.values()]) setTask(draft, task, { avoid: [] });
};

const cancel = (draft: Draft): void => {
  for (const attempt of [...draft.attempts.values()]) stopAttempt(draft, attempt);
  settleClaims(draft, unsettledAnswers(draft));
  say(draft, 'cancelled: what was read stays');
  draft.job.phase = { phase: 'cancelled' };
  draft.effects.push({ kind: 'ended' });
};
