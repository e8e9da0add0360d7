import type { ChartQuery, SeriesInfo } from '../../../../app/telemetryView.ts';
import { formatMeasured, formatRate, type Unit, unitOfName } from '../../../kit/units.ts';

/** What the charts show, kept while one looks at other tabs. */
export type ChartsState = {
  readonly window: ChartWindow;
  /** Keys of series that the person added. */
  readonly added: readonly string[];
  /** Whose distributions stand beside the swarm's. */
  readonly peer: string | undefined;
};
/** Live: ends now, and goes on. Times in milliseconds since 1970. */
export type ChartWindow =
  | { readonly kind: 'live'; readonly spanMs: number }
  | { readonly kind: 'fixed'; readonly from: number; readonly to: number };

const minute = 60_000;
const hour = 60 * minute;
const shortestMs = 10_000;
const longestMs = 400 * 24 * hour;

export const spans = [
  { spanMs: 10 * minute, label: '10 min' },
  { spanMs: hour, label: '1 h' },
  { spanMs: 6 * hour, label: '6 h' },
  { spanMs: 24 * hour, label: '24 h' },
  { spanMs: 7 * 24 * hour, label: '7 d' },
] as const;

export const firstChartsState: ChartsState = {
  window: { kind: 'live', spanMs: 10 * minute },
  added: [],
  peer: undefined,
};

export const boundsOf = (window: ChartWindow, now: number): { readonly from: number; readonly to: number } =>
  window.kind === 'fixed' ? window : { from: now - window.spanMs, to: now };

/** Twice as long around the same middle, but never into the future. */
export const zoomOut = (window: ChartWindow, now: number): ChartWindow => {
  const { from, to } = boundsOf(window, now);
  const span = Math.min(longestMs, (to - from) * 2);
  if (window.kind === 'live') return { kind: 'live', spanMs: span };
  const end = Math.min(now, (from + to) / 2 + span / 2);
  return { kind: 'fixed', from: end - span, to: end };
};

/** Back and forth by a share of what is shown; where it would reach now it is live again. */
export const pan = (window: ChartWindow, now: number, share: number): ChartWindow => {
  const { from, to } = boundsOf(window, now);
  const by = (to - from) * share;
  if (to + by >= now) return { kind: 'live', spanMs: to - from };
  return { kind: 'fixed', from: from + by, to: to + by };
};

/** What was dragged over; a click is no range, and nothing is measured after now. */
export const select = (from: number, to: number, now: number): ChartWindow => {
  const end = Math.min(now, Math.max(from, to));
  return { kind: 'fixed', from: Math.min(Math.min(from, to), end - shortestMs), to: end };
};

export type Show = ChartQuery['show'];
export type HistogramShow = 'percentiles' | Exclude<Show, 'value'>;
/** One line of a chart before it is asked for. */
export type Part = { readonly key: string; readonly show: Show; readonly label: string };
export type ChartSpec = {
  readonly id: string;
  readonly title: string;
  readonly help: string;
  readonly kind: SeriesInfo['kind'];
  readonly unit: Unit;
  readonly series: readonly SeriesInfo[];
};

type Describe = (metric: string) => { readonly help: string; readonly unit: Unit } | undefined;

/** The good set: the first metric of each subject that is there. Subjects that nothing measures have no chart. */
const subjects: readonly { readonly title: string; readonly pattern: RegExp }[] = [
  { title: 'Jobs', pattern: /^(inference_)?jobs_total$/ },
  { title: 'How long jobs took', pattern: /^(inference_)?job_seconds$/ },
  { title: 'Tasks', pattern: /^(inference_)?tasks(_done)?_total$/ },
  { title: 'Calls to other devices', pattern: /^rpc_seconds/ },
  { title: 'Traffic', pattern: /^(?!.*(cache|memory|storage)).*bytes.*_total$/ },
  { title: 'Round trips', pattern: /_rtt_seconds$/ },
  { title: 'Links', pattern: /^(mesh_)?links_by_way$/ },
  { title: 'Memory', pattern: /(memory|heap).*bytes$/ },
  { title: 'Smoothness of this page', pattern: /^(main_thread|page|event_loop).*(lag|seconds)/ },
  { title: 'Ledger', pattern: /^ledger_(?!.*seconds)/ },
];

export const defaultCharts = (series: readonly SeriesInfo[], describe: Describe): readonly ChartSpec[] => {
  const names = [...new Set(series.map(({ name }) => name))].sort();
  return subjects.flatMap(({ title, pattern }) => {
    const name = names.find((entry) => pattern.test(entry));
    return name === undefined ? [] : [{ ...chartOfMetric(name, series, describe), title }];
  });
};

export const chartOfMetric = (
  name: string,
  series: readonly SeriesInfo[],
  describe: Describe,
  keys?: ReadonlySet<string>,
): ChartSpec => {
  const chosen = series.filter((entry) => entry.name === name && (keys === undefined || keys.has(entry.key)));
  const described = describe(name);
  return {
    id: name,
    title: name,
    help: described?.help ?? '',
    kind: chosen[0]?.kind ?? 'gauge',
    unit: described?.unit ?? unitOfName(name),
    series: chosen,
  };
};

/** What the person added, a chart for each metric, in the order of adding. What is no longer measured is left out. */
export const addedCharts = (
  added: readonly string[],
  series: readonly SeriesInfo[],
  describe: Describe,
): readonly ChartSpec[] => {
  const keys = new Set(added);
  const nameOf = new Map(series.map(({ key, name }) => [key, name]));
  const names = new Set(added.flatMap((key) => nameOf.get(key) ?? []));
  return [...names].map((name) => chartOfMetric(name, series, describe, keys));
};

/** Counters as rates, gauges as they were, histograms as the person wishes: all three percentiles of each at first. */
export const partsOf = (spec: ChartSpec, shown: HistogramShow): readonly Part[] => {
  const shows: readonly Show[] =
    spec.kind === 'counter'
      ? ['rate']
      : spec.kind === 'gauge'
        ? ['value']
        : shown === 'percentiles'
          ? ['p50', 'p95', 'p99']
          : [shown];
  return spec.series.flatMap((entry) =>
    shows.map((show) => {
      const name = labelsInWords(entry.labels);
      const words = shows.length > 1 ? [name, show] : [name || (show === 'value' ? spec.title : show)];
      return { key: entry.key, show, label: words.filter(Boolean).join(' ') };
    }),
  );
};

/** The values alone where they say enough: "read", "direct, in". */
export const labelsInWords = (labels: SeriesInfo['labels']): string => Object.values(labels).join(', ');

export const formatOf = (spec: ChartSpec, shown: HistogramShow): ((value: number) => string) => {
  if (spec.kind === 'counter') return (value) => formatRate(value, spec.unit);
  if (spec.kind === 'histogram' && shown === 'rate') return (value) => formatMeasured(value, 'per-second');
  return (value) => formatMeasured(value, spec.unit);
};

export type MetricGroup = {
  readonly name: string;
  readonly help: string;
  readonly series: readonly SeriesInfo[];
};

/** Every word must stand in the name, a label or the description; grouped by metric, in order of name. */
export const searchSeries = (
  series: readonly SeriesInfo[],
  text: string,
  describe: Describe,
): readonly MetricGroup[] => {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, SeriesInfo[]>();
  for (const entry of series) {
    const haystack = `${entry.key} ${describe(entry.name)?.help ?? ''}`.toLowerCase();
    if (!words.every((word) => haystack.includes(word))) continue;
    const group = groups.get(entry.name);
    if (group) group.push(entry);
    else groups.set(entry.name, [entry]);
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, found]) => ({ name, help: describe(name)?.help ?? '', series: found }));
};
