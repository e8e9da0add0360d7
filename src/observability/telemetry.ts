import { createEmitter, createStore, type Store, type Subscribe } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Random } from '../core/ports/random.ts';
import { silentSpan, type Telemetry } from '../core/ports/telemetry.ts';
import type { Timers } from '../core/ports/timers.ts';
import type { KeyValueStore } from '../storage/port.ts';
import type { JournalOptions } from './journal.ts';
import type { Journals } from './journals.ts';
import { createLogBook, type LogBook, type LogBookOptions } from './logs/logBook.ts';
import type { LogEntry } from './logs/types.ts';
import { createMetricsRegistry } from './metrics/registry.ts';
import type { MetricsRegistry, RegistryOptions } from './metrics/types.ts';
import { createSpanRing, type SpanRing, type SpanRingOptions } from './traces/ring.ts';
import type { CreateTracer, Tracer, TracerOptions } from './traces/tracer.ts';
import type { SpanRecord } from './traces/types.ts';

/** What is measured at all. A part that is off costs one comparison a call, and keeps nothing. */
export type TelemetryParts = {
  readonly metrics: boolean;
  readonly traces: boolean;
  readonly logs: boolean;
  /** Share of the traces begun here that are kept, 0 to 1. */
  readonly traceSampling: number;
};

export type TelemetryOptions = {
  readonly parts: TelemetryParts;
  readonly logs: Partial<LogBookOptions>;
  readonly traces: Partial<Omit<TracerOptions, 'sampling'> & SpanRingOptions>;
  readonly metrics: RegistryOptions;
  readonly journals: Partial<Omit<JournalOptions, 'namespace'>>;
};
export const allParts: TelemetryParts = { metrics: true, traces: true, logs: true, traceSampling: 1 };

export interface PageTelemetry extends Telemetry {
  /** The newest entries of the log, oldest first. */
  readonly entries: Store<readonly LogEntry[]>;
  readonly logs: LogBook;
  readonly metrics: MetricsRegistry;
  readonly traces: SpanRing & Pick<Tracer, 'running'>;
  /** Every span that is kept, when it is. */
  readonly spans: Subscribe<SpanRecord>;
  readonly parts: Store<TelemetryParts>;
  /** Spans begin from now on. Rejects if what makes them could not be loaded; all else works without. */
  readonly ready: Promise<void>;
  setParts(change: Partial<TelemetryParts>): void;
  /** From now on logs and spans outlive the tab. Resolves when those of earlier lives are here. */
  keepIn(deps: {
    readonly store: KeyValueStore;
    readonly timers: Timers;
    readonly tab: string;
  }): Promise<void>;
  /** Writes what waits: before the page is left. */
  flush(): Promise<void>;
  /** What was not taken, by part and reason, since the start. */
  dropped(): Readonly<Record<string, number>>;
  close(): Promise<void>;
}

/**
 * The joint of all that the components of this process say about themselves: numbers, words and spans, each in bounded memory
 * and each with a switch. Knows neither who speaks nor who reads, and sends nothing anywhere.
 */
export const createTelemetry = (
  deps: {
    readonly clock: Clock;
    readonly random: Random;
    /** A page that must be quick has it loaded: until it is there, no span begins. */
    readonly createTracer: CreateTracer | Promise<CreateTracer>;
  },
  options: Partial<TelemetryOptions> = {},
): PageTelemetry => {
  const parts = createStore<TelemetryParts>(options.parts ?? allParts);
  let on = parts.get();
  const metrics = createMetricsRegistry(options.metrics);
  const logs = createLogBook(deps, options.logs);
  const ring = createSpanRing(options.traces);
  const ended = createEmitter<SpanRecord>();
  let tracer: Tracer | undefined;
  const openTracer = (create: CreateTracer) => {
    tracer = create(
      {
        ...deps,
        keep(record, foreign) {
          if (!on.traces) return;
          ring.add(record, foreign);
          ended.emit(record);
        },
      },
      { ...options.traces, sampling: on.traceSampling },
    );
  };
  const traced = deps.createTracer instanceof Promise ? deps.createTracer.then(openTracer) : undefined;
  if (!(deps.createTracer instanceof Promise)) openTracer(deps.createTracer);
  const journals: Journals = { all: [] };

  return {
    entries: logs.entries,
    logs,
    metrics,
    traces: { ...ring, running: () => tracer?.running() ?? [] },
    ready: Promise.resolve(traced),
    spans: ended.subscribe,
    parts,
    log(level, component, message, fields) {
      if (on.metrics) metrics.count('log_entries_total', 1, { level, component });
      if (on.logs) logs.log(level, component, message, fields);
    },
    count(name, by, labels) {
      if (on.metrics) metrics.count(name, by, labels);
    },
    observe(name, value, labels) {
      if (on.metrics) metrics.observe(name, value, labels);
    },
    gauge(name, value, labels) {
      if (on.metrics) metrics.gauge(name, value, labels);
    },
    span: (name, spanOptions) => (on.traces && tracer ? tracer.span(name, spanOptions) : silentSpan),
    setParts(change) {
      on = { ...on, ...change };
      tracer?.setSampling(on.traceSampling);
      if (!on.traces) ring.clear();
      parts.set(on);
    },
    async keepIn(disk) {
      const { openJournals } = await import('./journals.ts');
      await openJournals({ ...deps, ...disk, logs, ring }, options.journals, journals);
    },
    flush: async () => void (await Promise.all(journals.all.map((journal) => journal.flush()))),
    dropped: () => ({
      ...prefixed('metrics', metrics.dropped()),
      ...prefixed('logs', logs.dropped()),
      ...prefixed('spans', tracer?.dropped() ?? {}),
      'disk.unwritten': journals.all.reduce((sum, journal) => sum + journal.dropped(), 0),
    }),
    close: async () => void (await Promise.all(journals.all.map((journal) => journal.close()))),
  };
};

const prefixed = (part: string, counts: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(Object.entries(counts).map(([reason, count]) => [`${part}.${reason}`, count]));
