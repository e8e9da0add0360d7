import type { HealthReport } from '../../../src/observability/health/types.ts';
import {
  type AlertRule,
  type AlertView,
  createEvaluationMemory,
  defaultNoticePolicy,
  defaultRules,
  evaluate,
  noAlerts,
  nothingTold,
  notify,
} from '../../../src/observability/index.ts';
import { createSeededRandom } from '../random.ts';
import { type Calendar, createDevice, drawCalendar, type Span, sampleMs } from './device.ts';
import type { Fault } from './faults.ts';
import { createSeries } from './series.ts';

const day = 86_400_000;
const evaluateMs = 10_000;
/** Three days of samples, as the contract of the reader asks for. */
const capacity = (3 * day) / sampleMs + 200;
const wallStart = 1_790_000_000_000;

/** An alert's life, in true time. */
export type Episode = {
  readonly alert: AlertView;
  readonly firedAt: number;
  /** When somebody was told. */
  toldAt: number | undefined;
  resolvedAt: number | undefined;
};
export type Watched = { readonly episodes: readonly Episode[]; readonly notifications: number };

export type WatchOptions = {
  readonly seed: number;
  readonly days: number;
  readonly faults: readonly Fault[];
  readonly rules?: readonly AlertRule[];
};

/** Runs the production rules and steps against a device for so many days. */
export const watch = ({ seed, days, faults, rules = defaultRules }: WatchOptions): Watched => {
  const random = createSeededRandom(seed);
  const calendar = drawCalendar(random.fork('calendar'), days, faults);
  const series = createSeries(capacity);
  const device = createDevice(random.fork('device'), calendar, faults, series);
  const log = createLog();
  const memory = createEvaluationMemory();
  const policy = { ...defaultNoticePolicy, origin: 'simulated' };
  let [alerts, notices] = [noAlerts, nothingTold];
  const look = (now: number, wall: number) => {
    const [next, changes] = evaluate(alerts, rules, series.reader, healthAt(calendar, now), [], wall, memory);
    alerts = next;
    for (const { alert, from, to } of changes) log.changed(alert, from, to, now);
    const views = [...next.tracked.values()].map(({ view }) => view);
    const [told, notifications] = notify(notices, views, wall, policy);
    notices = told;
    for (const each of notifications) log.told(each.alerts, now);
  };
  const phase = random.int(evaluateMs / sampleMs);
  let asleep = true;
  let offset = 0;
  const jumps = [...calendar.jumps];
  for (let step = 1; step * sampleMs < days * day; step++) {
    const now = step * sampleMs;
    if (isOn(calendar.sleeps, now)) {
      asleep = true;
      continue;
    }
    if (asleep) device.woke(now);
    asleep = false;
    while ((jumps[0]?.at ?? Number.POSITIVE_INFINITY) <= now) offset += jumps.shift()?.by ?? 0;
    const hidden = isOn(calendar.hidden, now);
    device.step(now, hidden);
    if (!hidden || step % 12 === 0) device.sample(now, wallStart + now + offset);
    const due = hidden ? step % 12 === phase : step % (evaluateMs / sampleMs) === phase;
    // Between two samples, not at one: what was sampled last may be almost a step old.
    if (due) look(now + 4_000, wallStart + now + offset + 4_000);
  }
  return log.watched();
};

const isOn = (spans: readonly Span[], now: number): boolean =>
  spans.some(({ from, until }) => from <= now && now < until);

const createLog = () => {
  const episodes: Episode[] = [];
  const open = new Map<string, Episode>();
  let notifications = 0;
  return {
    changed(alert: AlertView, from: string | undefined, to: string | undefined, now: number): void {
      if (to === 'firing') {
        const episode: Episode = { alert, firedAt: now, toldAt: undefined, resolvedAt: undefined };
        episodes.push(episode);
        open.set(alert.id, episode);
      }
      if (from !== 'firing' || to === 'firing') return;
      const episode = open.get(alert.id);
      if (episode) episode.resolvedAt = now;
      open.delete(alert.id);
    },
    told(alerts: readonly AlertView[], now: number): void {
      notifications++;
      for (const { id, state } of alerts) {
        const episode = open.get(id);
        if (episode && state === 'firing') episode.toldAt ??= now;
      }
    },
    watched: (): Watched => ({ episodes, notifications }),
  };
};

const healthAt = ({ hiccups }: Calendar, now: number): HealthReport => {
  const state = isOn(hiccups, now) ? 'bad' : 'ok';
  return {
    state,
    score: 100,
    checks: [
      {
        id: 'engine',
        title: 'Engine',
        component: 'engine',
        state,
        message: state === 'ok' ? 'ready' : 'starts again',
        value: undefined,
        since: now,
        checkedAt: now,
        because: undefined,
        mendable: false,
        recovery: { phase: 'none' },
      },
    ],
    incidents: [],
    mttrMs: undefined,
    at: now,
  };
};
