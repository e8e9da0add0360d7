import type { SeededRandom } from '../random.ts';

const minute = 60_000;
const hour = 60 * minute;

/**
 * What goes wrong on purpose, and how it is judged, fixed before anything runs. `rules`: an alert of one of them is found by the
 * fault if it fires between its begin and `graceMs` after its end; every other alert is false. `withinMs`: a fault that no such
 * alert finds so soon after its begin is missed.
 */
export type FaultKind = {
  readonly rules: readonly string[];
  readonly withinMs: number;
  readonly lasts: readonly [number, number];
};

export const faultKinds = {
  'total-outage': {
    rules: ['jobs-failing', 'rpc-failing'],
    withinMs: minute,
    lasts: [10 * minute, 30 * minute],
  },
  'partial-errors': { rules: ['jobs-failing', 'rpc-failing'], withinMs: hour, lasts: [2 * hour, 4 * hour] },
  'slow-rpc': { rules: ['rpc-slow', 'jobs-slow'], withinMs: 40 * minute, lasts: [hour, 2 * hour] },
  'worker-crash-loop': {
    rules: ['workers-crashing', 'worker-calls-failing'],
    withinMs: 15 * minute,
    lasts: [20 * minute, 40 * minute],
  },
  'link-loss': { rules: ['links-lost'], withinMs: 20 * minute, lasts: [30 * minute, hour] },
  'host-lost': { rules: ['signaling-lost'], withinMs: 12 * minute, lasts: [15 * minute, 40 * minute] },
  'storage-filling': {
    rules: ['storage-filling', 'storage-full'],
    withinMs: 2 * hour,
    lasts: [2 * hour, 3 * hour],
  },
  'memory-leak': { rules: ['memory-growing'], withinMs: 6 * hour, lasts: [6 * hour, 7 * hour] },
  'keeper-silent': {
    rules: ['ledger-stalled', 'ledger-submit-failing'],
    withinMs: 75 * minute,
    lasts: [1.5 * hour, 2.5 * hour],
  },
  'gpu-loss-loop': { rules: ['gpu-lost'], withinMs: 15 * minute, lasts: [20 * minute, 40 * minute] },
  'main-thread-blocked': {
    rules: ['main-thread-blocked'],
    withinMs: 12 * minute,
    lasts: [15 * minute, 30 * minute],
  },
  'telemetry-silence': {
    rules: ['telemetry-silent'],
    withinMs: 10 * minute,
    lasts: [15 * minute, 30 * minute],
  },
} as const satisfies Record<string, FaultKind>;
export type FaultName = keyof typeof faultKinds;
export const faultNames = Object.keys(faultKinds) as readonly FaultName[];

/** After the end of a fault: its windows are still full of it. */
export const graceMs = 30 * minute;

/** `share`: how bad it is, 0 to 1. */
export type Fault = {
  readonly name: FaultName;
  readonly from: number;
  readonly until: number;
  readonly share: number;
};

/** Each kind once, in drawn order, after a day in which what is usual can be seen; ten hours and more between them. */
export const planFaults = (
  random: SeededRandom,
  names: readonly FaultName[] = faultNames,
  apartMs = 10 * hour,
): readonly Fault[] => {
  const left = [...names];
  const faults: Fault[] = [];
  for (let at = 24 * hour; left.length > 0; ) {
    const [name = 'total-outage'] = left.splice(random.int(left.length), 1);
    const [shortest, longest] = faultKinds[name].lasts;
    const from = at + random.between(0, 4 * hour);
    const until = from + random.between(shortest, longest);
    faults.push({ name, from, until, share: random.next() });
    at = until + apartMs;
  }
  return faults;
};
