import {
  trace as api,
  type Context,
  type HrTime,
  type Span as OtelSpan,
  SpanKind as OtelSpanKind,
  ROOT_CONTEXT,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
} from '@opentelemetry/sdk-trace-base';
import type { Clock } from '../../core/ports/clock.ts';
import type { Random } from '../../core/ports/random.ts';
import type {
  LogFields,
  Span,
  SpanContext,
  SpanKind,
  SpanOptions,
  Telemetry,
} from '../../core/ports/telemetry.ts';
import { redact, redactFields } from '../redact.ts';
import { createIds } from './ids.ts';
import { createTailBuffer, type TailBuffer } from './tailBuffer.ts';
import { isTraced } from './traceparent.ts';
import type { SpanRecord } from './types.ts';

export type TracerOptions = {
  /** Of every span that doesn't say otherwise: `tab`, `server`. */
  readonly where: string;
  /** Share of the traces begun here that are kept, 0 to 1. */
  readonly sampling: number;
  readonly maxFields: number;
  readonly maxEvents: number;
  readonly maxSpansPerTrace: number;
  /** Traces in which something may still happen: begun here, and as many begun by others. */
  readonly maxTraces: number;
  /** Ended spans of traces that were not chosen; for those of others as many again. */
  readonly maxPending: number;
  readonly maxRunning: number;
  readonly forgetAfterMs: number;
};
export const tracerDefaults: TracerOptions = {
  where: 'tab',
  sampling: 1,
  maxFields: 32,
  maxEvents: 32,
  maxSpansPerTrace: 1_000,
  maxTraces: 500,
  maxPending: 1_000,
  maxRunning: 1_000,
  forgetAfterMs: 300_000,
};

/** `limit`: its trace has too many. `running`: too many at once. `event`, `field`: beyond the limits of its span. */
export type SpanDropReason = 'limit' | 'running' | 'event' | 'field';

export interface Tracer {
  readonly span: Telemetry['span'];
  /** What has not ended yet, oldest first. */
  running(): readonly SpanRecord[];
  setSampling(share: number): void;
  dropped(): Readonly<Record<SpanDropReason, number>>;
}

export type TracerDeps = {
  readonly clock: Clock;
  readonly random: Random;
  /** Every span that is kept, once. `foreign`: its trace began elsewhere. */
  readonly keep: (record: SpanRecord, foreign: boolean) => void;
};

/**
 * Spans over the OpenTelemetry SDK, with this village's clock, random numbers and limits. A trace that begins here is chosen
 * or not by its id; one that began elsewhere follows its flag. What was not chosen is kept all the same if something in it
 * fails. Nothing global is registered, and no context is remembered: a parent is always given by hand. Doesn't know where
 * spans go.
 */
export const createTracer = (deps: TracerDeps, options: Partial<TracerOptions> = {}): Tracer => {
  const settings = { ...tracerDefaults, ...options };
  const own = createTailBuffer(settings);
  const foreign = createTailBuffer(settings);
  const running = new Map<string, Running>();
  const dropped = { limit: 0, running: 0, event: 0, field: 0 };
  const wheres = new WeakMap<object, string>();
  let sampling = clampShare(settings.sampling);

  const bufferOf = (traceId: string): TailBuffer =>
    own.has(traceId) || !foreign.has(traceId) ? own : foreign;
  const onEnd = (span: ReadableSpan) => {
    const record = toRecord(span, wheres.get(span) ?? settings.where);
    dropped.field += span.droppedAttributesCount;
    dropped.event += span.droppedEventsCount;
    const buffer = bufferOf(record.context.traceId);
    const decision = buffer.ended(record, deps.clock.monotonic());
    dropped.limit += decision.dropped;
    for (const kept of decision.kept) deps.keep(kept, buffer === foreign);
  };
  const tracer = openSdk(deps.random, settings, () => sampling, onEnd);

  const start = (
    name: string,
    { parent, kind = 'internal', fields, where, agoMs = 0 }: SpanOptions,
  ): Span => {
    const context = parent && isTraced(parent) ? contextOf(parent) : ROOT_CONTEXT;
    const now = deps.clock.monotonic();
    const wallOffset = () => deps.clock.now() - now;
    // A parent that is not ours makes the trace somebody else's.
    const joined = context === ROOT_CONTEXT ? undefined : parent?.traceId;
    const joinedOffset =
      joined === undefined ? undefined : (own.has(joined) ? own : foreign).began(joined, now, wallOffset);
    const offset = joinedOffset ?? wallOffset();
    const startedAt = now - Math.max(0, Number.isFinite(agoMs) ? agoMs : 0);
    const span = tracer.startSpan(
      redact(name).slice(0, 128),
      { kind: otelKinds[kind], startTime: toHrTime(startedAt + offset) },
      context,
    );
    const made = wrap(span, toContext(span), {
      clock: deps.clock,
      offset,
      running,
      maxFields: settings.maxFields,
    });
    if (joined === undefined) own.began(made.context.traceId, now, () => offset);
    if (where !== undefined) wheres.set(span, where);
    if (fields) made.set(fields);
    hold({ span, where: where ?? settings.where });
    return made;
  };
  const hold = (entry: Running) => {
    running.set(entry.span.spanContext().spanId, entry);
    if (running.size <= settings.maxRunning) return;
    const [oldest] = running.keys();
    if (oldest !== undefined) running.delete(oldest);
    dropped.running++;
  };

  return {
    span: (name, spanOptions = {}) => start(name, spanOptions),
    running: () =>
      [...running.values()].flatMap(({ span, where }) =>
        isReadable(span) ? [{ ...toRecord(span, where), endedAt: undefined }] : [],
      ),
    setSampling(share) {
      sampling = clampShare(share);
    },
    dropped: () => ({ ...dropped }),
  };
};

type Running = { readonly span: OtelSpan; readonly where: string };

const openSdk = (
  random: Random,
  settings: TracerOptions,
  sampling: () => number,
  onEnd: (span: ReadableSpan) => void,
) =>
  new BasicTracerProvider({
    resource: resourceFromAttributes({}),
    sampler: createSampler(sampling),
    idGenerator: createIds(random),
    spanLimits: {
      attributeCountLimit: settings.maxFields,
      attributeValueLengthLimit: 1_001,
      eventCountLimit: settings.maxEvents,
      attributePerEventCountLimit: settings.maxFields,
    },
    spanProcessors: [{ onStart() {}, onEnd, forceFlush: async () => {}, shutdown: async () => {} }],
  }).getTracer('aivillage');

/**
 * Chosen by the 56 random bits of the trace id, as W3C Trace Context level 2 suggests, so that every device would decide the
 * same. What is not chosen is recorded all the same: it may fail.
 */
const createSampler = (sampling: () => number): Sampler => ({
  shouldSample(context: Context, traceId: string) {
    const parent = api.getSpanContext(context);
    const chosen = parent
      ? (parent.traceFlags & TraceFlags.SAMPLED) !== 0
      : Number.parseInt(traceId.slice(-14), 16) < sampling() * 2 ** 56;
    return { decision: chosen ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.RECORD };
  },
  toString: () => 'aivillage',
});

/** The port's span over the SDK's. The SDK complains of every use after the end; here it is ignored. */
const wrap = (
  span: OtelSpan,
  context: SpanContext,
  {
    clock,
    offset,
    running,
    maxFields,
  }: {
    readonly clock: Clock;
    readonly offset: number;
    readonly running: Map<string, Running>;
    readonly maxFields: number;
  },
): Span => {
  let over = false;
  const now = () => toHrTime(clock.monotonic() + offset);
  return {
    context,
    set(fields: LogFields) {
      // One more than fit, so that the SDK counts what it drops.
      if (!over) span.setAttributes(redactFields(fields, maxFields + 1));
    },
    event(name, fields = {}) {
      if (!over) span.addEvent(redact(name).slice(0, 128), redactFields(fields, maxFields + 1), now());
    },
    end(failure) {
      if (over) return;
      over = true;
      running.delete(context.spanId);
      if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: redact(failure) });
      span.end(now());
    },
  };
};

const toContext = (span: OtelSpan): SpanContext => {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 };
};

const contextOf = ({ traceId, spanId, sampled }: SpanContext): Context =>
  api.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
  });

/** Running spans of this SDK can be read; the interface of those that write doesn't say so. */
const isReadable = (span: OtelSpan): span is OtelSpan & ReadableSpan =>
  'startTime' in span && 'events' in span;

const toRecord = (span: ReadableSpan, where: string): SpanRecord => {
  const { traceId, spanId, traceFlags } = span.spanContext();
  const failed = span.status.code === SpanStatusCode.ERROR;
  return {
    context: { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 },
    parentId: span.parentSpanContext?.spanId,
    name: span.name,
    kind: kinds[span.kind],
    where,
    startedAt: toMs(span.startTime),
    endedAt: toMs(span.endTime),
    fields: toFields(span.attributes),
    events: span.events.map(({ time, name, attributes }) => ({
      at: toMs(time),
      name,
      fields: toFields(attributes ?? {}),
    })),
    failure: failed ? (span.status.message ?? 'failed') : undefined,
  };
};

/** Only what went in comes out; the SDK's types allow lists too. */
const toFields = (attributes: Readonly<Record<string, unknown>>): LogFields => {
  const fields: Record<string, string | number | boolean> = {};
  for (const key of Object.keys(attributes)) {
    const value = attributes[key];
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      fields[key] = value;
  }
  return fields;
};

const otelKinds: Readonly<Record<SpanKind, OtelSpanKind>> = {
  internal: OtelSpanKind.INTERNAL,
  client: OtelSpanKind.CLIENT,
  server: OtelSpanKind.SERVER,
  producer: OtelSpanKind.PRODUCER,
  consumer: OtelSpanKind.CONSUMER,
};
const kinds: Readonly<Record<OtelSpanKind, SpanKind>> = {
  [OtelSpanKind.INTERNAL]: 'internal',
  [OtelSpanKind.CLIENT]: 'client',
  [OtelSpanKind.SERVER]: 'server',
  [OtelSpanKind.PRODUCER]: 'producer',
  [OtelSpanKind.CONSUMER]: 'consumer',
};

/** Always a pair: the SDK would take a number that is small enough for a time since the page was opened. */
const toHrTime = (ms: number): HrTime => {
  const safe = Number.isFinite(ms) && ms > 0 ? ms : 0;
  const seconds = Math.floor(safe / 1_000);
  return [seconds, Math.min(999_999_999, Math.round((safe - seconds * 1_000) * 1e6))];
};
const toMs = ([seconds, nanoseconds]: HrTime): number => seconds * 1_000 + nanoseconds / 1e6;

const clampShare = (share: number): number => (share >= 0 ? Math.min(1, share) : 0);
export type CreateTracer = typeof createTracer;
