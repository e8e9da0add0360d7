import type { AlertRule, Condition } from './types.ts';

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Of budgets of 30 days: what the workbook recommends, and a path for the outage of everything. */
export const burnWindows = (objective: number): Extract<Condition, { kind: 'burn-rate' }>['windows'] => [
  {
    // Half of everything within a minute, and still: found within that minute. A restart that takes 20 s stays below,
    // and so many events are needed that chance does, too.
    longMs: minute,
    shortMs: 30 * second,
    factor: 0.5 / (1 - objective),
    severity: 'page',
    minimumEvents: 60,
  },
  { longMs: hour, shortMs: 5 * minute, factor: 14.4, severity: 'page' },
  { longMs: 6 * hour, shortMs: 30 * minute, factor: 6, severity: 'page' },
  { longMs: 3 * day, shortMs: 6 * hour, factor: 1, severity: 'ticket' },
];

const objective = (
  good: string,
  total: string,
  share: number,
): Pick<AlertRule, 'condition' | 'forMs' | 'resolveAfterMs' | 'severity'> => ({
  severity: 'page',
  condition: {
    kind: 'burn-rate',
    good,
    total,
    objective: share,
    windows: burnWindows(share),
    minimumEvents: 20,
    minimumFailures: 5,
  },
  // The windows are what makes sure; waiting on top of them would only be late.
  forMs: 0,
  resolveAfterMs: 5 * minute,
});

type Draft = Omit<AlertRule, 'runbook' | 'enabled'>;

const service: readonly Draft[] = [
  {
    id: 'jobs-failing',
    title: 'Jobs fail',
    group: 'work',
    ...objective('inference_jobs_total{outcome="done"}', 'inference_jobs_total{outcome!="cancelled"}', 0.999),
    advice:
      'Open the newest failed job and its trace: the failing span says whether a model, a peer or this device is the cause.',
  },
  {
    id: 'jobs-slow',
    title: 'Jobs take much longer than usual',
    group: 'work',
    severity: 'ticket',
    condition: {
      kind: 'anomaly',
      metric: 'inference_job_seconds',
      method: 'robust-z',
      windowMs: day,
      factor: 8,
      direction: 'above',
      minimumChange: 0.5,
      minimumSamples: 36,
    },
    forMs: 10 * minute,
    resolveAfterMs: 15 * minute,
    advice:
      'Compare the trace of a slow job with that of an old one: the critical path shows which step grew.',
  },
  {
    id: 'rpc-failing',
    title: 'Calls to peers fail',
    group: 'mesh',
    // Whom its caller gave up, whom a peer may refuse and whose peer has left: none of them says how calls fare.
    ...objective(
      'rpc_seconds{outcome="ok"}',
      'rpc_seconds{outcome!="cancelled",outcome!="refused",outcome!="overloaded",outcome!="peer-lost"}',
      0.995,
    ),
    advice:
      'See in the panel of peers whether one peer or all fail: block the one, or look at the network if it is all.',
  },
  {
    id: 'rpc-slow',
    title: 'Calls to peers take much longer than usual',
    group: 'mesh',
    severity: 'ticket',
    condition: {
      kind: 'anomaly',
      metric: 'rpc_seconds{outcome="ok"}',
      method: 'robust-z',
      windowMs: day,
      factor: 8,
      direction: 'above',
      minimumChange: 0.5,
      minimumSamples: 36,
    },
    forMs: 10 * minute,
    resolveAfterMs: 15 * minute,
    advice:
      'Look at round trips and queues of the peers: a busy peer gets less work by itself, a slow network has to be mended.',
  },
  {
    id: 'links-lost',
    title: 'Most links to peers are gone',
    group: 'mesh',
    severity: 'ticket',
    condition: {
      kind: 'anomaly',
      metric: 'mesh_links{state="open"}',
      method: 'robust-z',
      windowMs: 6 * hour,
      factor: 4,
      direction: 'below',
      minimumChange: 0.6,
      minimumSamples: 24,
    },
    forMs: 5 * minute,
    resolveAfterMs: 10 * minute,
    advice:
      'Check the network of this device and whether the host is reached; links come back by themselves once it is.',
  },
  {
    id: 'signaling-lost',
    title: 'The host is out of reach',
    group: 'host',
    severity: 'ticket',
    condition: {
      kind: 'threshold',
      metric: 'signaling_connected',
      of: 'mean',
      windowMs: 5 * minute,
      below: 0.1,
      minimumSamples: 5,
    },
    forMs: 2 * minute,
    resolveAfterMs: 2 * minute,
    advice:
      'Check that the host runs and its address is reached from this network. Links that are open go on without it.',
  },
];

const ledger: readonly Draft[] = [
  {
    id: 'ledger-submit-failing',
    title: 'Payments and votes are not taken',
    group: 'ledger',
    ...objective('ledger_submit_seconds{outcome="ok"}', 'ledger_submit_seconds{outcome!="aborted"}', 0.99),
    advice:
      'Look in the wallet at what was refused and why; if keepers are out of reach, check that they run.',
  },
  {
    id: 'ledger-stalled',
    title: 'The ledger stands still',
    group: 'ledger',
    severity: 'page',
    condition: {
      kind: 'threshold',
      metric: 'ledger_height',
      of: 'change',
      // An epoch block comes every ten minutes, now and then some minutes late.
      windowMs: 45 * minute,
      below: 0.5,
    },
    forMs: 2 * minute,
    resolveAfterMs: minute,
    advice:
      'No keeper has closed an epoch for four of them: check that more than two thirds of the keepers run and reach each other.',
  },
  {
    id: 'ledger-behind',
    title: 'This device is behind the ledger',
    group: 'ledger',
    severity: 'ticket',
    condition: {
      kind: 'threshold',
      metric: 'ledger_behind_blocks',
      of: 'latest',
      windowMs: 5 * minute,
      above: 20,
    },
    forMs: 10 * minute,
    resolveAfterMs: 2 * minute,
    advice: 'Its link to a keeper is too slow or broken: reconnect, and if it stays, reload the tab.',
  },
];

const device: readonly Draft[] = [
  {
    id: 'workers-crashing',
    title: 'Workers crash again and again',
    group: 'device',
    severity: 'page',
    condition: {
      kind: 'threshold',
      metric: 'workers_crashed_total',
      of: 'increase',
      windowMs: 10 * minute,
      above: 4,
    },
    forMs: 0,
    resolveAfterMs: 15 * minute,
    advice:
      'Often memory: close other tabs or choose a smaller model. If one model crashes them, verify its files.',
  },
  {
    id: 'worker-calls-failing',
    title: 'Computing on this device fails',
    group: 'device',
    ...objective(
      'worker_call_seconds{outcome="ok"}',
      'worker_call_seconds{outcome!="cancelled",outcome!="closed"}',
      0.99,
    ),
    advice:
      'See the log of the pool that fails; verify the model, or switch the runtime to one that works here.',
  },
  {
    id: 'gpu-lost',
    title: 'The GPU is lost again and again',
    group: 'device',
    severity: 'page',
    condition: {
      kind: 'threshold',
      metric: 'gpu_lost_total',
      of: 'increase',
      windowMs: 30 * minute,
      above: 2,
    },
    forMs: 0,
    resolveAfterMs: 30 * minute,
    advice: 'Switch to the processor in the settings, and update the graphics driver or the browser.',
  },
  {
    id: 'main-thread-blocked',
    title: 'The page hardly reacts',
    group: 'device',
    severity: 'ticket',
    condition: {
      kind: 'threshold',
      metric: 'main_thread_lag_seconds',
      of: 'p95',
      windowMs: 5 * minute,
      above: 0.2,
      minimumSamples: 40,
    },
    forMs: 5 * minute,
    resolveAfterMs: 5 * minute,
    advice:
      'Pause work that this device does for others, or lower its share of cores; a trace shows what blocks the page.',
  },
  {
    id: 'memory-growing',
    title: 'Memory grows far beyond what is usual',
    group: 'device',
    severity: 'ticket',
    condition: {
      kind: 'threshold',
      metric: 'memory_bytes',
      of: 'mean',
      windowMs: 10 * minute,
      above: 2 * 2 ** 30,
      minimumSamples: 5,
    },
    forMs: 10 * minute,
    resolveAfterMs: 10 * minute,
    advice:
      'Reload the tab; what it was doing is kept. If it grows again, report the trace of the job that ran.',
  },
];

const stored: readonly Draft[] = [
  {
    id: 'storage-filling',
    title: 'Storage fills up',
    group: 'storage',
    severity: 'ticket',
    condition: {
      kind: 'threshold',
      metric: 'storage_used_ratio',
      of: 'mean',
      windowMs: 10 * minute,
      above: 0.8,
    },
    forMs: 10 * minute,
    resolveAfterMs: 10 * minute,
    advice: 'Remove models or jobs that are not needed, or shorten how long measurements are kept.',
  },
  {
    id: 'storage-full',
    title: 'Storage is nearly full',
    group: 'storage',
    severity: 'page',
    condition: {
      kind: 'threshold',
      metric: 'storage_used_ratio',
      of: 'mean',
      windowMs: 5 * minute,
      above: 0.95,
    },
    forMs: 5 * minute,
    resolveAfterMs: 10 * minute,
    advice: 'Remove models or jobs now: when it is full, results of jobs can no longer be kept.',
  },
  {
    id: 'model-damaged',
    title: 'Stored model files were damaged',
    group: 'storage',
    severity: 'ticket',
    condition: {
      kind: 'threshold',
      metric: 'model_files_damaged_total',
      of: 'increase',
      windowMs: hour,
      above: 0,
    },
    forMs: 0,
    resolveAfterMs: 5 * minute,
    advice: 'They were thrown away and are loaded again. If it happens again, the disk may be failing.',
  },
];

const ourselves: readonly Draft[] = [
  {
    id: 'telemetry-silent',
    title: 'Nothing is measured any more',
    group: 'telemetry',
    severity: 'ticket',
    // Every browser measures it; how much memory is in use only some tell.
    condition: { kind: 'absence', metric: 'inference_tasks_running', forMs: 5 * minute },
    forMs: minute,
    resolveAfterMs: minute,
    advice: 'Alerts are blind now. Reload the tab; if it stays, the storage of this browser may be broken.',
  },
  {
    id: 'telemetry-dropped',
    title: 'Measurements are lost',
    group: 'telemetry',
    severity: 'info',
    condition: {
      kind: 'threshold',
      metric: 'telemetry_dropped_total',
      of: 'increase',
      windowMs: 10 * minute,
      above: 1_000,
    },
    forMs: 10 * minute,
    resolveAfterMs: 10 * minute,
    advice: 'The reason is a label of the metric: too many different labels, or a storage that is full.',
  },
  {
    id: 'health-bad',
    title: 'A health check is bad',
    group: 'health',
    severity: 'ticket',
    condition: { kind: 'health', check: '*' },
    // Recovery by itself gets its time first.
    forMs: 5 * minute,
    resolveAfterMs: minute,
    advice:
      'Recovery by itself did not help within five minutes: do what the check says, or run its recovery by hand.',
  },
];

/** What the product is watched by. Each has a section of its own in the runbook. */
export const defaultRules: readonly AlertRule[] = [
  ...service,
  ...ledger,
  ...device,
  ...stored,
  ...ourselves,
].map((draft) => ({ ...draft, runbook: `docs/runbook.md#${draft.id}`, enabled: true }));
