import { err, type Fault, ok, type Result } from '../../core/result.ts';
import {
  type AlertManager,
  type Analytics,
  describeMetric,
  encodeOtlp,
  type HealthMonitor,
  type OtlpResource,
  type PageTelemetry,
  toJsonLines,
  waterfallOf,
} from '../../observability/index.ts';
import type { askToNotify } from '../../platform/browser/notifications.ts';
import type { SettingsKeeper } from '../settings.ts';
import type { TelemetryCommands, TelemetrySettings } from '../telemetryView.ts';
import { chartOf } from './charts.ts';
import type { FilledModels } from './lateTelemetry.ts';
import { runbookSection } from './runbook.ts';
import { maxCharts } from './settings.ts';
import type { createTraceSharing } from './traceSharing.ts';

export type OpenedParts = {
  readonly telemetry: PageTelemetry;
  readonly analytics: Analytics;
  readonly monitor: HealthMonitor;
  readonly alerts: AlertManager;
  readonly sharing: Pick<ReturnType<typeof createTraceSharing>, 'whole'>;
  readonly models: FilledModels;
  readonly settings: SettingsKeeper;
  readonly askToNotify: typeof askToNotify;
  /** As which spans that are saved name their origin. */
  readonly own: OtlpResource;
  /** Looks anew at what there is, for whoever looks on. */
  readonly show: () => void;
  readonly advise: () => Promise<void>;
};

/** What a person can ask of everything that is measured. Knows the parts; doesn't know when they look by themselves. */
export const createTelemetryCommands = (parts: OpenedParts): TelemetryCommands => {
  const { telemetry, analytics, monitor, alerts, sharing, models, own } = parts;
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
      const refused = change.notify ? await whyNoNotifications(parts.askToNotify) : undefined;
      if (refused !== undefined) return err(refused);
      const wanted = { ...models.settings.get(), ...change };
      const next: TelemetrySettings = { ...wanted, charts: wanted.charts.slice(0, maxCharts) };
      // Whoever follows the settings hears of it at once, as of what another tab sets.
      await parts.settings.change({ telemetry: next });
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
      parts.show();
      return inWords(loaded);
    },
    exportCsv: async (keys, from, to) => inWords(await analytics.exportCsv(keys, from, to)),
    async forgetAnalytics() {
      await analytics.clear();
      parts.show();
    },
    refreshAdvice: parts.advise,
  };
};

const whyNoNotifications = async (ask: typeof askToNotify): Promise<string | undefined> => {
  const asked = await ask();
  if (asked === 'granted') return undefined;
  return asked === 'unsupported'
    ? 'This browser has no notifications. On a phone, install the page first.'
    : 'This browser does not allow this page to notify: allow it in the settings of the page, beside its address.';
};

const inWords = <T>(result: Result<T, Fault<string>>): Result<T, string> =>
  result.ok ? result : err(result.error.message);
