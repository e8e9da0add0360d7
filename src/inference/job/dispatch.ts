import { milliseconds, type PeerId } from '../../core/brand.ts';
import { backoffDelay } from '../../resilience/index.ts';
import { type Candidate, choosePeer, type Routing, type RoutingContext } from '../choosePeer.ts';
import { settleClaims, settleWithoutProof, unsettledAnswers } from './answers.ts';
import { advancePages, hasInput, isPageRead, labelOf } from './pages.ts';
import {
  type Attempt,
  attemptsAt,
  type Draft,
  isEnded,
  needsOpinion,
  say,
  setTask,
  stopAttempt,
  type Task,
} from './state.ts';

/** Candidates with the tasks given (or reserved) in this step counted in. */
type Load = Map<PeerId, Candidate>;

/** Gives out what can be given, plans the next look, and ends the job when nothing is left. */
export const dispatch = (draft: Draft): void => {
  if (isEnded(draft.job)) return;
  const load: Load = new Map(draft.world.candidates.map((candidate) => [candidate.peer, candidate]));
  advancePages(draft);
  askForOpinions(draft, load);
  const stuck = assignOpenTasks(draft, load);
  // A check that nobody could make may have been the last thing a page waited for.
  advancePages(draft);
  if (endIfComplete(draft)) return;
  hedgeStragglers(draft, load);
  if (endIfComplete(draft)) return;
  const retryAt = waitIfStuck(draft, stuck);
  scheduleWake(draft, retryAt);
};

const routing = (draft: Draft, avoid: readonly PeerId[], task: Task): RoutingContext => ({
  avoid,
  alone: draft.job.audience === 'alone',
  model: draft.world.models[task.kind],
});

/** Returns why nobody can do a task, if that is so for one. */
const assignOpenTasks = (draft: Draft, load: Load): string | undefined => {
  let stuck: string | undefined;
  for (const task of [...draft.tasks.values()]) {
    const page = draft.job.pages[task.page];
    if (!page || page.failure !== undefined || task.status.phase !== 'open') continue;
    if (!hasInput(page, task) || attemptsAt(draft, task.id).length > 0) continue;
    const choice = choosePeer(task, [...load.values()], routing(draft, task.avoid, task));
    if (choice.choice === 'nobody') stuck ??= choice.reason;
    else give(draft, load, task, choice, 'answer');
  }
  return stuck;
};

const give = (
  draft: Draft,
  load: Load,
  task: Task,
  routed: Exclude<Routing, { choice: 'nobody' }>,
  purpose: Attempt['purpose'],
): void => {
  const { candidate } = routed;
  load.set(candidate.peer, { ...candidate, outstanding: candidate.outstanding + 1 });
  if (routed.choice === 'busy') return;
  const id = draft.job.nextAttempt++;
  const { now } = draft.world;
  const attempt: Attempt = {
    id,
    task: task.id,
    node: candidate.peer,
    purpose,
    startedAt: now,
    expectedMs: routed.expectedMs,
  };
  draft.attempts.set(id, attempt);
  draft.effects.push({ kind: 'start', attempt, task });
};

const askForOpinions = (draft: Draft, load: Load): void => {
  for (const task of [...draft.tasks.values()]) {
    const page = draft.job.pages[task.page];
    if (!page || page.failure !== undefined || !needsOpinion(task)) continue;
    if (!hasInput(page, task) || attemptsAt(draft, task.id).length > 0) continue;
    const choice = chooseOpinion(draft, load, task);
    if (choice) give(draft, load, task, choice, 'opinion');
    else goWithoutOpinion(draft, task);
  }
};

/**
 * Who recomputes an answer. A check goes to somebody of another account (two tabs of one liar would confirm each other),
 * else to this device; but a node that nobody has checked yet is checked by one who is known: this device
 * or a node with confirmed answers. A dispute goes to this device first, because its own answer needs no trust.
 */
const chooseOpinion = (
  draft: Draft,
  load: Load,
  task: Task,
): Exclude<Routing, { choice: 'nobody' }> | undefined => {
  const involved = opinionAuthors(task);
  const accounts = involved.map(({ account }) => account);
  const peers = involved.map(({ peer }) => peer);
  const all = [...load.values()];
  const others = all.filter(({ self, account }) => !self && !accounts.includes(account));
  const own = all.filter(({ self }) => self);
  const known = others.filter(({ verified }) => verified > 0);
  const [author] = peers;
  const unproven = author !== undefined && draft.world.verifiedCount(author) === 0;
  const disputed = peers.length > 1;
  const tiers = disputed || unproven ? [own, known, others] : [others, own];
  for (const tier of tiers) {
    const choice = choosePeer(task, tier, routing(draft, [...task.avoid, ...peers], task));
    if (choice.choice !== 'nobody') return choice;
  }
  return undefined;
};

const opinionAuthors = ({ status }: Task) => {
  if (status.phase !== 'answered') return [];
  const { answer, verdict } = status;
  return verdict.phase === 'disputed' ? [answer.author, verdict.second.author] : [answer.author];
};

const goWithoutOpinion = (draft: Draft, task: Task): void => {
  if (task.status.phase !== 'answered') return;
  const { answer, verdict } = task.status;
  if (verdict.phase === 'disputed') {
    settleWithoutProof(draft, task, [answer, verdict.second]);
    return;
  }
  const text = `nobody else is here who could check the work of ${answer.author.name}`;
  if (!draft.job.log.some((entry) => entry.text === text)) say(draft, text);
  setTask(draft, task, {
    status: { phase: 'answered', answer, verdict: { phase: 'unchecked', skipped: true } },
  });
};

/** A second node starts on what takes too long, if one is idle: the first valid answer stands. */
const hedgeStragglers = (draft: Draft, load: Load): void => {
  const { now } = draft.world;
  for (const attempt of [...draft.attempts.values()]) {
    const task = draft.tasks.get(attempt.task);
    const rivals = attemptsAt(draft, attempt.task);
    if (!task || rivals.length > 1 || now < hedgeAt(draft, attempt)) continue;
    const avoid = [
      ...task.avoid,
      ...rivals.map(({ node }) => node),
      ...opinionAuthors(task).map(({ peer }) => peer),
    ];
    const context = { ...routing(draft, avoid, task), idleOnly: true };
    const choice = choosePeer(task, [...load.values()], context);
    if (choice.choice !== 'peer') {
      giveUpOpinion(draft, task, attempt);
      continue;
    }
    const slow = draft.world.nameOf(attempt.node);
    say(draft, `${slow} is slow with ${labelOf(task, draft)}: ${choice.candidate.name} starts on it too`);
    draft.effects.push({ kind: 'count', what: 'hedged' });
    give(draft, load, task, choice, attempt.purpose);
  }
};

/** Nobody else can give this opinion, and its node takes for ever: the answer it was to confirm stands without it. */
const giveUpOpinion = (draft: Draft, task: Task, attempt: Attempt): void => {
  const { now, options } = draft.world;
  if (attempt.purpose !== 'opinion' || now - attempt.startedAt < options.opinionPatience) return;
  stopAttempt(draft, attempt);
  goWithoutOpinion(draft, task);
};

const hedgeAt = ({ world }: Draft, { startedAt, expectedMs }: Attempt) =>
  milliseconds(startedAt + Math.max(world.options.hedgeFactor * expectedMs, world.options.hedgeFloor));

/** Nothing runs and nobody is there: wait, longer each time, until the wait is over or somebody comes. */
const waitIfStuck = (draft: Draft, stuck: string | undefined) => {
  const { job, world } = draft;
  const loading = job.pages.some(({ input, cropping }) => input === 'opening' || cropping);
  if (stuck === undefined || draft.attempts.size > 0 || loading) {
    if (job.phase.phase === 'waiting') job.phase = { phase: 'running' };
    return undefined;
  }
  if (job.phase.phase === 'waiting' && job.phase.retryAt > world.now) return job.phase.retryAt;
  const retryAt = milliseconds(world.now + backoffDelay(world.options.backoff, job.waits));
  job.waits++;
  job.phase = { phase: 'waiting', reason: stuck, retryAt };
  say(draft, `waiting: ${stuck}`);
  return retryAt;
};

const scheduleWake = (draft: Draft, retryAt: number | undefined): void => {
  const { now, options } = draft.world;
  const moments = [...draft.attempts.values()].map((attempt) => {
    const at = hedgeAt(draft, attempt);
    // Overdue already and nobody was idle: look again later.
    return at > now ? at : now + options.hedgeFloor;
  });
  if (retryAt !== undefined) moments.push(milliseconds(retryAt));
  if (moments.length > 0) draft.effects.push({ kind: 'wake', at: milliseconds(Math.min(...moments)) });
};

/** Ends the job when every page is read or failed, after one last look at newcomers that nobody has checked. */
const endIfComplete = (draft: Draft): boolean => {
  const { job } = draft;
  if (!job.pages.every((page) => page.failure !== undefined || isPageRead(draft, page))) return false;
  if (sampleUnproven(draft)) {
    dispatch(draft);
    return true;
  }
  settleClaims(draft, unsettledAnswers(draft));
  const failed = job.pages.filter(({ failure }) => failure !== undefined);
  const [first] = failed;
  job.phase =
    first && failed.length === job.pages.length
      ? { phase: 'failed', reason: first.failure ?? 'no page could be read' }
      : { phase: 'done', wallMs: milliseconds(draft.world.now - job.startedAt) };
  draft.effects.push({ kind: 'ended' });
  return true;
};

/** One answer, drawn now, of every stranger whose word is all we have. Our own other devices are no strangers. */
const sampleUnproven = (draft: Draft): boolean => {
  const tasksByAuthor = new Map<PeerId, Task[]>();
  const proven = new Set<PeerId>([draft.world.self]);
  for (const task of draft.tasks.values()) {
    if (task.status.phase !== 'answered' || draft.job.pages[task.page]?.failure !== undefined) continue;
    const { answer, verdict } = task.status;
    const { author } = answer;
    const { peer } = author;
    if (author.account === draft.world.selfAccount) proven.add(peer);
    if (draft.world.verifiedCount(peer) > 0 || verdict.phase === 'settled') proven.add(peer);
    // Asked before, and nobody could: asking again would never end.
    if (verdict.phase === 'unchecked' && verdict.skipped) proven.add(peer);
    tasksByAuthor.set(peer, [...(tasksByAuthor.get(peer) ?? []), task]);
  }
  let sampled = false;
  for (const [peer, tasks] of tasksByAuthor) {
    const task = tasks[Math.floor(draft.world.draw() * tasks.length)];
    if (proven.has(peer) || task?.status.phase !== 'answered') continue;
    sampled = true;
    const { answer } = task.status;
    setTask(draft, task, { status: { phase: 'answered', answer, verdict: { phase: 'wanted' } } });
  }
  return sampled;
};
