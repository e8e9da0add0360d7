import type { Milliseconds } from '../brand.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Names one span of one trace, as W3C Trace Context does: lower-case hex, 16 and 8 bytes, never all zero. */
export type SpanContext = {
  readonly traceId: string;
  readonly spanId: string;
  /** Whether whoever began the trace asked for it to be kept. */
  readonly sampled: boolean;
};

export type SpanKind = 'internal' | 'client' | 'server' | 'producer' | 'consumer';

export type SpanOptions = {
  /** Without one a new trace begins. Always given by hand: no context survives an await by itself. */
  readonly parent?: SpanContext | undefined;
  readonly kind?: SpanKind;
  readonly fields?: LogFields;
  /** Where it ran, if that is not this process itself: `worker`. */
  readonly where?: string;
  /** It began this many milliseconds ago: for what is told when it is over. */
  readonly agoMs?: number;
  /** The monotonic clock, if whoever begins it has just looked: a look costs as much as all the rest of a span that isn't kept. */
  readonly now?: Milliseconds;
};

/** A piece of work that takes time. What is set or ended after its end is ignored. */
export interface Span {
  readonly context: SpanContext;
  set(fields: LogFields): void;
  event(name: string, fields?: LogFields): void;
  /** `failure`: why it did not succeed, in one sentence. */
  end(failure?: string): void;
}

/**
 * What every component may say about itself. Fields carry ids and numbers, never contents: no image, no text, no
 * key. Names are in Prometheus style, seconds and bytes: `tasks_done_total`, `rpc_seconds`, `cache_bytes`. Nothing here
 * throws, waits, or grows without bound, whatever it is given; what is not taken is counted as dropped.
 */
export interface Telemetry {
  /** `traceId` and `spanId` among the fields (see `traceFields`) tie an entry to its trace. */
  log(level: LogLevel, component: string, message: string, fields?: LogFields): void;
  /** Adds to a counter. `by`: finite and not negative. */
  count(name: string, by?: number, labels?: LogFields): void;
  /** One sample of a distribution. */
  observe(name: string, value: number, labels?: LogFields): void;
  /** What a value is now. */
  gauge(name: string, value: number, labels?: LogFields): void;
  span(name: string, options?: SpanOptions): Span;
}

export const traceFields = ({ traceId, spanId }: SpanContext): LogFields => ({ traceId, spanId });

/** Takes every call and keeps nothing. Its context is one that no trace has. */
export const silentSpan: Span = {
  context: { traceId: '0'.repeat(32), spanId: '0'.repeat(16), sampled: false },
  set() {},
  event() {},
  end() {},
};
export const silentTelemetry: Telemetry = {
  log() {},
  count() {},
  observe() {},
  gauge() {},
  span: () => silentSpan,
};
