import type { MilliCredits, PeerId } from '../../core/brand.ts';
import type { JobState, JobView, LineView, PageView, WorkShare } from '../contracts.ts';
import { creditsFor } from '../cost.ts';
import { readingOrder } from '../ocrRules.ts';
import { isPageRead } from './pages.ts';
import type { JobMachine, Page, Task } from './state.ts';

/** What people see of a job. Pages that did not change keep their view: reading order is not found anew each time. */
export const createJobViewer = (nameOf: (peer: PeerId) => string): ((job: JobMachine) => JobView) => {
  const seen = new Map<number, { readonly parts: readonly unknown[]; readonly view: PageView }>();
  const viewPage = (job: JobMachine, page: Page): PageView => {
    const parts = [page, ...[page.detect, ...page.reads].map((id) => job.tasks.get(id))];
    const known = seen.get(page.index);
    if (known?.parts.length === parts.length && parts.every((part, at) => part === known.parts[at])) {
      return known.view;
    }
    const view = toPageView(job, page);
    seen.set(page.index, { parts, view });
    return view;
  };
  return (job) => toJobView(job, viewPage, nameOf);
};

const toJobView = (
  job: JobMachine,
  viewPage: (job: JobMachine, page: Page) => PageView,
  nameOf: (peer: PeerId) => string,
): JobView => {
  const pages = job.pages.map((page) => viewPage(job, page));
  const tasks = [...job.tasks.values()];
  return {
    id: job.id,
    kind: 'ocr',
    createdAt: job.createdAt,
    state: toJobState(job),
    tasksDone: tasks.filter(({ status }) => status.phase === 'answered').length,
    tasksTotal: tasks.length,
    pages,
    workers: toWorkShares(job, nameOf),
    events: job.log,
  };
};

const toJobState = ({ phase, tasks, attempts }: JobMachine): JobState => {
  if (phase.phase !== 'running') return phase;
  const begun = attempts.size > 0 || [...tasks.values()].some(({ status }) => status.phase === 'answered');
  return begun ? phase : { phase: 'preparing' };
};

const toPageView = (job: JobMachine, page: Page): PageView => {
  const found = page.reads.flatMap((id) => toLines(page, job.tasks.get(id)));
  const done = isPageRead(job, page);
  const size = { width: page.size?.width ?? 0, height: page.size?.height ?? 0 };
  const { lines, text } = readingOrder(found, size);
  return {
    index: page.index,
    name: page.name,
    ...size,
    state: toPageState(page, done),
    lines: done ? lines : found,
    expectedLines: page.quads?.length ?? 0,
    milliCredits: costOf(page, job),
    text,
  };
};

const costOf = (page: Page, { tasks }: JobMachine): MilliCredits =>
  [page.detect, ...page.reads].reduce((sum, id) => {
    const task = tasks.get(id);
    return task ? sum + creditsFor(task.kind, task.pixels) : sum;
  }, 0) as MilliCredits;

const toPageState = (page: Page, done: boolean): PageView['state'] => {
  if (page.failure !== undefined) return { phase: 'failed', reason: page.failure };
  if (done) return { phase: 'done' };
  if (page.quads) return { phase: 'reading' };
  return { phase: page.input === 'absent' ? 'waiting' : 'detecting' };
};

const toLines = (page: Page, task: Task | undefined): readonly LineView[] => {
  if (task?.status.phase !== 'answered' || task.status.answer.value.kind !== 'ocr.recognize') return [];
  const { answer, verdict } = task.status;
  return task.status.answer.value.lines.flatMap(({ text, confidence }, at) => {
    const index = task.lines[at];
    const quad = index === undefined ? undefined : page.quads?.[index];
    if (index === undefined || !quad) return [];
    return {
      id: `${page.index}.${index}`,
      quad,
      text,
      confidence,
      peer: answer.author.peer,
      checkedBy: verdict.phase === 'settled' ? verdict.by : undefined,
    };
  });
};

const toWorkShares = (job: JobMachine, nameOf: (peer: PeerId) => string): readonly WorkShare[] => {
  const shares = new Map<PeerId, WorkShare>();
  const change = (peer: PeerId, add: (share: WorkShare) => Partial<WorkShare>): void => {
    const known = shares.get(peer) ?? emptyShare(peer, nameOf(peer));
    shares.set(peer, { ...known, ...add(known) });
  };
  for (const { status, lines } of job.tasks.values()) {
    if (status.phase !== 'answered') continue;
    const { peer, name, runtime, milliCredits } = status.answer.author;
    change(peer, (share) => ({
      name,
      runtime,
      tasks: share.tasks + 1,
      lines: share.lines + lines.length,
      milliCredits: (share.milliCredits + milliCredits) as MilliCredits,
    }));
  }
  for (const { peer, lost, wrong } of job.losses.values()) change(peer, () => ({ lost, wrong }));
  return [...shares.values()].sort((a, b) => b.tasks - a.tasks);
};

const emptyShare = (peer: PeerId, name: string): WorkShare => ({
  peer,
  name,
  runtime: undefined,
  tasks: 0,
  lines: 0,
  milliCredits: 0 as MilliCredits,
  lost: 0,
  wrong: 0,
});
