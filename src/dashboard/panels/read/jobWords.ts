import type { JobView, LineView, PageView, PeerView } from '../../../app/readModels.ts';
import type { PeerId } from '../../../core/brand.ts';
import { formatCount, formatDuration, formatPercent } from '../../kit/format.ts';

export const isActive = (job: JobView): boolean =>
  job.state.phase === 'preparing' || job.state.phase === 'running' || job.state.phase === 'waiting';

/** "invoice.png and 2 more" */
export const jobTitle = (job: JobView): string => {
  const [first, ...rest] = job.pages;
  if (!first) return 'Empty job';
  return rest.length === 0 ? first.name : `${first.name} and ${rest.length} more`;
};

const failedPages = (job: JobView): number =>
  job.pages.filter((page) => page.state.phase === 'failed').length;

const lineCount = (job: JobView): number => job.pages.reduce((sum, page) => sum + page.lines.length, 0);

/** The job in one line; the countdown of a waiting one is drawn beside it. */
export const jobInWords = (job: JobView): string => {
  const { state } = job;
  switch (state.phase) {
    case 'preparing':
      return `Opening ${formatCount(job.pages.length, 'page')}…`;
    case 'running':
      return `Reading: ${job.tasksDone} of ${formatCount(job.tasksTotal, 'task')}, ${formatCount(lineCount(job), 'line')} so far`;
    case 'waiting':
      return `Waiting: ${state.reason}`;
    case 'done':
      return `${formatCount(lineCount(job), 'line')} read in ${formatDuration(state.wallMs)}${failedSuffix(job)}`;
    case 'cancelled':
      return `Cancelled; ${formatCount(lineCount(job), 'line')} kept`;
    case 'failed':
      return `Failed: ${state.reason}`;
    default:
      return state satisfies never;
  }
};

const failedSuffix = (job: JobView): string => {
  const failed = failedPages(job);
  return failed === 0 ? '' : `; ${formatCount(failed, 'page')} could not be read`;
};

/** The line under a job's bar: trouble is told in the notice below it, so here only what was reached. */
export const progressInWords = (job: JobView): string => {
  if (job.state.phase !== 'waiting' && job.state.phase !== 'failed') return jobInWords(job);
  return `${job.tasksDone} of ${formatCount(job.tasksTotal, 'task')} done, ${formatCount(lineCount(job), 'line')} so far`;
};

/** Said aloud: changes at every quarter and at the end, so that a listener isn't talked over. */
export const progressMilestone = (job: JobView): string => {
  if (job.state.phase !== 'running') return jobInWords(job);
  const share = job.tasksTotal === 0 ? 0 : job.tasksDone / job.tasksTotal;
  return `Reading, ${formatPercent(Math.floor(share * 4) / 4)} done`;
};

export const pageInWords = (page: PageView): string => {
  const { state } = page;
  switch (state.phase) {
    case 'waiting':
      return 'waiting its turn';
    case 'detecting':
      return 'looking for text';
    case 'reading':
      return `${page.lines.length} of ${formatCount(page.expectedLines, 'line')}`;
    case 'done':
      return page.lines.length === 0 ? 'no text found' : formatCount(page.lines.length, 'line');
    case 'failed':
      return 'could not be read';
    default:
      return state satisfies never;
  }
};

export type PageReader = { readonly peer: PeerId; readonly name: string; readonly lines: number };

/** Who read how many lines of a page, most first; the job remembers the names of those who left. */
export const readersOnPage = (job: JobView, page: PageView): readonly PageReader[] => {
  const linesByPeer = new Map<PeerId, number>();
  for (const line of page.lines) linesByPeer.set(line.peer, (linesByPeer.get(line.peer) ?? 0) + 1);
  return [...linesByPeer]
    .map(([peer, lines]) => ({ peer, name: workerName(job, peer), lines }))
    .sort((a, b) => b.lines - a.lines);
};

export const workerName = (job: JobView, peer: PeerId): string =>
  job.workers.find((worker) => worker.peer === peer)?.name ?? 'a device that left';

/** How sure the reader was, in three steps that can be told apart on paper. */
export const sureness = (line: LineView): 'sure' | 'fair' | 'doubtful' => {
  if (line.confidence >= 0.92) return 'sure';
  return line.confidence >= 0.75 ? 'fair' : 'doubtful';
};

/** Who would get pages sent now. */
export const readersOf = (peers: readonly PeerView[]): readonly PeerView[] =>
  peers.filter((peer) => peer.status.accepts.open);

/** Files a person dropped: what the browser itself says is no image is left out at once. */
export const splitImages = (
  files: readonly File[],
): { readonly images: readonly File[]; readonly others: readonly File[] } => ({
  images: files.filter((file) => file.type === '' || file.type.startsWith('image/')),
  others: files.filter((file) => file.type !== '' && !file.type.startsWith('image/')),
});
