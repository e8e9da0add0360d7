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
  /** Spans below another that are made at once, and on average: a storm of calls must not cost more than a job. */
  readonly burst: number;
  readonly perSecond: number;
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
  burst: 2_000,
  perSecond: 25,
  forgetAfterMs: 300_000,
};

/** `limit`: its trace has too many. `rate`: too many in a short time. `running`: too many at once. `event`, `field`: beyond the limits of its span. */
export type SpanDropReason = 'limit' | 'rate' | 'running' | 'event' | 'field';

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
 * Spans as OpenTelemetry models them (ids, kinds, events, status; https://opentelemetry.io/docs/specs/otel/trace/api/), with this
 * village's clock, random numbers and limits. Its SDK is not under them: what wrapped it cost more than the numbers allow. A
 * trace that begins here is chosen or not by its id; one that began elsewhere follows its flag. What was not chosen is kept all
 * the same if something in it fails. Nothing global is registered, and no context is remembered: a parent is always given by
 * hand. Doesn't know where spans go.
 */
export const createTracer = (deps: TracerDeps, options: Partial<TracerOptions> = {}): Tracer => {
  const settings = { ...tracerDefaults, ...options };
  const { clock } = deps;
  const ids = createIds(deps.random);
  const own = createTailBuffer(settings);
  const foreign = createTailBuffer(settings);
  const running = new Set<LiveSpan>();
  const dropped = { limit: 0, rate: 0, running: 0, event: 0, field: 0 };
  let sampling = clampShare(settings.sampling);
  let tokens = settings.burst;
  let filledAt: number = clock.monotonic();
  /** The parent that was last found to name a span: the next one mostly has the same. */
  let checked: SpanContext | undefined;
  /** The last one: it knows nothing but its parent, so one serves a whole storm below that. */
  let unkept: UnkeptSpan | undefined;

  const home: SpanHome = {
    clock,
    limits: settings,
    dropped,
    ended(span, record) {
      running.delete(span);
      const isForeign = span.buffer === foreign;
      for (const kept of span.buffer.ended(record, clock.monotonic())) deps.keep(kept, isForeign);
    },
  };

  /** A token bucket. Roots are not asked: there are few, and each says what all the rest was for. */
  const mayMake = (now: number): boolean => {
    tokens = Math.min(settings.burst, tokens + (Math.max(0, now - filledAt) / 1_000) * settings.perSecond);
    filledAt = Math.max(filledAt, now);
    if (tokens < 1) return false;
    tokens--;
    return true;
  };

  const start = (name: string, spanOptions: SpanOptions): Span => {
    const { parent } = spanOptions;
    const now = isTime(spanOptions.now) ? spanOptions.now : clock.monotonic();
    if (parent && (parent === checked || isTraced(parent))) return startBelow(parent, name, spanOptions, now);
    const traceId = ids.traceId();
    const context = { traceId, spanId: ids.spanId(), sampled: isChosen(traceId, sampling) };
    const wallOffset = () => clock.now() - now;
    const offset = own.began(traceId, now, wallOffset) ?? wallOffset();
    return hold(new LiveSpan(home, own, context, undefined, name, spanOptions, now, offset));
  };
  const startBelow = (parent: SpanContext, name: string, spanOptions: SpanOptions, now: number): Span => {
    checked = parent;
    if (!mayMake(now)) return unkeptBelow(parent, 'rate');
    const { traceId, sampled } = parent;
    const buffer = bufferOf(traceId);
    const offset = buffer.began(traceId, now, () => clock.now() - now);
    if (offset === undefined) return unkeptBelow(parent, 'limit');
    const context = { traceId, spanId: ids.spanId(), sampled };
    return hold(new LiveSpan(home, buffer, context, parent.spanId, name, spanOptions, now, offset));
  };
  /** A parent that is not ours makes the trace somebody else's. */
  const bufferOf = (traceId: string) => (own.has(traceId) ? own : foreign);
  const unkeptBelow = (parent: SpanContext, reason: 'rate' | 'limit'): Span => {
    dropped[reason]++;
    if (unkept?.context !== parent) unkept = new UnkeptSpan(bufferOf(parent.traceId), parent);
    return unkept;
  };
  const hold = (span: LiveSpan): Span => {
    running.add(span);
    if (running.size <= settings.maxRunning) return span;
    const [oldest] = running;
    if (oldest) running.delete(oldest);
    dropped.running++;
    return span;
  };

  return {
    span: (name, spanOptions = {}) => start(name, spanOptions),
    running: () => Array.from(running, (span) => span.record(undefined, undefined)),
    setSampling(share) {
      sampling = clampShare(share);
    },
    dropped: () => ({ ...dropped }),
  };
};

/**
 * Chosen by the 56 random bits of the trace id, as W3C Trace Context level 2 suggests, so that every device would decide the
 * same. What is not chosen is recorded all the same: it may fail.
 */
const isChosen = (traceId: string, share: number): boolean =>
  share >= 1 || Number.parseInt(traceId.slice(-14), 16) < share * 2 ** 56;

/** What the spans of a tracer share. */
type SpanHome = {
  readonly clock: Clock;
  readonly limits: Pick<TracerOptions, 'where' | 'maxFields' | 'maxEvents'>;
  readonly dropped: { event: number; field: number };
  readonly ended: (span: LiveSpan, record: SpanRecord) => void;
};
type Fields = Record<string, string | number | boolean>;
type SpanEvent = SpanRecord['events'][number];
const noEvents: readonly SpanEvent[] = [];
const maxNameLength = 128;

class LiveSpan implements Span {
  readonly context: SpanContext;
  readonly buffer: TailBuffer;
  readonly #home: SpanHome;
  readonly #parentId: string | undefined;
  readonly #name: string;
  readonly #kind: SpanKind;
  readonly #where: string;
  readonly #startedAt: number;
  /** Wall time of its trace minus our monotonic time. */
  readonly #offset: number;
  #fields: Fields = {};
  #fieldCount = 0;
  #events: SpanEvent[] | undefined;
  #over = false;

  constructor(
    home: SpanHome,
    buffer: TailBuffer,
    context: SpanContext,
    parentId: string | undefined,
    name: string,
    { kind = 'internal', fields, where, agoMs }: SpanOptions,
    now: number,
    offset: number,
  ) {
    this.context = context;
    this.buffer = buffer;
    this.#home = home;
    this.#parentId = parentId;
    this.#name = name;
    this.#kind = kind;
    this.#where = where ?? home.limits.where;
    const ago = agoMs !== undefined && agoMs > 0 && Number.isFinite(agoMs) ? agoMs : 0;
    this.#startedAt = toTime(now - ago + offset);
    this.#offset = offset;
    if (fields) this.set(fields);
  }

  set(fields: LogFields): void {
    if (this.#over) return;
    const { limits, dropped } = this.#home;
    // One more than fit, so that it is known that there were more.
    const plain = redactFields(fields, limits.maxFields + 1);
    for (const key in plain) {
      const isNew = !Object.hasOwn(this.#fields, key);
      if (isNew && this.#fieldCount >= limits.maxFields) {
        dropped.field++;
        continue;
      }
      if (isNew) this.#fieldCount++;
      this.#fields[key] = plain[key] as Fields[string];
    }
  }

  event(name: string, fields: LogFields = {}): void {
    if (this.#over) return;
    const { clock, limits, dropped } = this.#home;
    this.#events ??= [];
    this.#events.push({
      at: toTime(clock.monotonic() + this.#offset),
      name: redact(name).slice(0, maxNameLength),
      fields: redactFields(fields, limits.maxFields),
    });
    if (this.#events.length <= limits.maxEvents) return;
    this.#events.shift();
    dropped.event++;
  }

  end(failure?: string): void {
    if (this.#over) return;
    this.#over = true;
    const endedAt = toTime(this.#home.clock.monotonic() + this.#offset);
    this.#home.ended(this, this.record(endedAt, failure === undefined ? undefined : redact(failure)));
  }

  record(endedAt: number | undefined, failure: string | undefined): SpanRecord {
    return {
      context: this.context,
      parentId: this.#parentId,
      name: redact(this.#name).slice(0, maxNameLength),
      kind: this.#kind,
      where: this.#where,
      startedAt: this.#startedAt,
      endedAt,
      // What still runs goes on to change.
      fields: endedAt === undefined ? { ...this.#fields } : this.#fields,
      events: this.#events ? [...this.#events] : noEvents,
      failure,
    };
  }
}

/** Of a trace, or a moment, that has as many spans as it may have: what would be below it is below its parent. */
class UnkeptSpan implements Span {
  readonly context: SpanContext;
  readonly #buffer: TailBuffer;

  constructor(buffer: TailBuffer, parent: SpanContext) {
    this.#buffer = buffer;
    this.context = parent;
  }
  set(): void {}
  event(): void {}
  end(failure?: string): void {
    if (failure !== undefined) this.#buffer.failed(this.context.traceId);
  }
}

const isTime = (now: number | undefined): now is number => now !== undefined && Number.isFinite(now);

/** Milliseconds since 1970, whatever the clock says. */
const toTime = (ms: number): number => (Number.isFinite(ms) && ms > 0 ? ms : 0);

const clampShare = (share: number): number => (share >= 0 ? Math.min(1, share) : 0);
export type CreateTracer = typeof createTracer;
