/**
 * A job as a value: pages, tasks, attempts, answers and what is known of their truth. Changed by `step` alone, which
 * is pure; everything it wants done is an effect for the driver.
 */
import type { AccountId, JobId, Milliseconds, PeerId, Sha256, TaskId } from '../../core/brand.ts';
import type { Candidate } from '../choosePeer.ts';
import type { InferenceRequest, TaskKind, WorkReceipt } from '../contracts.ts';
import type { StoredAuthor, StoredResult } from '../jobStore.ts';
import type { DetectOutput, Quad, RecognizedLine } from '../ocr/types.ts';

export type AnswerValue =
  | { readonly kind: 'ocr.detect'; readonly output: DetectOutput }
  | { readonly kind: 'ocr.recognize'; readonly lines: readonly RecognizedLine[] };

export type Answer = {
  readonly author: StoredAuthor;
  readonly value: AnswerValue;
  /** Half-signed; undefined once settled, and for work inside one account. */
  readonly claim: WorkReceipt | undefined;
};

/** What is known of an accepted answer's truth. */
export type Verdict =
  /** Nobody recomputed it. `skipped`: it was to be checked, but nobody could. */
  | { readonly phase: 'unchecked'; readonly skipped: boolean }
  | { readonly phase: 'wanted' }
  /** Two opinions differ; a third decides. */
  | { readonly phase: 'disputed'; readonly second: Answer }
  /** `by` is undefined where this device's own answer replaced a wrong one. */
  | { readonly phase: 'settled'; readonly by: PeerId | undefined };

export type Task = {
  readonly id: TaskId;
  readonly kind: TaskKind;
  readonly page: number;
  /** Indices of the page's quads; empty for detection. */
  readonly lines: readonly number[];
  readonly pixels: number;
  readonly bytes: number;
  readonly status:
    | { readonly phase: 'open' }
    | { readonly phase: 'answered'; readonly answer: Answer; readonly verdict: Verdict };
  /** Nodes that failed at it since the last back-off. */
  readonly avoid: readonly PeerId[];
  /** Times somebody ran it and it failed: a task that fails everywhere fails its page, not for ever. */
  readonly failures: number;
};

export type Attempt = {
  readonly id: number;
  readonly task: TaskId;
  readonly node: PeerId;
  /** An answer, or a second or third opinion on one: the worker is not told which. */
  readonly purpose: 'answer' | 'opinion';
  readonly startedAt: Milliseconds;
  readonly expectedMs: Milliseconds;
};

export type Page = {
  readonly index: number;
  readonly name: string;
  readonly detect: TaskId;
  /** Whether the driver holds the detector's input. */
  readonly input: 'absent' | 'opening' | 'held';
  readonly size:
    | {
        readonly width: number;
        readonly height: number;
        readonly inputWidth: number;
        readonly inputHeight: number;
      }
    | undefined;
  /** Page pixels; undefined until detection is answered. */
  readonly quads: readonly Quad[] | undefined;
  /** Line images that the driver holds. */
  readonly crops: readonly number[];
  readonly cropping: boolean;
  /** Counts detections that were thrown away: line images cut for an older one must not be used. */
  readonly generation: number;
  /** Lines that no task covers yet. */
  readonly unplanned: readonly number[];
  readonly reads: readonly TaskId[];
  readonly failure: string | undefined;
};

export type JobPhase =
  | { readonly phase: 'running' }
  | { readonly phase: 'waiting'; readonly reason: string; readonly retryAt: Milliseconds }
  | { readonly phase: 'done'; readonly wallMs: Milliseconds }
  | { readonly phase: 'cancelled' }
  | { readonly phase: 'failed'; readonly reason: string };

export type Loss = { readonly peer: PeerId; readonly lost: number; readonly wrong: number };

export type JobMachine = {
  readonly id: JobId;
  readonly audience: InferenceRequest['audience'];
  readonly createdAt: number;
  readonly startedAt: Milliseconds;
  readonly phase: JobPhase;
  readonly pages: readonly Page[];
  readonly tasks: ReadonlyMap<TaskId, Task>;
  readonly attempts: ReadonlyMap<number, Attempt>;
  readonly nextAttempt: number;
  /** Back-offs since the last accepted answer. */
  readonly waits: number;
  readonly losses: ReadonlyMap<PeerId, Loss>;
  /** Work whose ground fell (its page's boxes were wrong): paid at the end, unless its author proves wrong too. */
  readonly owed: readonly Answer[];
  /** `task/account` of what was paid: one receipt per unit and worker, even if the work is done again. */
  readonly paid: ReadonlySet<string>;
  readonly log: readonly { readonly at: number; readonly text: string }[];
};

export type JobEvent =
  | { readonly kind: 'nudge' }
  | {
      readonly kind: 'page-opened';
      readonly page: number;
      readonly width: number;
      readonly height: number;
      readonly inputWidth: number;
      readonly inputHeight: number;
      readonly bytes: number;
      /** Of an animation only the first is read. */
      readonly frames: number;
    }
  | { readonly kind: 'page-broken'; readonly page: number; readonly reason: string }
  | {
      readonly kind: 'page-cropped';
      readonly page: number;
      readonly generation: number;
      readonly lines: readonly {
        readonly index: number;
        readonly width: number;
        readonly pixels: number;
        readonly bytes: number;
      }[];
    }
  | { readonly kind: 'answered'; readonly attempt: number; readonly answer: Answer }
  | {
      readonly kind: 'failed';
      readonly attempt: number;
      readonly reason: string;
      /** Somebody ran the task and it failed, as opposed to never getting there. */
      readonly ran: boolean;
    }
  /** A node shows no sign of life: everything it has goes elsewhere, not only the task that noticed. */
  | { readonly kind: 'silent'; readonly node: PeerId; readonly reason: string }
  /** A node's answers proved wrong somewhere. */
  | { readonly kind: 'distrusted'; readonly node: PeerId }
  | { readonly kind: 'storage-failed'; readonly reason: string }
  | { readonly kind: 'cancel' };

export type JobEffect =
  | { readonly kind: 'open-page'; readonly page: number }
  | {
      readonly kind: 'crop';
      readonly page: number;
      readonly generation: number;
      readonly lines: readonly number[];
      readonly quads: readonly Quad[];
    }
  /** The inputs of a page that needs no more work. */
  | { readonly kind: 'release'; readonly page: number }
  | { readonly kind: 'start'; readonly attempt: Attempt; readonly task: Task }
  | { readonly kind: 'stop'; readonly attempt: Attempt }
  | { readonly kind: 'store'; readonly result: StoredResult }
  | { readonly kind: 'forget'; readonly task: TaskId }
  /** Two nodes gave the same answer. */
  | { readonly kind: 'vouch'; readonly a: PeerId; readonly b: PeerId }
  | { readonly kind: 'blame'; readonly node: PeerId; readonly task: TaskId }
  | { readonly kind: 'settle'; readonly claims: readonly WorkReceipt[] }
  | { readonly kind: 'wake'; readonly at: Milliseconds }
  | { readonly kind: 'count'; readonly what: 'reassigned' | 'hedged' | 'checked' | 'accepted' }
  | { readonly kind: 'ended' };

export type JobOptions = {
  /** Share of answers that are recomputed elsewhere. */
  readonly checkShare: number;
  /** The same for a node none of whose answers was checked yet. */
  readonly newcomerCheckShare: number;
  /** How long an opinion that nobody else can give is waited for. */
  readonly opinionPatience: Milliseconds;
  readonly hedgeFloor: Milliseconds;
  readonly hedgeFactor: number;
  readonly backoff: readonly [Milliseconds, ...Milliseconds[]];
  readonly maxFailuresPerTask: number;
  readonly linesPerTask: number;
};

/** What a step may look at besides the job itself; a snapshot, so that a step stays a function. */
export type World = {
  readonly now: Milliseconds;
  readonly wall: number;
  readonly self: PeerId;
  readonly selfAccount: AccountId;
  readonly candidates: readonly Candidate[];
  readonly models: Readonly<Record<TaskKind, Sha256>>;
  /** Answers of a node that were recomputed and held, whether it is still here or not. */
  readonly verifiedCount: (peer: PeerId) => number;
  readonly nameOf: (peer: PeerId) => string;
  /** Uniform in [0, 1); drawn after the event happened, so that no worker can foresee a check. */
  readonly draw: () => number;
  readonly options: JobOptions;
};

/** A step in progress: the one place where a job changes. */
export type Draft = {
  job: { -readonly [Key in keyof JobMachine]: JobMachine[Key] };
  readonly tasks: Map<TaskId, Task>;
  readonly attempts: Map<number, Attempt>;
  readonly losses: Map<PeerId, Loss>;
  readonly effects: JobEffect[];
  readonly world: World;
};

export const openDraft = (job: JobMachine, world: World): Draft => {
  const tasks = new Map(job.tasks);
  const attempts = new Map(job.attempts);
  const losses = new Map(job.losses);
  return { job: { ...job, tasks, attempts, losses }, tasks, attempts, losses, effects: [], world };
};

export const say = ({ job, world }: Draft, text: string): void => {
  job.log = [...job.log, { at: world.wall, text }].slice(-loggedEvents);
};
const loggedEvents = 300;

export const setPage = ({ job }: Draft, index: number, change: Partial<Page>): void => {
  job.pages = job.pages.map((page) => (page.index === index ? { ...page, ...change } : page));
};
export const setTask = ({ tasks }: Draft, task: Task, change: Partial<Task>): Task => {
  const next = { ...task, ...change };
  tasks.set(task.id, next);
  return next;
};
export const blameFor = ({ losses }: Draft, peer: PeerId, what: 'lost' | 'wrong'): void => {
  const known = losses.get(peer) ?? { peer, lost: 0, wrong: 0 };
  losses.set(peer, { ...known, [what]: known[what] + 1 });
};

export const attemptsAt = (draft: Draft, task: TaskId): readonly Attempt[] =>
  [...draft.attempts.values()].filter((attempt) => attempt.task === task);

export const stopAttempts = (draft: Draft, task: TaskId): void => {
  for (const attempt of attemptsAt(draft, task)) stopAttempt(draft, attempt);
};
export const stopAttempt = (draft: Draft, attempt: Attempt): void => {
  draft.attempts.delete(attempt.id);
  draft.effects.push({ kind: 'stop', attempt });
};

export const isEnded = ({ phase }: Pick<JobMachine, 'phase'>): boolean =>
  phase.phase === 'done' || phase.phase === 'cancelled' || phase.phase === 'failed';

/** Whether a second or third opinion is still to come. */
export const needsOpinion = ({ status }: Task): boolean =>
  status.phase === 'answered' && (status.verdict.phase === 'wanted' || status.verdict.phase === 'disputed');
export const needsWork = (task: Task): boolean => task.status.phase === 'open' || needsOpinion(task);

export const paidKey = (task: TaskId, account: AccountId): string => `${task}/${account}`;
