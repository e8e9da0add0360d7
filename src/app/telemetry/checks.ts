import { err, fault, ok } from '../../core/result.ts';
import {
  type CheckReading,
  type CheckSpec,
  type CheckState,
  type SignalReader,
  stateOfValue,
} from '../../observability/index.ts';
import { type HealthId, type HealthInput, healthChecks, percentInWords } from './pageHealth.ts';

/** What can be done about what is not well. Each says whether it could be tried. */
export type Repairs = {
  readonly reconnect: () => void;
  readonly rebuildLinks: () => void;
  readonly restartWorkers: () => void;
  readonly leaveGpu: (why: string) => boolean;
  /** Lets what is kept only to be quick, or to look back, go; resolves to how many bytes that were. */
  readonly dropCaches: () => Promise<void>;
};

/** Beside what the page's own state says: what was measured lately. */
export type Measured = {
  readonly now: () => number;
  readonly reader: () => SignalReader | undefined;
  readonly memoryShare: () => number | undefined;
  /** Busy share of this tab's workers since the last look. */
  readonly workersBusy: () => number | undefined;
  readonly ledger: () => { readonly phase: string; readonly reason: string | undefined };
};

const windowMs = 5 * 60_000;
/** Fewer than these say nothing about a rate. */
const fewestEvents = 5;

/**
 * The page's checks with their thresholds (the original design's), what depends on what, and what mends them. In order: what
 * something depends on comes before it.
 */
export const pageChecks = (
  input: () => HealthInput,
  measured: Measured,
  repairs: Repairs,
): readonly CheckSpec[] => {
  const found = (id: HealthId): CheckReading => {
    const check = healthChecks(input()).find((one) => one.id === id);
    return check ?? { state: 'unknown', message: 'This is not watched here.' };
  };
  const action = (id: string, title: string, run: () => void | boolean | Promise<void>) => ({
    id,
    title,
    run: async () => {
      const done = await run();
      return done === false
        ? err(fault('not-here', 'there is nothing to do of this kind here'))
        : ok(undefined);
    },
  });
  const reconnect = action('reconnect', 'Connect to the meeting server again', repairs.reconnect);
  const restart = action('restart-worker', 'Start the workers again', repairs.restartWorkers);
  const degrade = action('degrade-runtime', 'Go on without the GPU', () =>
    repairs.leaveGpu('it did not recover by itself'),
  );
  const drop = action('drop-cache', 'Let older measurements and cached pages go', repairs.dropCaches);

  return [
    {
      id: 'server',
      title: 'Meeting server',
      component: 'signaling',
      weight: 2,
      worsensAfter: 3,
      measure: () => found('server'),
      recovery: [reconnect],
    },
    {
      id: 'swarm',
      title: 'Swarm',
      component: 'mesh',
      dependsOn: ['server'],
      measure: () => found('swarm'),
    },
    {
      id: 'links',
      title: 'Links',
      component: 'mesh',
      dependsOn: ['server'],
      // One more than the server's: what is its fault is known to be before anything is done here.
      worsensAfter: 4,
      measure: () => callsReading(measured),
      recovery: [action('rebuild-link', 'Make the links to other tabs anew', repairs.rebuildLinks)],
    },
    {
      id: 'engine',
      title: 'Reading engine',
      component: 'engine',
      weight: 2,
      measure: engineReading(input, () => found('engine')),
      recovery: [restart, degrade],
    },
    {
      id: 'work',
      title: 'Work',
      component: 'engine',
      dependsOn: ['engine'],
      measure: () => workReading(measured),
      recovery: [restart, degrade],
    },
    {
      id: 'cpu',
      title: 'Workers',
      component: 'engine',
      worsensAfter: 6,
      measure: () => shareReading(measured.workersBusy(), { warn: 0.8, bad: 0.95 }, busyWords),
    },
    {
      id: 'memory',
      title: 'Memory',
      component: 'device',
      measure: () => shareReading(measured.memoryShare(), { warn: 0.85, bad: 0.95 }, memoryWords),
      recovery: [drop, restart],
    },
    {
      id: 'storage',
      title: 'Storage',
      component: 'device',
      measure: () => found('storage'),
      recovery: [drop],
    },
    {
      id: 'ledger',
      title: 'Ledger',
      component: 'ledger',
      dependsOn: ['server'],
      measure: () => ledgerReading(measured),
    },
    { id: 'isolation', title: 'Threads', component: 'device', measure: () => found('isolation') },
    { id: 'install', title: 'Offline', component: 'device', weight: 0.5, measure: () => found('install') },
    {
      id: 'main-thread',
      title: 'Page',
      component: 'device',
      measure: () => found('main-thread'),
    },
  ];
};

/** One that fails, is loaded again by the next task and fails again is not well in between. */
const engineReading = (input: () => HealthInput, found: () => CheckReading) => {
  let failure: string | undefined;
  return (): CheckReading => {
    const reading = found();
    const { phase } = input().engine;
    if (phase === 'failed') failure = reading.message;
    else if (phase !== 'loading') failure = undefined;
    return phase === 'loading' && failure !== undefined
      ? { state: 'bad', message: `Loading again, after: ${failure}` }
      : reading;
  };
};

const busyWords: Words = {
  none: 'No worker has run yet.',
  ok: (share) => `This tab’s workers were busy for ${percentInWords(share)} of the last seconds.`,
  warn: (share) =>
    `This tab’s workers are busy for ${percentInWords(share)} of their time: what is added waits. More devices would help.`,
};
const memoryWords: Words = {
  none: 'This browser does not report how much memory the page takes.',
  ok: (share) => `Of the memory that this page may use, ${percentInWords(share)} is in use.`,
  warn: (share) =>
    `${percentInWords(share)} of the memory that this page may use is in use. Remove finished jobs, or reload the page.`,
};

type Words = {
  readonly none: string;
  readonly ok: (share: number) => string;
  readonly warn: (share: number) => string;
};

const shareReading = (
  share: number | undefined,
  limits: { readonly warn: number; readonly bad: number },
  words: Words,
): CheckReading => {
  if (share === undefined) return { state: 'unknown', message: words.none };
  const state = stateOfValue(share, { ...limits, worse: 'above' });
  return { state, message: (state === 'ok' ? words.ok : words.warn)(share), value: share };
};

/** Failed calls of the last minutes: from 10 % it warns, from 20 % it is bad. */
const callsReading = (measured: Measured): CheckReading => {
  const { total, failed } = outcomesOf(measured, 'rpc_seconds', callFailures);
  return rateReading(total, failed, 'calls to other tabs', { warn: 0.1, bad: 0.2 });
};
/** A peer that says no or leaves, and a person who cancels, are no failures of a link. */
const callFailures = new Set(['silent', 'deadline', 'invalid']);

/** Below four of five that succeed it is bad; one of ten that fails warns. */
const workReading = (measured: Measured): CheckReading => {
  const { total, failed } = outcomesOf(measured, 'inference_tasks_total', taskFailures);
  return rateReading(total, failed, 'tasks', { warn: 0.1, bad: 0.2 });
};
const taskFailures = new Set(['failed', 'silent', 'wrong']);

const outcomesOf = (
  { reader, now }: Measured,
  metric: string,
  failures: ReadonlySet<string>,
): { readonly total: number; readonly failed: number } => {
  const signals = reader();
  if (!signals) return { total: 0, failed: 0 };
  const to = now() + 1;
  let total = 0;
  let failed = 0;
  for (const key of signals.keys(metric)) {
    const count = signals.increase(key, to - windowMs, to);
    total += count;
    const outcome = /outcome="([^"]*)"/.exec(key)?.[1];
    if (outcome !== undefined && failures.has(outcome)) failed += count;
  }
  return { total, failed };
};

const rateReading = (
  total: number,
  failed: number,
  what: string,
  limits: { readonly warn: number; readonly bad: number },
): CheckReading => {
  if (total < fewestEvents)
    return { state: 'ok', message: `Too few ${what} in the last five minutes to say how they fare.` };
  const share = failed / total;
  const state: CheckState = stateOfValue(share, { ...limits, worse: 'above' });
  const counted = `${failed} of ${total} ${what} failed in the last five minutes.`;
  return { state, message: state === 'ok' ? counted : `${counted} The traces say where.`, value: share };
};

const ledgerReading = ({ ledger }: Measured): CheckReading => {
  const { phase, reason } = ledger();
  switch (phase) {
    case 'open':
      return { state: 'ok', message: 'Open, and checked by this browser.' };
    case 'opening':
      return { state: 'unknown', message: 'Opening…' };
    case 'forked':
      return { state: 'bad', message: reason ?? 'Two histories were signed: open the Wallet screen.' };
    default:
      return { state: 'unknown', message: reason ?? 'Not open here.' };
  }
};
