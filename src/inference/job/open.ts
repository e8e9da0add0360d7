import type { JobId, Milliseconds, TaskId } from '../../core/brand.ts';
import type { InferenceRequest } from '../contracts.ts';
import { taskIdOf } from '../hashes.ts';
import type { StoredJob, StoredResult } from '../jobStore.ts';
import { lineHeight } from '../ocr/types.ts';
import { openTask, toPageQuads } from './pages.ts';
import {
  type Answer,
  type JobMachine,
  type JobPhase,
  type Page,
  paidKey,
  type Task,
  type Verdict,
} from './state.ts';

export const openJob = (input: {
  readonly id: JobId;
  readonly audience: InferenceRequest['audience'];
  readonly names: readonly string[];
  readonly createdAt: number;
  readonly now: Milliseconds;
}): JobMachine => {
  const pages = input.names.map((name, index) => openPage(input.id, index, name));
  return {
    id: input.id,
    audience: input.audience,
    createdAt: input.createdAt,
    startedAt: input.now,
    phase: { phase: 'running' },
    pages,
    tasks: new Map(
      pages.map(({ detect, index }) => [detect, openTask(detect, 'ocr.detect', index)] as const),
    ),
    attempts: new Map(),
    nextAttempt: 1,
    waits: 0,
    losses: new Map(),
    owed: [],
    paid: new Set(),
    log: [],
  };
};

const openPage = (job: JobId, index: number, name: string): Page => ({
  index,
  name,
  detect: taskIdOf(job, index, 'ocr.detect', []),
  input: 'absent',
  size: undefined,
  quads: undefined,
  crops: [],
  cropping: false,
  generation: 0,
  unplanned: [],
  reads: [],
  failure: undefined,
});

/**
 * The job as it was when the tab went away. What was accepted stands, and is not done again; what it was based on
 * decides which of it still fits: a line whose page has no boxes, or that another task covers, is left out.
 */
export const restoreJob = (
  stored: StoredJob,
  results: readonly StoredResult[],
  now: Milliseconds,
): JobMachine => {
  const job = openJob({
    id: stored.id,
    audience: stored.audience,
    names: stored.pages.map(({ name }) => name),
    createdAt: stored.createdAt,
    now,
  });
  const tasks = new Map(job.tasks);
  // Of a job that has ended, nothing is checked any more.
  const over = stored.end.phase !== 'unfinished';
  const standing = over ? results.map(withoutWish) : results;
  const pages = job.pages.map((page) => restorePage(page, standing, tasks));
  const log =
    stored.end.phase === 'unfinished' ? [{ at: stored.createdAt, text: 'went on after a reload' }] : [];
  return { ...job, pages, tasks, phase: restorePhase(stored), log, paid: paidBefore(results) };
};

const restorePhase = ({ end }: StoredJob): JobPhase =>
  end.phase === 'unfinished'
    ? { phase: 'running' }
    : end.phase === 'done'
      ? { phase: 'done', wallMs: end.wallMs as Milliseconds }
      : end;

const restorePage = (page: Page, results: readonly StoredResult[], tasks: Map<TaskId, Task>): Page => {
  const own = results.filter((result) => result.page === page.index);
  const failure = own.find((result) => result.kind === 'page-failed');
  const detection = own.find((result) => result.kind === 'ocr.detect' && result.task === page.detect);
  const failed = { failure: failure?.kind === 'page-failed' ? failure.reason : undefined };
  if (detection?.kind !== 'ocr.detect') return { ...page, ...failed };
  const { width, height, inputWidth, inputHeight, boxes } = detection;
  const size = { width, height, inputWidth, inputHeight };
  const quads = toPageQuads(boxes, size);
  const answer = answerOf(detection, { kind: 'ocr.detect', output: { boxes } });
  tasks.set(page.detect, {
    ...openTask(page.detect, 'ocr.detect', page.index),
    pixels: inputWidth * inputHeight,
    status: { phase: 'answered', answer, verdict: verdictOf(detection) },
  });
  const covered = new Set<number>();
  const reads: TaskId[] = [];
  for (const result of own) {
    if (result.kind !== 'ocr.recognize') continue;
    const lines = result.lines.map(({ index }) => index);
    if (lines.some((line) => line >= quads.length || covered.has(line))) continue;
    for (const line of lines) covered.add(line);
    reads.push(result.task);
    tasks.set(result.task, {
      ...openTask(result.task, 'ocr.recognize', page.index),
      lines,
      pixels: lines.reduce((sum, line) => sum + estimatedPixels(quads[line]), 0),
      status: {
        phase: 'answered',
        answer: answerOf(result, {
          kind: 'ocr.recognize',
          lines: result.lines.map(({ text, confidence }) => ({ text, confidence })),
        }),
        verdict: verdictOf(result),
      },
    });
  }
  const unplanned = quads.map((_, line) => line).filter((line) => !covered.has(line));
  return { ...page, ...failed, size, quads, reads, unplanned };
};

/** A claim is stored until it is settled, so an answer without one was paid, or never earned anything. */
const paidBefore = (results: readonly StoredResult[]): ReadonlySet<string> =>
  new Set(
    results.flatMap((result) =>
      result.kind === 'page-failed' || result.claim ? [] : [paidKey(result.task, result.by.account)],
    ),
  );

type StoredAnswer = Exclude<StoredResult, { kind: 'page-failed' }>;
const answerOf = ({ by, claim }: StoredAnswer, value: Answer['value']): Answer => ({
  author: by,
  claim,
  value,
});
const withoutWish = (result: StoredResult): StoredResult =>
  result.kind === 'page-failed' ? result : { ...result, checkWanted: false };

const verdictOf = ({ checkedBy, checkWanted }: StoredAnswer): Verdict => {
  if (checkWanted) return { phase: 'wanted' };
  return checkedBy === undefined
    ? { phase: 'unchecked', skipped: false }
    : { phase: 'settled', by: checkedBy };
};

/** For routing only, should the line be read again before its image is cut again. */
const estimatedPixels = (quad: readonly number[] | undefined): number => {
  const [x0 = 0, y0 = 0, x1 = 0, y1 = 0, x2 = 0, y2 = 0] = quad ?? [];
  const width = Math.hypot(x1 - x0, y1 - y0);
  const height = Math.max(1, Math.hypot(x2 - x1, y2 - y1));
  return Math.round((width / height) * lineHeight) * lineHeight;
};
