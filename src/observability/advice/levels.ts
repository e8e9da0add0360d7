import type { Labels } from '../metrics/types.ts';
import type { Signals } from './signals.ts';
import type { ServiceLevel } from './types.ts';

/** What is promised of one kind of work: the share of its events, counted by their label `outcome`, that must be good. */
export type Objective = {
  readonly id: string;
  readonly title: string;
  /** In (0, 1). */
  readonly objective: number;
  readonly windowMs: number;
  /** A counter or histogram with a label `outcome`. */
  readonly events: string;
  readonly good: readonly string[];
  /** Neither good nor bad: somebody did not want it any more, or said at once that he can't. */
  readonly ignored: readonly string[];
  /** Histogram of how long the good ones take, in seconds. */
  readonly latency: string;
};

const day = 24 * 3_600_000;
const gaveUp = ['cancelled', 'aborted', 'stopped', 'refused', 'overloaded', 'peer-lost', 'closed'];

export const defaultObjectives: readonly Objective[] = [
  {
    id: 'jobs',
    title: 'Jobs end well',
    objective: 0.99,
    windowMs: day,
    events: 'inference_jobs_total',
    good: ['done'],
    ignored: gaveUp,
    latency: 'inference_job_seconds',
  },
  {
    id: 'tasks',
    title: 'Tasks are answered',
    objective: 0.95,
    windowMs: day,
    events: 'inference_tasks_total',
    good: ['answered'],
    ignored: [...gaveUp, 'declined'],
    latency: 'inference_task_seconds',
  },
  {
    id: 'rpc',
    title: 'Peers answer',
    objective: 0.99,
    windowMs: day,
    events: 'rpc_seconds',
    good: ['ok'],
    ignored: gaveUp,
    latency: 'rpc_seconds',
  },
  {
    id: 'ledger',
    title: 'The ledger takes what is submitted',
    objective: 0.99,
    windowMs: day,
    events: 'ledger_submit_seconds',
    good: ['ok'],
    ignored: gaveUp,
    latency: 'ledger_submit_seconds',
  },
  {
    id: 'links',
    title: 'Links open',
    objective: 0.9,
    windowMs: day,
    events: 'mesh_link_open_seconds',
    good: ['up'],
    ignored: gaveUp,
    latency: 'mesh_link_open_seconds',
  },
];

/** Throws on an objective that leaves no budget, or is none: a bug of whoever wrote it. */
export const serviceLevels = (
  signals: Signals,
  objectives: readonly Objective[] = defaultObjectives,
): readonly ServiceLevel[] => objectives.map((objective) => levelOf(signals, objective));

const levelOf = (signals: Signals, spec: Objective): ServiceLevel => {
  const { id, title, objective, windowMs, events } = spec;
  if (!(objective > 0 && objective < 1))
    throw new RangeError(`objective ${id} is ${objective}, not in (0, 1)`);
  const isGood = ({ outcome = '' }: Labels) => spec.good.includes(outcome);
  const good = signals.increase(events, windowMs, isGood);
  const total = signals.increase(events, windowMs, ({ outcome = '' }) => !spec.ignored.includes(outcome));
  const availability = total > 0 ? good / total : undefined;
  const budgetLeft = availability === undefined ? undefined : 1 - (1 - availability) / (1 - objective);
  return {
    id,
    title,
    objective,
    windowMs,
    good,
    total,
    availability,
    budgetLeft,
    latency: latencyOf(signals, spec),
  };
};

const latencyOf = (signals: Signals, { latency, windowMs, good }: Objective): ServiceLevel['latency'] => {
  const took = signals.distribution(
    latency,
    windowMs,
    ({ outcome }) => outcome === undefined || good.includes(outcome),
  );
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((q) => took?.quantile(q));
  return p50 === undefined || p95 === undefined || p99 === undefined ? undefined : { p50, p95, p99 };
};
