/** What a number, a span and a full telemetry cost, in a page. Told by `costs.ts`. */
import type { LogFields } from '../../src/core/ports/telemetry.ts';
import { createTelemetry, createTracer, type PageTelemetry } from '../../src/observability/index.ts';
import { createBrowserClock } from '../../src/platform/browser/clock.ts';
import { createBrowserRandom } from '../../src/platform/browser/random.ts';

const batches = 101;
const perBatch = 2_000;
const deps = { clock: createBrowserClock(), random: createBrowserRandom(), createTracer };

/** Microseconds of each call, by batches. A page that is isolated has a clock of 5 µs: a thousandth of a batch. */
const timed = (act: (i: number) => void): number[] => {
  for (let i = 0; i < 20 * perBatch; i++) act(i);
  return Array.from({ length: batches }, () => {
    const started = performance.now();
    for (let i = 0; i < perBatch; i++) act(i);
    return (1_000 * (performance.now() - started)) / perBatch;
  });
};

const outcomes = ['ok', 'failed', 'refused', 'deadline'];
const methods = Array.from({ length: 8 }, (_, i) => `method.${i}`);
/** A new object each time, as call sites write them. */
const labelsOf = (i: number): LogFields => ({ method: methods[i & 7], outcome: outcomes[(i >> 3) & 3] });
const secondsOf = (i: number): number => 0.0005 * (1 + (i % 997));
const spansPerTrace = 100;

const costs = {
  counter() {
    const telemetry = createTelemetry(deps);
    return timed((i) => telemetry.count('bench_total', 1, labelsOf(i)));
  },
  counterPlain() {
    const telemetry = createTelemetry(deps);
    return timed(() => telemetry.count('bench_total'));
  },
  histogram() {
    const telemetry = createTelemetry(deps);
    return timed((i) => telemetry.observe('bench_seconds', secondsOf(i), labelsOf(i)));
  },
  histogramPlain() {
    const telemetry = createTelemetry(deps);
    return timed((i) => telemetry.observe('bench_seconds', secondsOf(i)));
  },
  /** Begun with a parent and a field, told its outcome, ended and kept. */
  span() {
    const telemetry = createTelemetry(deps, { traces: unhurried });
    let root = telemetry.span('bench.job');
    return timed((i) => {
      if (i % spansPerTrace === 0) {
        root.end();
        root = telemetry.span('bench.job');
      }
      oneSpan(telemetry, root.context);
    });
  },
  /** Of a trace that has as many as it may have. */
  spanBeyond() {
    const telemetry = createTelemetry(deps);
    const root = telemetry.span('bench.job');
    return timed(() => oneSpan(telemetry, root.context));
  },
};

const oneSpan = (telemetry: PageTelemetry, parent: ReturnType<PageTelemetry['span']>['context']): void => {
  const span = telemetry.span('method.call', { parent, kind: 'client', fields: { peer: peerId } });
  span.set({ outcome: 'ok' });
  span.end();
};
const peerId = 'kC0rSw5YhBzQ2k0eG8uSgYjT1cHqk4m9n3fJxQw7LrA';

let held: PageTelemetry | undefined;
const series = { counters: 100, gauges: 50, histograms: 50 };

/** As after a day of work: so many series, and as many spans and entries as are ever held. */
const fill = (): { readonly series: number; readonly spans: number; readonly entries: number } => {
  const telemetry = createTelemetry(deps, { logs: { flood: noFlood }, traces: unhurried });
  for (let round = 0; round < 2_000; round++) {
    for (let i = 0; i < series.counters; i++) telemetry.count(`load_${i % 20}_total`, 1, { part: `c${i}` });
    for (let i = 0; i < series.gauges; i++)
      telemetry.gauge(`load_${i % 10}_level`, round / (i + 1), { part: `g${i}` });
    for (let i = 0; i < series.histograms; i++)
      telemetry.observe(`load_${i % 10}_seconds`, secondsOf(round * 7 + i) * 1.3 ** (i % 20), {
        part: `h${i}`,
      });
  }
  for (let job = 0; job < 200; job++) {
    const root = telemetry.span('bench.job', { fields: { job: `job-${job}`, pages: job } });
    for (let i = 0; i < 30; i++) oneSpan(telemetry, root.context);
    root.event('assembled', { lines: job });
    root.end(job % 10 === 0 ? 'a page could not be read' : undefined);
  }
  for (let i = 0; i < 2_500; i++)
    telemetry.log('info', 'bench', `peer ${i} answered after a while, as it does`, {
      peer: `${peerId}${i}`,
      ms: i,
    });
  held = telemetry;
  return {
    series: telemetry.metrics.snapshot().length,
    spans: telemetry.traces.traces.get().reduce((sum, { spans }) => sum + spans, 0),
    entries: telemetry.entries.get().length,
  };
};
/** A day of spans in a moment. */
const unhurried = { burst: 1e9 };
const noFlood = { windowMs: 10_000, sameMessage: 1e9, perComponent: 1e9, maxMessages: 256 };

const page = {
  cost: (name: keyof typeof costs): number[] => costs[name](),
  /** Runs what `fill` runs and lets go of it, so that compiled code is not taken for what telemetry holds. */
  warm(): void {
    fill();
    held = undefined;
  },
  fill,
  isFull: () => held !== undefined,
};
export type CostPage = typeof page;
Object.assign(globalThis, { costs: page });
