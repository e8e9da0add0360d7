import { basename } from 'node:path';
import type { Page } from 'playwright';
import { checkReceipts } from './receipts.ts';
import {
  type BrowserProcess,
  type ExportedJob,
  exportJob,
  exportReceipts,
  openBrowser,
  openTab,
  startHost,
  submitFiles,
  waitForJobEnd,
  waitForOthers,
} from './village.ts';

export type SwarmOptions = {
  readonly tabs: number;
  readonly files: readonly string[];
  /** Ends one worker's browser with SIGKILL when a third of the lines are read. */
  readonly killOne?: boolean;
  /** Workers per tab. */
  readonly workersPerTab?: number;
  readonly say?: (text: string) => void;
};

export type SwarmReport = {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly files: ExportedJob['files'];
  readonly peers: ExportedJob['peers'];
  readonly receipts: { readonly count: number; readonly valid: number };
  readonly wallMs: number;
};

const jobTimeout = 240_000;

/** Several browser processes (each a device of its own) read files together, driven through the page as a person would. */
export const runSwarm = async (options: SwarmOptions): Promise<SwarmReport> => {
  const say = options.say ?? (() => {});
  const host = await startHost();
  const processes: BrowserProcess[] = [];
  try {
    say(`opening ${options.tabs} browsers…`);
    const pages: Page[] = [];
    for (let i = 0; i < options.tabs; i++) {
      const process = await openBrowser();
      processes.push(process);
      pages.push(await openTab(process.browser, host.link, { cores: 2 * (options.workersPerTab ?? 1) }));
    }
    const [requester] = pages;
    if (!requester) throw new Error('a swarm needs a tab');
    await waitForOthers(requester, options.tabs - 1);
    say('reading…');
    const victim = options.killOne ? processes.at(-1) : undefined;
    const wallMs = await read(
      requester,
      options.files,
      victim && (() => killHalfWay(requester, victim, say)),
    );
    const job = await exportJob(requester);
    const receipts = await checkReceipts(await exportReceipts(requester));
    const problems = findProblems(job, receipts, options);
    return { ok: problems.length === 0, problems, files: job.files, peers: job.peers, receipts, wallMs };
  } finally {
    await Promise.all(processes.map((process) => process.close().catch(() => {})));
    await host.close();
  }
};

const read = async (
  page: Page,
  files: readonly string[],
  meanwhile?: () => Promise<void>,
): Promise<number> => {
  const started = performance.now();
  await submitFiles(page, files);
  const ended = waitForJobEnd(page, jobTimeout).then(() => performance.now() - started);
  const [wallMs] = await Promise.all([ended, meanwhile?.()]);
  return wallMs;
};

const killHalfWay = async (
  page: Page,
  victim: BrowserProcess,
  say: (text: string) => void,
): Promise<void> => {
  // The page itself says how far it is.
  await page.waitForFunction(
    () => {
      // No function of its own in here: what the bundler adds to name it does not exist in the page.
      const bar = document.querySelector('header [role=progressbar]:not([aria-label="Models loaded"])');
      const done = Number(bar?.getAttribute('aria-valuenow') ?? 0);
      return done / Math.max(1, Number(bar?.getAttribute('aria-valuemax') ?? 0)) >= 0.3;
    },
    undefined,
    { timeout: jobTimeout, polling: 100 },
  );
  say('killing one…');
  await victim.kill();
};

const findProblems = (
  job: ExportedJob,
  receipts: SwarmReport['receipts'],
  options: SwarmOptions,
): readonly string[] => {
  const problems: string[] = [];
  if (job.state !== 'done') problems.push(`the job is ${job.state}, not done`);
  for (const file of options.files) {
    const page = job.files.find((one) => one.file === basename(file));
    if (!page) problems.push(`${basename(file)} is missing from the result`);
    else if (page.error) problems.push(`${page.file}: ${page.error}`);
    else if (page.lines.length === 0) problems.push(`${page.file}: no text was read`);
    const boxes = page?.lines.map(({ box }) => box.join());
    if (boxes && new Set(boxes).size !== boxes.length) problems.push(`${page?.file}: a line stands twice`);
  }
  if (receipts.valid !== receipts.count) {
    problems.push(`${receipts.count - receipts.valid} of ${receipts.count} receipts do not verify`);
  }
  const others = job.peers.slice(1).reduce((tasks, peer) => tasks + peer.tasks, 0);
  if (options.tabs > 1 && !options.killOne && others > 0 && receipts.count === 0) {
    problems.push('others worked, and there is no receipt');
  }
  return problems;
};
