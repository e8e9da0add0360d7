import { type Milliseconds, milliseconds } from '../../core/brand.ts';
import type { Random } from '../../core/ports/random.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { encodeOtlp, type OtlpEncoding, type OtlpEntry, type OtlpResource } from './otlp.ts';
import type { SpanRecord } from './types.ts';

export type ExportStats = {
  readonly sent: number;
  readonly waiting: number;
  /** `full`: the queue was. `refused`: the collector said no, or took only a part. `unreachable`: given up. */
  readonly dropped: Readonly<Record<'full' | 'refused' | 'unreachable', number>>;
  /** Of the last attempt that failed; without addresses and headers. */
  readonly problem: string | undefined;
};

export interface TraceExporter {
  add(resource: OtlpResource, spans: readonly SpanRecord[]): void;
  /** Sends what waits. `leaving`: in one request that outlives the page, so only as much as fits. */
  flush(how?: 'leaving'): Promise<void>;
  stats(): ExportStats;
  /** One last try within the time limit of a request. */
  close(): Promise<void>;
}

/** The part of fetch that is used. */
export type Post = (
  url: string,
  init: {
    readonly method: 'POST';
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array<ArrayBuffer>;
    readonly signal: AbortSignal;
    readonly keepalive: boolean;
    readonly redirect: 'error';
    readonly credentials: 'omit';
  },
) => Promise<{
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: ReadableStream<Uint8Array> | null;
}>;

export type ExporterOptions = {
  readonly url: string;
  readonly encoding: OtlpEncoding;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxWaiting: number;
  readonly maxBatch: number;
  readonly every: Milliseconds;
  readonly timeout: Milliseconds;
  readonly backoff: Milliseconds;
  readonly longestBackoff: Milliseconds;
  readonly tries: number;
};
export const exporterDefaults = {
  encoding: 'json',
  headers: {},
  maxWaiting: 2_000,
  maxBatch: 200,
  every: milliseconds(5_000),
  timeout: milliseconds(10_000),
  backoff: milliseconds(1_000),
  longestBackoff: milliseconds(60_000),
  tries: 5,
} as const satisfies Omit<ExporterOptions, 'url'>;

/** Browsers send 64 KiB in all after a page is left. */
const leavingBytes = 60_000;
const leavingSpans = 60;
/** OTLP/HTTP, "Retryable Response Codes". */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const contentTypes: Readonly<Record<OtlpEncoding, string>> = {
  json: 'application/json',
  protobuf: 'application/x-protobuf',
};

type Attempt = { readonly kind: 'sent'; readonly rejected: number } | Failure;
type Failure = {
  readonly kind: 'refused' | 'later';
  readonly problem: string;
  readonly afterMs?: number | undefined;
};

/**
 * Sends spans over OTLP/HTTP: in batches, one request at a time, from a queue that is bounded: a collector that hangs, refuses or
 * is gone costs memory for `maxWaiting` spans and nothing else. Doesn't know whose spans they are, nor whether they may be sent.
 */
export const createTraceExporter = (
  deps: { readonly timers: Timers; readonly random: Random; readonly fetch: Post },
  options: Partial<ExporterOptions> & Pick<ExporterOptions, 'url'>,
): TraceExporter => {
  const settings: ExporterOptions = { ...exporterDefaults, ...options };
  const dropped = { full: 0, refused: 0, unreachable: 0 };
  let waiting: OtlpEntry[] = [];
  let sent = 0;
  let failures = 0;
  let problem: string | undefined;
  let cancel: CancelTimer | undefined;
  let sending: Promise<void> | undefined;
  let closed = false;

  const later = (delay: number) => {
    if (closed || waiting.length === 0) return;
    cancel ??= deps.timers.after(milliseconds(delay), () => {
      cancel = undefined;
      void flush();
    });
  };
  const flush = (): Promise<void> => {
    sending ??= sendAll().finally(() => {
      sending = undefined;
    });
    return sending;
  };
  const sendAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, settings.maxBatch);
      const attempt = await post(deps, settings, batch, false);
      if (!settle(batch, attempt)) return;
    }
  };
  /** Whether the next batch may follow at once. */
  const settle = (batch: readonly OtlpEntry[], attempt: Attempt): boolean => {
    if (attempt.kind === 'later' && ++failures < settings.tries) {
      problem = attempt.problem;
      later(attempt.afterMs ?? backoff());
      return false;
    }
    const gone = new Set(batch);
    const before = waiting.length;
    waiting = waiting.filter((entry) => !gone.has(entry));
    // What was pushed out of a full queue meanwhile is counted there.
    const left = before - waiting.length;
    if (attempt.kind === 'sent') {
      const rejected = Math.min(left, attempt.rejected);
      sent += left - rejected;
      dropped.refused += rejected;
      problem = rejected > 0 ? 'the collector took only a part' : undefined;
      failures = 0;
      return true;
    }
    dropped[attempt.kind === 'refused' ? 'refused' : 'unreachable'] += left;
    problem = attempt.problem;
    failures = attempt.kind === 'refused' ? 0 : failures - 1;
    later(attempt.kind === 'refused' ? settings.every : settings.longestBackoff);
    return false;
  };
  /** Full jitter (Brooker 2015): many tabs must not come back at once. */
  const backoff = () => {
    const most = Math.min(settings.longestBackoff, settings.backoff * 2 ** failures);
    return Math.max(settings.backoff / 2, deps.random.next() * most);
  };

  return {
    add(resource, spans) {
      for (const span of spans) {
        if (closed || span.endedAt === undefined) continue;
        waiting.push({ resource, span });
      }
      if (waiting.length > settings.maxWaiting) {
        dropped.full += waiting.length - settings.maxWaiting;
        waiting = waiting.slice(-settings.maxWaiting);
      }
      later(settings.every);
    },
    async flush(how) {
      if (how !== 'leaving') return flush();
      const batch = waiting.slice(-leavingSpans);
      if (batch.length === 0) return;
      waiting = waiting.slice(0, -batch.length);
      const attempt = await post(deps, settings, batch, true);
      if (attempt.kind === 'sent') sent += batch.length - Math.min(batch.length, attempt.rejected);
      else dropped[attempt.kind === 'refused' ? 'refused' : 'unreachable'] += batch.length;
    },
    stats: () => ({ sent, waiting: waiting.length, dropped: { ...dropped }, problem }),
    async close() {
      if (closed) return;
      closed = true;
      cancel?.();
      await flush();
      dropped.unreachable += waiting.length;
      waiting = [];
    },
  };
};

const post = async (
  deps: { readonly timers: Timers; readonly fetch: Post },
  { url, encoding, headers, timeout }: ExporterOptions,
  batch: readonly OtlpEntry[],
  leaving: boolean,
): Promise<Attempt> => {
  const controller = new AbortController();
  let body: Uint8Array<ArrayBuffer>;
  try {
    body = await encodeOtlp(batch, encoding);
  } catch (cause) {
    return { kind: 'refused', problem: `these spans can't be encoded: ${nameOf(cause)}` };
  }
  const keepalive = leaving && body.byteLength <= leavingBytes;
  let stop: CancelTimer = () => {};
  const tooLate = new Promise<Attempt>((resolve) => {
    stop = deps.timers.after(timeout, () => {
      controller.abort();
      resolve({ kind: 'later', problem: `no answer within ${timeout / 1_000} s` });
    });
  });
  const answered = deps
    .fetch(url, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': contentTypes[encoding] },
      body,
      signal: controller.signal,
      keepalive,
      // An answer that leads elsewhere must not take the headers' secrets there.
      redirect: 'error',
      credentials: 'omit',
    })
    .then((response) => read(response, encoding))
    .catch((cause): Attempt => ({ kind: 'later', problem: `not reachable (${nameOf(cause)})` }));
  const attempt = await Promise.race([answered, tooLate]);
  stop();
  return attempt;
};

const read = async (response: Awaited<ReturnType<Post>>, encoding: OtlpEncoding): Promise<Attempt> => {
  const { status } = response;
  if (status >= 200 && status < 300) {
    const isJson = /json/i.test(response.headers.get('content-type') ?? contentTypes[encoding]);
    return { kind: 'sent', rejected: await rejectedSpans(await readSome(response.body), isJson) };
  }
  void response.body?.cancel().catch(() => {});
  const problem = `the collector answered ${status}`;
  if (!retryable.has(status)) return { kind: 'refused', problem };
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const asked = seconds >= 0 ? Math.min(seconds, 300) * 1_000 : undefined;
  return { kind: 'later', problem, afterMs: asked === undefined ? undefined : Math.max(100, asked) };
};

const maxAnswerBytes = 64 * 1024;

/** The beginning of an answer; whoever sends more than that has nothing to say. */
const readSome = async (body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> => {
  if (!body) return new Uint8Array();
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    bytes += value.byteLength;
    if (bytes > maxAnswerBytes) {
      void reader.cancel().catch(() => {});
      return new Uint8Array();
    }
    parts.push(value);
  }
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
};

/** Partial success: the rest is not sent again, the specification says. */
const rejectedSpans = async (answer: Uint8Array, isJson: boolean): Promise<number> => {
  if (answer.byteLength === 0) return 0;
  try {
    const { JsonTraceSerializer, ProtobufTraceSerializer } = await import('@opentelemetry/otlp-transformer');
    const serializer = isJson ? JsonTraceSerializer : ProtobufTraceSerializer;
    const rejected = Number(serializer.deserializeResponse(answer).partialSuccess?.rejectedSpans ?? 0);
    return Number.isFinite(rejected) && rejected > 0 ? Math.floor(rejected) : 0;
  } catch {
    return 0; // taken, and answered with something else
  }
};

/** Never its message: it may quote the address, and with it a secret. */
const nameOf = (cause: unknown): string => {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  if (typeof inner === 'object' && inner !== null && 'code' in inner && typeof inner.code === 'string')
    return inner.code.slice(0, 40);
  return inner instanceof Error ? inner.name : 'unknown';
};
