export type Severity = 'page' | 'ticket' | 'info';

/**
 * When a rule's condition holds. Windows in milliseconds. `metric`, `good` and `total` select series as Prometheus does:
 * `rpc_seconds{outcome!="ok"}`. Of a threshold or anomaly every series is judged by itself.
 */
export type Condition =
  | {
      readonly kind: 'threshold';
      readonly metric: string;
      /** `rate`: per second; `increase`: of a counter within the window; `change`: last less first value of a gauge. */
      readonly of: 'latest' | 'mean' | 'rate' | 'increase' | 'change' | 'p50' | 'p95' | 'p99';
      readonly windowMs: number;
      readonly above?: number;
      readonly below?: number;
      readonly minimumSamples?: number;
    }
  /** Good and all events as counters: burn rates of an error budget (Google SRE workbook, chapter 5). */
  | {
      readonly kind: 'burn-rate';
      readonly good: string;
      readonly total: string;
      /** 0.999 */
      readonly objective: number;
      readonly windows: readonly {
        readonly longMs: number;
        readonly shortMs: number;
        readonly factor: number;
        readonly severity: Severity;
        /** Events in the long window; that of the condition if left out. */
        readonly minimumEvents?: number;
      }[];
      readonly minimumEvents: number;
      /** Failures in the long window: one of twenty is a burst of 5 %, and an accident. Default 1. */
      readonly minimumFailures?: number;
    }
  | {
      readonly kind: 'anomaly';
      readonly metric: string;
      readonly method: 'robust-z' | 'ewma' | 'seasonal';
      readonly windowMs: number;
      readonly factor: number;
      readonly direction: 'both' | 'above' | 'below';
      readonly minimumSamples: number;
    }
  | { readonly kind: 'absence'; readonly metric: string; readonly forMs: number }
  /** A health check is bad; `*`: any, each an alert of its own. */
  | { readonly kind: 'health'; readonly check: string };

export type AlertRule = {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly condition: Condition;
  /** The condition must hold for so long before it fires, and be away for so long before it resolves. */
  readonly forMs: number;
  readonly resolveAfterMs: number;
  readonly group: string;
  /** What to do, in one or two sentences, and where more is written. */
  readonly advice: string;
  readonly runbook: string;
  readonly enabled: boolean;
};

export type AlertState = 'pending' | 'firing' | 'resolved';
export type AlertView = {
  /** Rule and series: the same alert has the same id for ever. */
  readonly id: string;
  readonly rule: string;
  readonly title: string;
  readonly severity: Severity;
  readonly group: string;
  readonly state: AlertState;
  readonly startedAt: number;
  readonly firedAt: number | undefined;
  readonly resolvedAt: number | undefined;
  /** What was found, with numbers. */
  readonly message: string;
  readonly advice: string;
  readonly runbook: string;
  readonly series: string | undefined;
  readonly silencedUntil: number | undefined;
  /** Read by the person. */
  readonly seen: boolean;
};

export type Silence = {
  readonly id: string;
  /** A rule's id, a group, or everything. */
  readonly match: { readonly rule: string } | { readonly group: string } | 'all';
  readonly from: number;
  readonly until: number;
  readonly reason: string;
};

/** What a channel is asked to tell: the alerts of one group that changed together. */
export type Notification = {
  /** The same news has the same id, whichever tab of a swarm tells it. */
  readonly id: string;
  readonly group: string;
  readonly kind: 'firing' | 'resolved';
  readonly severity: Severity;
  readonly title: string;
  readonly text: string;
  readonly alerts: readonly AlertView[];
  readonly at: number;
};
