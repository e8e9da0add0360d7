import { type Milliseconds, milliseconds, type PeerId } from '../../core/brand.ts';
import { toHex } from '../../core/bytes.ts';
import { follow, type Store } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Locks } from '../../core/ports/locks.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Timers } from '../../core/ports/timers.ts';
import type { Broadcast, NetworkStatistics, Rpc, SignalingState } from '../../mesh/index.ts';
import {
  type Analytics,
  adviseFrom,
  createAlertManager,
  createHealthMonitor,
  createIncidentBook,
  createJournal,
  createTraceExporter,
  type Gzip,
  journalDefaults,
  openAnalytics,
  type PageTelemetry,
  parseIncident,
  type SqliteCodec,
} from '../../observability/index.ts';
import type { askToNotify, showNotification } from '../../platform/browser/notifications.ts';
import type { watchVitals } from '../../platform/browser/vitals.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import type { SettingsKeeper } from '../settings.ts';
import type { TelemetryCommands } from '../telemetryView.ts';
import { createBusyShare } from './busyShare.ts';
import { alertChannels } from './channels.ts';
import { type Measured, pageChecks, type Repairs } from './checks.ts';
import { createDropSampler, createLinkSampler, type DeviceSources, measureDevice } from './deviceMetrics.ts';
import { askHost, type HostFetch, postToHost } from './host.ts';
import type { FilledModels } from './lateTelemetry.ts';
import type { HealthInput } from './pageHealth.ts';
import { telemetrySettingsOf } from './settings.ts';
import { createSwarmMetrics } from './swarmMetrics.ts';
import { createTelemetryCommands } from './telemetryCommands.ts';
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
const askHostAgain = milliseconds(30_000);
const adviseEvery = milliseconds(5 * 60_000);
/** What is looked through for patterns of errors. */
const advisedEntries = 2_000;
/** What a look back is worth when there is no room: a day. */
const shortestRawMs = 86_400_000;

/** Keeps, judges and tells what this tab measures: what looks, at what, and how often. */
export const openTelemetry = async (deps: TelemetryDeps & TelemetryPlatform): Promise<TelemetryCommands> => {
  const { clock, timers, telemetry, models, store } = deps;
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
  const incidents = createIncidentBook();
  const incidentJournal = createJournal(
    { ...deps, tab, parse: parseIncident },
    { ...journalDefaults, namespace: 'incidents', maxBytes: 256 * 1024 },
  );
  void incidents.keepIn(incidentJournal);
  const monitor = createHealthMonitor({ ...deps, incidents });
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
  // Spans wait for their batch, and longer while the host is out of reach: consent may be taken back meanwhile.
  const exporter = createTraceExporter(
    {
      ...deps,
      fetch: async (url, init) => (choices().exportTraces ? deps.fetch(url, init) : withheld),
    },
    { url: '/telemetry/traces' },
  );
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
  // Also what its person sets in another tab.
  follow(deps.settings.store, ({ telemetry: set }) => {
    const next = telemetrySettingsOf(set);
    if (JSON.stringify(next) !== JSON.stringify(choices())) models.settings.set(next);
    const { metrics, traces, logs, traceSampling } = next;
    telemetry.setParts({ metrics, traces, logs, traceSampling });
  });
  const meetHost = async () => {
    if (deps.connection.get().phase !== 'joined' || models.host.get()) return;
    const host = await askHost(deps.fetch);
    if (host) models.host.set(host);
    else timers.after(askHostAgain, () => void meetHost());
  };
  follow(deps.connection, ({ phase }) => {
    if (phase === 'joined') void meetHost();
  });
  /** What is not written when a tab is left is lost with it. */
  deps.onLeaving(() => {
    void telemetry.flush();
    void incidentJournal.flush();
    void analytics.flush();
    void exporter.flush('leaving');
  });
  showAnalytics();

  return createTelemetryCommands({
    ...deps,
    analytics,
    monitor,
    alerts,
    sharing,
    own,
    show: showAnalytics,
    advise,
  });
};

/** As a collector's final no: what waited is let go, and not tried again. */
const withheld = { status: 403, headers: new Headers(), body: null };

/** In the middle of steps that begin with whole ones of the clock: late as it may be, a step has its samples, and no other's. */
const untilSample = (now: number): Milliseconds =>
  milliseconds(
    sampleEveryMs - ((((now - sampleEveryMs / 2) % sampleEveryMs) + sampleEveryMs) % sampleEveryMs),
  );

const forgetOldMeasurements = async (analytics: Analytics): Promise<void> => {
  const { raw } = analytics.retentionPolicy();
  analytics.setRetentionPolicy({ raw: { ...raw, maxAgeMs: Math.min(raw.maxAgeMs, shortestRawMs) } });
  await analytics.flush();
};
