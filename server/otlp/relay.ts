import type { Clock } from '../../src/core/ports/clock.ts';
import type { Random } from '../../src/core/ports/random.ts';
import type { Telemetry } from '../../src/core/ports/telemetry.ts';
import type { Timers } from '../../src/core/ports/timers.ts';
import {
  createTraceExporter,
  createTracer,
  type ExportStats,
  otlpLimits,
  type Post,
  parseOtlpJson,
} from '../../src/observability/index.ts';
import type { PostRoute } from '../posts.ts';

/** Where an operator wants spans to go. */
export type OtlpConfig = {
  readonly url: string;
  /** May hold secrets: never logged, never told. */
  readonly headers: Readonly<Record<string, string>>;
  readonly encoding: 'json' | 'protobuf';
  /** Share of this process's own traces; those of tabs are chosen there. */
  readonly sampling: number;
};

export interface OtlpRelay {
  /** Takes spans of tabs. */
  readonly route: PostRoute;
  /** Spans of this process; they go the same way. */
  readonly span: Telemetry['span'];
  stats(): ExportStats & { readonly received: number; readonly malformed: number };
  /** Sends what waits, once. */
  close(): Promise<void>;
}

/**
 * Of one span as JSON; an honest one has some hundred characters. The queue is bounded by number: of spans as large as a post it would
 * take gigabytes, and a batch of them no collector, with everybody's spans in it.
 */
const longestSpan = 8_192;

/** A tab sends every few seconds; a house of tabs behind one address may do so together. */
const rate = { perSecond: 5, capacity: 60 } as const;

/**
 * The way to a collector that this host's operator has named: tabs can't reach it, must not know it, and need no permission from
 * it. What they send is read as strictly as anything a stranger sends, and only what was understood goes on.
 */
export const createOtlpRelay = (
  deps: {
    readonly clock: Clock;
    readonly timers: Timers;
    readonly random: Random;
    readonly fetch: Post;
  },
  config: OtlpConfig,
  host: { readonly instance: string; readonly version?: string | undefined },
): OtlpRelay => {
  const exporter = createTraceExporter(deps, {
    url: config.url,
    headers: config.headers,
    encoding: config.encoding,
    maxWaiting: 10_000,
    maxBatch: 500,
  });
  const own = { service: 'aivillage-server', ...host } as const;
  const tracer = createTracer(
    { ...deps, keep: (record) => exporter.add(own, [record]) },
    { where: 'server', sampling: config.sampling },
  );
  let received = 0;
  let malformed = 0;

  const handle: PostRoute['handle'] = async (body) => {
    const parsed = parseOtlpJson(body);
    if (!parsed.ok) {
      malformed++;
      const status = parsed.error.code === 'too-large' ? 413 : 400;
      return answer(status, { message: parsed.error.message });
    }
    const entries = parsed.value.entries.filter(({ span }) => JSON.stringify(span).length <= longestSpan);
    const refused = parsed.value.refused + parsed.value.entries.length - entries.length;
    received += entries.length;
    malformed += refused;
    for (const { resource, span } of entries)
      exporter.add({ ...resource, attributes: { 'aivillage.host': host.instance } }, [span]);
    return answer(200, refused === 0 ? {} : partial(refused));
  };

  return {
    route: { maxBytes: otlpLimits.maxBytes, rate, handle },
    span: tracer.span,
    stats: () => ({ ...exporter.stats(), received, malformed }),
    close: exporter.close,
  };
};

const partial = (refused: number) => ({
  partialSuccess: {
    rejectedSpans: String(refused),
    errorMessage: 'these spans are beyond the limits, or none',
  },
});

const answer = (status: number, body: unknown) => ({
  status,
  type: 'application/json',
  body: JSON.stringify(body),
});
