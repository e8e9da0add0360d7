import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import { toHex } from '../../core/bytes.ts';
import { follow, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { err, type Fault, ok, type Result } from '../../core/result.ts';
import type { Broadcast, NetworkStatistics, Rpc, SignalingState } from '../../mesh/index.ts';
import {
  type Analytics,
  adviseFrom,
  createAlertManager,
  createHealthMonitor,
  createTraceExporter,
  describeMetric,
  encodeOtlp,
  type Gzip,
  openAnalytics,
  type PageTelemetry,
  type SqliteCodec,
  toJsonLines,
  waterfallOf,
} from '../../observability/index.ts';
import type { askToNotify, showNotification } from '../../platform/browser/notifications.ts';
import type { watchVitals } from '../../platform/browser/vitals.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import type { SettingsKeeper } from '../settings.ts';
import type { TelemetryCommands, TelemetrySettings } from '../telemetryView.ts';
import { createBusyShare } from './busyShare.ts';
import { alertChannels } from './channels.ts';
import { chartOf } from './charts.ts';
import { type Measured, pageChecks, type Repairs } from './checks.ts';
import { createDropSampler, createLinkSampler, type DeviceSources, measureDevice } from './deviceMetrics.ts';
import { askHost, type HostFetch, postToHost } from './host.ts';
import type { FilledModels } from './lateTelemetry.ts';
import type { HealthInput } from './pageHealth.ts';
import { runbookSection } from './runbook.ts';
import { createSwarmMetrics } from './swarmMetrics.ts';
import { createTraceSharing } from './traceSharing.ts';

export type TelemetryDeps = {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly locks: Locks;
  readonly telemetry: PageTelemetry;
  readonly settings: SettingsKeeper;
  readonly models: FilledModels;
  /** Names this browser in alerts, the same after a reload. */
  readonly origin: string;
  /** The room's id: a hash, by which the host tells swarms apart. */
  readonly room: string;
  readonly self: PeerId;
  readonly build: string;
  readonly rpc: Pick<Rpc, 'call' | 'handle'>;
  readonly broadcast: Pick<Broadcast, 'publish' | 'subscribe'>;
  readonly statistics: () => NetworkStatistics;
  readonly connection: Store<SignalingState>;
  readonly device: Omit<DeviceSources, 'statistics' | 'connection'>;
  readonly nameOf: (peer: PeerId) => string | undefined;
  readonly health: () => HealthInput;
  readonly ledger: Measured['ledger'];
  readonly repairs: Omit<Repairs, 'dropCaches'>;
};

/** What the browser gives: doubles in tests. */
export type TelemetryPlatform = {
  readonly store: KeyValueStore;
  readonly sqlite: SqliteCodec;
  readonly gzip: Gzip;
  /** To this page's own host. */
  readonly fetch: HostFetch;
  readonly askToNotify: typeof askToNotify;
  readonly showNotification: typeof showNotification;
  readonly watchVitals: typeof watchVitals;
  readonly online: () => boolean;
  /** Calls it when the page is left, as often as that happens. */
  readonly onLeaving: (leave: () => void) => void;
};

/** Every series gets a point so often: what completeness is measured against, and what a total outage is found by. */
const sampleEveryMs = 5_000;
/** What a person looks at while the screen is open. */
const showEvery = milliseconds(10_000);
const adviseEvery = milliseconds(5 * 60_000);
/** What is looked through for patterns of errors. */
const advisedEntries = 2_000;
/** What a look back is worth when there is no room: a day. */
const shortestRawMs = 86_400_000;

/** Keeps, judges and tells what this tab measures, and answers what a person asks of it. */
export const openTelemetry = async (deps: TelemetryDeps & TelemetryPlatform): Promise<TelemetryCommands> => {
  const { clock, timers, telemetry, models, settings, store } = deps;
  const tab = toHex(deps.random.bytes(8));
  void telemetry.keepIn({ store, timers, tab });
  const analytics = await openAnalytics(
    {
      ...deps,
      source: tab,
    },
    { intervalMs: sampleEveryMs },
  );
  const choices = () => models.settings.get();

  const vitals = measureDevice(
    { telemetry, registry: telemetry.metrics, watchVitals: deps.watchVitals, online: deps.online },
    { ...deps.device, statistics: deps.statistics, connection: deps.connection.get },
  );
  const busy = createBusyShare(telemetry.metrics, clock);
  const monitor = createHealthMonitor(deps);
  const checks = pageChecks(
    deps.health,
    {
      now: clock.now,
      reader: () => analytics,
      memoryShare: vitals.memoryShare,
      workersBusy: busy.share,
      ledger: deps.ledger,
    },
    { ...deps.repairs, dropCaches: () => forgetOldMeasurements(analytics) },
  );
  for (const check of checks) monitor.registerCheck(check);
  follow(monitor.report, models.health.set);

  const alerts = createAlertManager(
    {
      ...deps,
      reader: analytics,
      health: monitor.report.get,
      measures: () => choices().metrics,
      channels: alertChannels({
        settings: choices,
        host: models.host.get,
        room: deps.room,
        post: (path, body) => postToHost(deps.fetch, path, body),
        show: deps.showNotification,
      }),
    },
    { origin: deps.origin },
  );
  follow(alerts.alerts, models.alerts.set);
  follow(alerts.rules, models.rules.set);
  follow(alerts.silences, models.silences.set);

  const own = { service: 'aivillage-tab', instance: deps.self, version: deps.build } as const;
  const exporter = createTraceExporter(deps, { url: '/telemetry/traces' });
  telemetry.spans((span) => {
    if (choices().exportTraces && models.host.get()?.collector) exporter.add(own, [span]);
  });

  const sharing = createTraceSharing({
    ...deps,
    spansOf: telemetry.traces.spansOf,
    mayTell: () => choices().traces,
  });

  const swarm = createSwarmMetrics({
    ...deps,
    reader: () => analytics,
    mayTell: () => choices().shareMetrics,
    peers: () => deps.statistics().peers,
  });
  follow(swarm.metrics, models.swarmMetrics.set);

  const showAnalytics = () => {
    models.analytics.set(analytics.state());
    models.series.set(analytics.series());
    models.dropped.set(telemetry.dropped());
  };
  timers.every(showEvery, () => {
    swarm.refresh();
    showAnalytics();
  });
  telemetry.metrics.watch('telemetry_bytes', () => analytics.state().bytes);
  telemetry.metrics.watch('telemetry_series', () => analytics.state().series);
  const sampleDropped = createDropSampler(telemetry, telemetry.dropped);
  const sampleLinks = createLinkSampler(telemetry, deps.statistics);
  const sample = () => {
    if (choices().metrics) {
      sampleLinks();
      busy.look();
      sampleDropped();
      analytics.sample(telemetry.metrics);
    }
    timers.after(untilSample(clock.now()), sample);
  };
  timers.after(untilSample(clock.now()), sample);
  const advise = async () => {
    const entries = await telemetry.logs.search({ level: 'warn', limit: advisedEntries });
    models.advice.set(
      adviseFrom({ reader: analytics, logs: entries, health: monitor.report.get(), now: clock.now() }),
    );
  };
  timers.every(adviseEvery, () => void advise());
  models.retention.set(analytics.retentionPolicy());
  applyParts(telemetry, choices());
  follow(deps.connection, ({ phase }) => {
    if (phase === 'joined' && !models.host.get()) void askHost(deps.fetch).then(models.host.set);
  });
  /** What is not written when a tab is left is lost with it. */
  deps.onLeaving(() => {
    void telemetry.flush();
    void analytics.flush();
    void exporter.flush('leaving');
  });
  showAnalytics();

  return {
    chart: (query) => chartOf(analytics, query),
    describe: describeMetric,
    trace: async (traceId) => waterfallOf(await sharing.whole(traceId)),
    traceOfJob: (job) => telemetry.traces.traceOfJob(job),
    async exportTrace(traceId) {
      const spans = await sharing.whole(traceId);
      if (spans.length === 0) return undefined;
      return {
        name: `trace-${traceId.slice(0, 8)}.json`,
        type: 'application/json',
        bytes: await encodeOtlp(
          spans.map((span) => ({ resource: own, span })),
          'json',
        ),
      };
    },
    searchLog: (query) => telemetry.logs.search(query),
    async exportLog(query) {
      const bytes = new TextEncoder().encode(toJsonLines(await telemetry.logs.search(query)));
      return { name: 'aivillage-log.jsonl', type: 'application/jsonl', bytes };
    },
    async setLogLevel(component, level) {
      telemetry.logs.setLevel(component, level);
    },
    runHealthChecks: async () => void (await monitor.runHealthChecks()),
    recover: (check) => monitor.recover(check),
    silence: async (silence) => inWords(await alerts.silence(silence)),
    endSilence: (id) => alerts.endSilence(id),
    markAlertsSeen: () => alerts.markSeen(),
    runbook: runbookSection,
    setRule: async (id, change) => inWords(await alerts.setRule(id, change)),
    testChannels: () => alerts.testChannels(),
    async setTelemetry(change) {
      const refused = change.notify ? await whyNoNotifications(deps.askToNotify) : undefined;
      if (refused !== undefined) return err(refused);
      const next: TelemetrySettings = { ...choices(), ...change };
      models.settings.set(next);
      applyParts(telemetry, next);
      await settings.change({ telemetry: next });
      return ok(undefined);
    },
    async setRetention(policy) {
      const set = analytics.setRetentionPolicy(policy);
      models.retention.set(analytics.retentionPolicy());
      return inWords(set);
    },
    report: async (format, from, to) =>
      inWords(await analytics.generateAnalyticsReport({ format, from, to })),
    saveAnalytics: async (format, compress) => inWords(await analytics.save(format, { compress })),
    async loadAnalytics(file) {
      const loaded = await analytics.load(new Uint8Array(await file.arrayBuffer()));
      showAnalytics();
      return inWords(loaded);
    },
    exportCsv: async (keys, from, to) => inWords(await analytics.exportCsv(keys, from, to)),
    async forgetAnalytics() {
      await analytics.clear();
      showAnalytics();
    },
    refreshAdvice: advise,
  };
};

/** In the middle of steps that begin with whole ones of the clock: late as it may be, a step has its samples, and no other's. */
const untilSample = (now: number): Milliseconds =>
  milliseconds(
    sampleEveryMs - ((((now - sampleEveryMs / 2) % sampleEveryMs) + sampleEveryMs) % sampleEveryMs),
  );

const applyParts = (telemetry: PageTelemetry, { metrics, traces, logs, traceSampling }: TelemetrySettings) =>
  telemetry.setParts({ metrics, traces, logs, traceSampling });

const forgetOldMeasurements = async (analytics: Analytics): Promise<void> => {
  const { raw } = analytics.retentionPolicy();
  analytics.setRetentionPolicy({ raw: { ...raw, maxAgeMs: Math.min(raw.maxAgeMs, shortestRawMs) } });
  await analytics.flush();
};

const whyNoNotifications = async (ask: TelemetryPlatform['askToNotify']): Promise<string | undefined> => {
  const asked = await ask();
  if (asked === 'granted') return undefined;
  return asked === 'unsupported'
    ? 'This browser has no notifications. On a phone, install the page first.'
    : 'This browser does not allow this page to notify: allow it in the settings of the page, beside its address.';
};

const inWords = <T>(result: Result<T, Fault<string>>): Result<T, string> =>
  result.ok ? result : err(result.error.message);
