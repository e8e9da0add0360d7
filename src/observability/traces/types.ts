import type { LogFields, SpanContext, SpanKind } from '../../core/ports/telemetry.ts';

/** An ended span (or, while it runs, one without an end). Times in milliseconds since 1970, with fractions. */
export type SpanRecord = {
  readonly context: SpanContext;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  /** Where it ran: `tab`, `worker`, `server`, and which of them in the fields of the resource. */
  readonly where: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly fields: LogFields;
  readonly events: readonly { readonly at: number; readonly name: string; readonly fields: LogFields }[];
  readonly failure: string | undefined;
};

/** A trace in one line of a list. */
export type TraceSummary = {
  readonly traceId: string;
  /** Of its root, or of its oldest span if the root is elsewhere. */
  readonly name: string;
  readonly startedAt: number;
  readonly durationMs: number;
  readonly spans: number;
  readonly failures: number;
  /** What it was for, if its root says so: `job` is set on the root of a job. */
  readonly job: string | undefined;
};

/** A row of the waterfall, in the order in which it is drawn: parents before children, siblings by start. */
export type WaterfallRow = {
  readonly span: SpanRecord;
  readonly depth: number;
  /** Its parent is not here (it ran elsewhere, or was forgotten). */
  readonly orphan: boolean;
  /** From the start of the trace, and of itself without its children. */
  readonly offsetMs: number;
  readonly durationMs: number;
  readonly selfMs: number;
  /** On the path that decided how long the trace took. */
  readonly critical: boolean;
  /** By how much it is drawn later than its device said: that device's clock is behind. Absent: not at all. */
  readonly shiftedMs?: number;
};
