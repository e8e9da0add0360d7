import type { LogFields } from '../../core/ports/telemetry.ts';
import { Family, type Series } from './family.ts';
import { isMetricName } from './labels.ts';
import { createSketch } from './sketch.ts';
import type { DropReason, MetricKind, MetricsRegistry, RegistryOptions, SeriesSnapshot } from './types.ts';

const defaults = {
  maxNames: 500,
  maxSeriesPerName: 100,
  maxSeries: 2_000,
  maxLabelLength: 100,
  sketch: {},
} satisfies Required<RegistryOptions>;

const noLabels: LogFields = {};

/** A histogram of sizes or durations has no negative samples: a clock that jumped back is dropped. */
const neverNegative = /_(seconds|bytes)$/;

/** Throws if `options.sketch` has what no sketch can have. */
export const createMetricsRegistry = (options: RegistryOptions = {}): MetricsRegistry => {
  const limits = { ...defaults, ...options };
  createSketch(limits.sketch); // a bad option is told now, not at a first sample
  const families = new Map<string, Family>();
  const signedHistograms = new Set<Family>();
  const dropped: Record<DropReason, number> = {
    'not-finite': 0,
    negative: 0,
    kind: 0,
    cardinality: 0,
    label: 0,
  };
  let seriesCount = 0;
  let sorted: readonly { readonly family: Family; readonly series: Series }[] | undefined;

  const drop = (reason: DropReason) => {
    dropped[reason]++;
    return undefined;
  };

  const addFamily = (name: string, kind: MetricKind): Family | undefined => {
    if (!isMetricName(name)) return drop('label');
    if (families.size >= limits.maxNames) return drop('cardinality');
    const family = new Family(
      name,
      kind,
      { maxSeries: limits.maxSeriesPerName, maxLabelLength: limits.maxLabelLength },
      () => createSketch(limits.sketch),
    );
    families.set(name, family);
    if (kind === 'histogram' && !neverNegative.test(name)) signedHistograms.add(family);
    return family;
  };

  const familyOf = (name: string, kind: MetricKind): Family | undefined => {
    const family = families.get(name);
    if (family === undefined) return addFamily(name, kind);
    return family.kind === kind ? family : drop('kind');
  };

  /** First sample of a label set, or one that is written in a new order. */
  const makeSeries = (family: Family, labels: LogFields, mayBeOther = true): Series | undefined => {
    const before = family.size;
    let series = family.find(labels, seriesCount < limits.maxSeries);
    if (series === 'label') return drop('label');
    if (series === 'full') {
      drop('cardinality');
      if (!mayBeOther) return undefined;
      series = family.other(labels);
    }
    if (family.size !== before) {
      seriesCount += family.size - before;
      sorted = undefined;
    }
    return series;
  };
  const seriesOf = (family: Family, labels: LogFields | undefined): Series | undefined =>
    family.met(labels) ?? makeSeries(family, labels ?? noLabels);

  return {
    count(name, by = 1, labels) {
      if (!Number.isFinite(by)) return void drop('not-finite');
      if (by < 0) return void drop('negative');
      const family = familyOf(name, 'counter');
      const series = family && seriesOf(family, labels);
      if (!series) return;
      const value = series.value + by;
      if (Number.isFinite(value)) series.value = value;
      else drop('not-finite');
    },
    observe(name, value, labels) {
      if (!Number.isFinite(value)) return void drop('not-finite');
      const family = familyOf(name, 'histogram');
      if (!family) return;
      if (value < 0 && !signedHistograms.has(family)) return void drop('negative');
      seriesOf(family, labels)?.sketch?.add(value);
    },
    gauge(name, value, labels) {
      if (!Number.isFinite(value)) return void drop('not-finite');
      const family = familyOf(name, 'gauge');
      const series = family && seriesOf(family, labels);
      if (series) series.value = value;
    },
    watch(name, read, labels) {
      const family = familyOf(name, 'gauge');
      const series = family && makeSeries(family, labels ?? noLabels, false);
      if (!family || !series) return () => {};
      const own = () => safely(read);
      series.read = own;
      return () => {
        if (series.read !== own) return;
        series.read = undefined;
        const before = family.size;
        family.remove(series);
        seriesCount -= before - family.size;
        sorted = undefined;
      };
    },
    snapshot() {
      sorted ??= [...families.values()]
        .flatMap((family) => [...family.all()].map((series) => ({ family, series })))
        .sort((a, b) => compare(a.family.name, b.family.name) || compare(a.series.key, b.series.key));
      return sorted.flatMap(({ family, series }) => snapshotOf(family, series) ?? []);
    },
    value(name, labels) {
      const family = families.get(name);
      const series = family?.met(labels) ?? family?.known(labels ?? noLabels);
      if (!series) return 0;
      return series.sketch ? series.sketch.count : ((series.read ? series.read() : series.value) ?? 0);
    },
    dropped: () => ({ ...dropped }),
  };
};

/** Undefined: there is nothing to be read now. */
const snapshotOf = ({ name, kind }: Family, series: Series): SeriesSnapshot | undefined => {
  const { key, labels, sketch } = series;
  if (kind === 'histogram') return sketch && { key, name, labels, kind, sketch };
  const value = series.read ? series.read() : series.value;
  return value === undefined ? undefined : { key, name, labels, kind, value };
};

/** What is watched belongs to somebody else. */
const safely = (read: () => number | undefined): number | undefined => {
  try {
    const value = read();
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
