import type { TaskId } from '../../core/brand.ts';
import { taskIdOf } from '../hashes.ts';
import { lineHeight, type Quad } from '../ocr/types.ts';
import { planBatches } from '../ocrRules.ts';
import {
  type AnswerValue,
  type Draft,
  type JobEvent,
  needsWork,
  type Page,
  say,
  setPage,
  setTask,
  stopAttempts,
  type Task,
} from './state.ts';

type Opened = Extract<JobEvent, { kind: 'page-opened' }>;
type Cropped = Extract<JobEvent, { kind: 'page-cropped' }>;

export const openTask = (id: TaskId, kind: Task['kind'], page: number): Task => ({
  id,
  kind,
  page,
  lines: [],
  pixels: 0,
  bytes: 0,
  status: { phase: 'open' },
  avoid: [],
  failures: 0,
});

export const pageOpened = (draft: Draft, event: Opened): void => {
  const page = draft.job.pages[event.page];
  const task = page && draft.tasks.get(page.detect);
  if (!page || !task || page.failure !== undefined) return;
  const { width, height, inputWidth, inputHeight, bytes } = event;
  setPage(draft, page.index, { input: 'held', size: { width, height, inputWidth, inputHeight } });
  setTask(draft, task, { pixels: inputWidth * inputHeight, bytes });
  if (event.frames > 1 && !page.size) {
    say(draft, `${page.name} is animated (${event.frames} frames): only the first is read`);
  }
};

/** The page can't be read; the others go on. */
export const breakPage = (draft: Draft, index: number, reason: string): void => {
  const page = draft.job.pages[index];
  if (!page || page.failure !== undefined) return;
  for (const id of [page.detect, ...page.reads]) stopAttempts(draft, id);
  setPage(draft, index, { failure: reason, input: 'absent', unplanned: [], crops: [], cropping: false });
  say(draft, `${page.name} can't be read: ${reason}`);
  draft.effects.push({
    kind: 'store',
    result: { v: 1, kind: 'page-failed', task: failureKey(draft, index), page: index, reason },
  });
  draft.effects.push({ kind: 'release', page: index });
};
/** A failure has a record of its own: what was read before it stays. */
const failureKey = (draft: Draft, index: number): TaskId => taskIdOf(draft.job.id, index, 'ocr.detect', [-1]);

export const afterDetection = (draft: Draft, index: number, value: AnswerValue): void => {
  const page = draft.job.pages[index];
  if (!page?.size || value.kind !== 'ocr.detect') return;
  const quads = toPageQuads(value.output.boxes, page.size);
  setPage(draft, index, { quads, unplanned: quads.map((_, line) => line) });
};

export const toPageQuads = (
  boxes: readonly { readonly quad: Quad }[],
  size: NonNullable<Page['size']>,
): readonly Quad[] =>
  boxes.map(
    ({ quad }) =>
      quad.map((value, at) =>
        at % 2 === 0 ? (value * size.width) / size.inputWidth : (value * size.height) / size.inputHeight,
      ) as unknown as Quad,
  );

/** The page's boxes no longer stand, so neither do the lines that were cut by them. */
export const dropReads = (draft: Draft, index: number): readonly Task[] => {
  const page = draft.job.pages[index];
  if (!page) return [];
  const dropped = page.reads.flatMap((id) => draft.tasks.get(id) ?? []);
  for (const { id, status } of dropped) {
    stopAttempts(draft, id);
    draft.tasks.delete(id);
    if (status.phase === 'answered') draft.effects.push({ kind: 'forget', task: id });
  }
  setPage(draft, index, {
    quads: undefined,
    reads: [],
    unplanned: [],
    crops: [],
    cropping: false,
    generation: page.generation + 1,
  });
  return dropped;
};

/** Line images are here: cut the lines that have no task yet into tasks of similar widths. */
export const pageCropped = (draft: Draft, { page: index, generation, lines }: Cropped): void => {
  const page = draft.job.pages[index];
  if (!page || page.failure !== undefined || page.generation !== generation || !page.cropping) return;
  const crops = [...new Set([...page.crops, ...lines.map((line) => line.index)])];
  const fresh = lines.filter((line) => page.unplanned.includes(line.index));
  const reads = [...page.reads];
  for (const batch of planBatches(
    fresh.map(({ width }) => width),
    linesPerTask(draft, fresh.length),
  )) {
    const members = batch.flatMap((at) => fresh[at] ?? []);
    const indices = members.map((line) => line.index);
    const id = taskIdOf(draft.job.id, index, 'ocr.recognize', indices);
    draft.tasks.set(id, {
      ...openTask(id, 'ocr.recognize', index),
      lines: indices,
      pixels: members.reduce((sum, { width }) => sum + width * lineHeight, 0),
      bytes: members.reduce((sum, { bytes }) => sum + bytes, 0),
    });
    reads.push(id);
  }
  const unplanned = page.unplanned.filter((line) => !crops.includes(line));
  setPage(draft, index, { crops, cropping: false, reads, unplanned });
};

/** Enough tasks that every slot of the room gets two, so that the last one to end is not long alone. */
const linesPerTask = ({ world, job }: Draft, lines: number): number => {
  const usable = world.candidates.filter(
    ({ self, closed }) => closed === undefined && (self || job.audience === 'room'),
  );
  const slots = usable.reduce((sum, candidate) => sum + candidate.slots, 0);
  return Math.min(world.options.linesPerTask, Math.max(2, Math.ceil(lines / Math.max(1, slots * 2))));
};

/**
 * Asks for what the next tasks need (the page's pixels, its line images) and lets go of what no task needs any more.
 * Only a window of pages is open at a time: a hundred photos at once would not fit a phone.
 */
export const advancePages = (draft: Draft): void => {
  const slots = draft.world.candidates.reduce((sum, { closed, slots }) => sum + (closed ? 0 : slots), 0);
  const most = Math.max(2, slots + 1);
  for (const { index } of draft.job.pages) {
    const page = draft.job.pages[index];
    if (!page || page.failure !== undefined) continue;
    const mayOpen = isOpen(page) || draft.job.pages.filter(isOpen).length < most;
    const wantsInput = detectNeedsWork(draft, page);
    if (wantsInput && page.input === 'absent' && mayOpen) {
      setPage(draft, index, { input: 'opening' });
      draft.effects.push({ kind: 'open-page', page: index });
    } else if (mayOpen) askForCrops(draft, page);
    if (isOpen(page) && page.input !== 'opening' && !page.cropping && isPageRead(draft, page)) {
      releasePage(draft, page);
    }
  }
};

const isOpen = ({ input, cropping, crops }: Page): boolean =>
  input !== 'absent' || cropping || crops.length > 0;

const askForCrops = (draft: Draft, page: Page): void => {
  if (page.cropping || !page.quads) return;
  const needed = [
    ...page.unplanned,
    ...page.reads.flatMap((id) => {
      const task = draft.tasks.get(id);
      return task && needsWork(task) ? task.lines : [];
    }),
  ].filter((line) => !page.crops.includes(line));
  if (needed.length === 0) return;
  const lines = [...new Set(needed)].sort((a, b) => a - b);
  setPage(draft, page.index, { cropping: true });
  draft.effects.push({
    kind: 'crop',
    page: page.index,
    generation: page.generation,
    lines,
    quads: lines.flatMap((line) => {
      const quad = page.quads?.[line];
      return quad ? [quad] : [];
    }),
  });
};

const releasePage = (draft: Draft, page: Page): void => {
  setPage(draft, page.index, { input: 'absent', crops: [] });
  draft.effects.push({ kind: 'release', page: page.index });
};

const detectNeedsWork = (draft: Draft, page: Page): boolean => {
  const task = draft.tasks.get(page.detect);
  return task !== undefined && needsWork(task);
};

/** Every line has its text, and no opinion on any of it is awaited. */
export const isPageRead = (draft: { readonly tasks: ReadonlyMap<TaskId, Task> }, page: Page): boolean =>
  page.quads !== undefined &&
  page.unplanned.length === 0 &&
  [page.detect, ...page.reads].every((id) => {
    const task = draft.tasks.get(id);
    return task !== undefined && !needsWork(task);
  });

/** Whether the driver holds what the task works on. */
export const hasInput = (page: Page, task: Task): boolean =>
  task.kind === 'ocr.detect'
    ? page.input === 'held'
    : !page.cropping && task.lines.every((line) => page.crops.includes(line));

export const labelOf = ({ kind, page, lines }: Task, { job }: Pick<Draft, 'job'>): string => {
  const name = job.pages[page]?.name ?? `page ${page + 1}`;
  if (kind === 'ocr.detect') return `where the lines of ${name} are`;
  return lines.length === 1 ? `one line of ${name}` : `${lines.length} lines of ${name}`;
};
