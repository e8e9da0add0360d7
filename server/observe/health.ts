import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../../src/core/ports/clock.ts';
import { silentTelemetry } from '../../src/core/ports/telemetry.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import { createHealthMonitor, type HealthMonitor } from '../../src/observability/health/monitor.ts';
import { stateOfValue } from '../../src/observability/health/report.ts';
import type {
  CheckReading,
  CheckSpec,
  CheckState,
  HealthReport,
  Thresholds,
} from '../../src/observability/health/types.ts';
import type { Bus } from '../bus.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { DiskWatch } from './disk.ts';

/** What the checks look at. What a process does not have is left out, and not looked at. */
export type HealthSources = {
  /** Seconds, p99. */
  readonly lag: () => number;
  /** Bytes in use and at most. */
  readonly memory: () => { readonly used: number; readonly limit: number };
  readonly disk?: DiskWatch;
  readonly bus?: Pick<Bus, 'state'> | undefined;
  readonly keeper?: KeeperSource | undefined;
  /** Whether the page is there to be served. */
  readonly hasClient?: boolean;
  readonly sockets?: { readonly open: () => number; readonly most: number };
  readonly isDraining: () => boolean;
};

export type KeeperSource = {
  readonly height: () => number;
  readonly pending: () => number;
  readonly fault: () => { readonly message: string } | undefined;
  readonly others: () => { readonly reached: number; readonly all: number };
};

/** The original design's thresholds, as the page has them. */
export const healthThresholds = {
  lag: { warn: 0.25, bad: 1, worse: 'above' },
  memory: { warn: 0.85, bad: 0.95, worse: 'above' },
  disk: { warn: 0.8, bad: 0.9, worse: 'above' },
  sockets: { warn: 0.8, bad: 0.95, worse: 'above' },
} as const satisfies Readonly<Record<string, Thresholds>>;
/** With operations that wait, a height comes in seconds; so long without one is no slow round any more. */
const stuckAfterMs = 120_000;

type HealthDeps = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  readonly metrics: Metrics;
};

/** Looks after this process as a page looks after itself: same monitor, same states and score. Nothing is mended here. */
export const createServerHealth = (deps: HealthDeps, sources: HealthSources): HealthMonitor => {
  const { log, metrics } = deps;
  const { registry } = metrics;
  const telemetry = {
    ...silentTelemetry,
    log: (level: Parameters<Log>[0], _component: string, message: string, fields = {}) =>
      log(level, message, fields),
    count: registry.count,
    observe: registry.observe,
    gauge: registry.gauge,
  };
  const monitor = createHealthMonitor({ ...deps, telemetry });
  for (const spec of checksOf(sources, deps.clock)) monitor.registerCheck(spec);
  metrics.gauge('aivillage_draining', () => (sources.isDraining() ? 1 : 0));
  metrics.gauge('aivillage_health_score', () => monitor.report.get().score);
  for (const { id } of checksOf(sources, deps.clock))
    metrics.gauge('aivillage_health_state', () => levelOf(monitor.report.get(), id), { check: id });
  void monitor.runHealthChecks();
  return monitor;
};

const levels: Readonly<Record<CheckState, number | undefined>> = {
  ok: 0,
  warn: 1,
  bad: 2,
  unknown: undefined,
};
const levelOf = ({ checks }: HealthReport, id: string): number | undefined =>
  levels[checks.find((check) => check.id === id)?.state ?? 'unknown'];

/** What /healthz shows of it: states and sentences, no name of a folder and no address. */
export const healthSummary = ({ state, score, checks }: HealthReport) => ({
  state,
  score,
  checks: checks.map(({ id, title, state: shown, message, value, since }) => ({
    id,
    title,
    state: shown,
    message,
    ...(value === undefined ? {} : { value }),
    since: new Date(since).toISOString(),
  })),
});

type Check = Omit<CheckSpec, 'component'>;

const checksOf = (sources: HealthSources, clock: Clock): readonly CheckSpec[] => {
  const { disk, bus, keeper, hasClient, sockets } = sources;
  const checks: readonly (Check | undefined)[] = [
    lagCheck(sources),
    memoryCheck(sources),
    heapCheck,
    disk && diskCheck(disk),
    sockets && socketsCheck(sockets),
    hasClient === undefined ? undefined : clientCheck(hasClient),
    bus && busCheck(bus),
    keeper && keeperCheck(keeper, clock),
    keeper && othersCheck(keeper),
    drainingCheck(sources),
  ];
  return checks.flatMap((check) => (check ? [{ ...check, component: 'server' }] : []));
};

const lagCheck = ({ lag }: HealthSources): Check => ({
  id: 'event-loop',
  title: 'Event loop',
  measure() {
    const value = lag();
    const state = stateOfValue(value, healthThresholds.lag);
    const late = `Timers run ${Math.round(value * 1_000)} ms late (p99).`;
    const advice = ' It has more to do than one processor can: let in fewer tabs, or run several processes.';
    return { state, value, message: state === 'ok' ? late : `${late}${advice}` };
  },
});

const memoryCheck = ({ memory }: HealthSources): Check => ({
  id: 'memory',
  title: 'Memory',
  measure() {
    const { used, limit } = memory();
    return share(
      used / limit,
      healthThresholds.memory,
      'of the memory it may have is used',
      'Give it more, or let in fewer tabs.',
    );
  },
});

const heapCheck: Check = {
  id: 'heap',
  title: 'Heap',
  measure() {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    return share(
      used / limit,
      healthThresholds.memory,
      'of the engine’s heap is used',
      'Raise --max-old-space-size, or let in fewer tabs.',
    );
  },
};

const diskCheck = (disk: DiskWatch): Check => ({
  id: 'disk',
  title: 'Disk',
  async measure() {
    const found = await disk.refresh();
    if (!found || found.size === 0)
      return { state: 'unknown', message: 'The system does not say how full the disk is.' };
    const used = 1 - found.free / found.size;
    return share(
      used,
      healthThresholds.disk,
      'of the disk with the data folder is used',
      'Free some: a keeper whose disk is full votes no more.',
    );
  },
});

const socketsCheck = ({ open, most }: NonNullable<HealthSources['sockets']>): Check => ({
  id: 'sockets',
  title: 'Sockets',
  measure: () =>
    share(
      open() / most,
      healthThresholds.sockets,
      `of ${most} sockets are open`,
      'Raise AIVILLAGE_MAX_CONNECTIONS, or run several processes.',
    ),
});

const clientCheck = (hasClient: boolean): Check => ({
  id: 'client',
  title: 'Page',
  measure: () =>
    hasClient
      ? { state: 'ok', message: 'The built page is there.' }
      : { state: 'bad', message: 'There is no built page: npm run build, then restart.' },
});

/** Without the bus a process serves its own tabs as before: no reason to take it out or to restart it. */
const busCheck = ({ state }: Pick<Bus, 'state'>): Check => ({
  id: 'bus',
  title: 'Bus',
  measure: () =>
    state.get() === 'connected'
      ? { state: 'ok', message: 'Rooms are shared with the other processes.' }
      : {
          state: 'warn',
          message:
            'The bus is away: tabs of other processes can not be reached. It is tried again by itself.',
        },
});

const keeperCheck = (keeper: KeeperSource, clock: Clock): Check => {
  let height = keeper.height();
  let movedAt = clock.monotonic() as number;
  return {
    id: 'keeper',
    title: 'Keeper',
    measure() {
      const now = clock.monotonic();
      const fault = keeper.fault();
      if (fault) return { state: 'bad', message: `It votes no more: ${fault.message}` };
      // Nothing has to move while nothing waits.
      if (keeper.height() !== height || keeper.pending() === 0) movedAt = now;
      height = keeper.height();
      const seconds = Math.round((now - movedAt) / 1_000);
      if (now - movedAt >= stuckAfterMs)
        return {
          state: 'bad',
          value: height,
          message: `${keeper.pending()} operations wait, and height ${height} has not moved for ${seconds} s: are a quorum of keepers up and connected?`,
        };
      return { state: 'ok', value: height, message: `At height ${height}.` };
    },
  };
};

const othersCheck = (keeper: KeeperSource): Check => ({
  id: 'keepers',
  title: 'Other keepers',
  measure() {
    const { reached, all } = keeper.others();
    const message = `${reached} of ${all} are reached.`;
    if (reached >= all)
      return { state: 'ok', value: reached, message: all === 0 ? 'It is the only one.' : message };
    // Tendermint orders while more than two thirds take part.
    const isQuorum = 3 * (reached + 1) > 2 * (all + 1);
    return {
      state: isQuorum ? 'warn' : 'bad',
      value: reached,
      message: `${message} ${isQuorum ? 'Operations go on.' : 'Nothing can become final: too few.'}`,
    };
  },
});

const drainingCheck = ({ isDraining }: HealthSources): Check => ({
  id: 'draining',
  title: 'Going down',
  worsensAfter: 1,
  measure: () =>
    isDraining()
      ? { state: 'warn', message: 'It takes nobody new: it is being stopped.' }
      : { state: 'ok', message: 'It takes new tabs.' },
});

const share = (value: number, thresholds: Thresholds, what: string, advice: string): CheckReading => {
  const state = stateOfValue(value, thresholds);
  const message = `${Math.round(value * 100)} % ${what}.`;
  return { state, value, message: state === 'ok' ? message : `${message} ${advice}` };
};
