import type { Store } from '../core/events.ts';
import type { LogLevel } from '../core/ports/telemetry.ts';
import type { Result } from '../core/result.ts';
import type { Advice } from '../observability/advice/types.ts';
import type { AlertRule, AlertView, Severity, Silence } from '../observability/alerts/types.ts';
import type {
  AnalyticsState,
  LoadReport,
  ReportFormat,
  RetentionPolicy,
  SavedFile,
  SaveFormat,
  SeriesInfo,
} from '../observability/analytics/types.ts';
import type { HealthReport } from '../observability/health/types.ts';
import type { LogEntry, LogLevels, LogQuery } from '../observability/logs/types.ts';
import type { MetricDescription } from '../observability/metrics/types.ts';
import type { TraceSummary, WaterfallRow } from '../observability/traces/types.ts';

export type {
  Advice,
  AlertRule,
  AlertView,
  AnalyticsState,
  HealthReport,
  LoadReport,
  LogEntry,
  LogLevels,
  LogQuery,
  ReportFormat,
  RetentionPolicy,
  SavedFile,
  SaveFormat,
  SeriesInfo,
  Severity,
  Silence,
  TraceSummary,
  WaterfallRow,
};

/** One line of a chart. Columns share the time axis of their chart; null is a gap. */
export type ChartLine = {
  readonly key: string;
  readonly label: string;
  readonly values: readonly (number | null)[];
};
export type ChartRange = {
  /** Seconds since 1970. */
  readonly time: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly stepMs: number;
};
/** What is drawn of a series: counters as rate per second, histograms as one of their quantiles. */
export type ChartQuery = {
  readonly keys: readonly string[];
  readonly show: 'value' | 'rate' | 'p50' | 'p95' | 'p99' | 'mean';
  readonly from: number;
  readonly to: number;
  readonly maxPoints: number;
};

/** Distribution of one metric over the peers of the swarm that share theirs, and over all of them together. */
export type SwarmMetric = {
  readonly name: string;
  readonly description: MetricDescription | undefined;
  readonly together: Percentiles | undefined;
  readonly peers: readonly {
    readonly peer: string;
    readonly name: string;
    readonly at: number;
    readonly measured: Percentiles;
  }[];
};
export type Percentiles = {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
};

export type TelemetrySettings = {
  /** Each part can be switched off; nothing of it is measured, kept or written then. */
  readonly metrics: boolean;
  readonly traces: boolean;
  readonly logs: boolean;
  /** Share of traces that are kept, 0 to 1. Those that failed are always kept. */
  readonly traceSampling: number;
  /** Tells the swarm this device's distributions: numbers only. Off until the person says yes. */
  readonly shareMetrics: boolean;
  /** Sends spans to the host's collector, if it has one. Off until the person says yes. */
  readonly exportTraces: boolean;
  /** System notifications for pages. */
  readonly notify: boolean;
  /** Alerts go to the host's channels (webhook, Slack, e-mail), if it has any. */
  readonly relayAlerts: boolean;
  /** Keys of series that the person added to the charts, newest first. */
  readonly charts: readonly string[];
};

/** What the host offers: asked once after joining. */
export type HostTelemetry = {
  readonly collector: boolean;
  readonly channels: readonly ('webhook' | 'slack' | 'email')[];
};

export interface TelemetryModels {
  readonly health: Store<HealthReport>;
  readonly alerts: Store<readonly AlertView[]>;
  readonly rules: Store<readonly AlertRule[]>;
  readonly silences: Store<readonly Silence[]>;
  /** The list of what is stored; it changes when a series appears or goes. */
  readonly series: Store<readonly SeriesInfo[]>;
  readonly analytics: Store<AnalyticsState>;
  readonly retention: Store<RetentionPolicy>;
  /** Newest first, the last 200. */
  readonly traces: Store<readonly TraceSummary[]>;
  readonly log: Store<readonly LogEntry[]>;
  readonly logLevels: Store<LogLevels>;
  readonly swarmMetrics: Store<readonly SwarmMetric[]>;
  readonly advice: Store<Advice | undefined>;
  readonly settings: Store<TelemetrySettings>;
  readonly host: Store<HostTelemetry | undefined>;
  /** Samples, spans and log entries that were dropped since the tab opened, by reason. */
  readonly dropped: Store<Readonly<Record<string, number>>>;
}

export interface TelemetryCommands {
  chart(query: ChartQuery): Promise<Result<ChartRange, string>>;
  describe(metric: string): MetricDescription | undefined;
  trace(traceId: string): Promise<readonly WaterfallRow[]>;
  /** The trace of a job, if one was kept. */
  traceOfJob(job: string): Promise<string | undefined>;
  exportTrace(traceId: string): Promise<SavedFile | undefined>;
  searchLog(query: LogQuery): Promise<readonly LogEntry[]>;
  exportLog(query: LogQuery): Promise<SavedFile>;
  setLogLevel(component: string, level: LogLevel): Promise<void>;
  runHealthChecks(): Promise<void>;
  /** Runs a check's first recovery action now, whatever its breaker says. */
  recover(check: string): Promise<Result<void, string>>;
  silence(silence: Omit<Silence, 'id'>): Promise<Result<void, string>>;
  endSilence(id: string): Promise<void>;
  markAlertsSeen(): void;
  /** What to do about an alert, from the runbook that comes with this build. */
  runbook(link: string): Promise<readonly string[] | undefined>;
  setRule(
    id: string,
    change: Pick<AlertRule, 'enabled'> & Partial<Pick<AlertRule, 'condition'>>,
  ): Promise<Result<void, string>>;
  /** Sends a test notification through every channel; says which took it. */
  testChannels(): Promise<readonly { readonly channel: string; readonly outcome: string }[]>;
  setTelemetry(settings: Partial<TelemetrySettings>): Promise<Result<void, string>>;
  setRetention(policy: Partial<RetentionPolicy>): Promise<Result<void, string>>;
  report(format: ReportFormat, from: number, to: number): Promise<Result<SavedFile, string>>;
  saveAnalytics(format: SaveFormat, compress: boolean): Promise<Result<SavedFile, string>>;
  loadAnalytics(file: Blob): Promise<Result<LoadReport, string>>;
  exportCsv(keys: readonly string[], from: number, to: number): Promise<Result<SavedFile, string>>;
  forgetAnalytics(): Promise<void>;
  refreshAdvice(): Promise<void>;
}
