import { seriesKey } from './labels.ts';
import type { Labels, MetricDescription, SeriesSnapshot, Sketch } from './types.ts';

export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8';

const quantiles = [0.5, 0.9, 0.95, 0.99];

/**
 * Text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats). Histograms are summaries: their quantiles
 * are those of all samples since the start or, where `recent` is given, of the sketch that it has for a series' key. Expects what `snapshot` gives: in order of name. A metric whose name is one of a
 * summary's own lines (`x_sum` or `x_count` beside the summary `x`) is left out: nobody could read the two apart.
 */
export const renderPrometheus = (
  snapshot: readonly SeriesSnapshot[],
  describe: (name: string) => MetricDescription | undefined,
  recent?: ReadonlyMap<string, Pick<Sketch, 'quantile'>>,
): string => {
  const taken = new Set(
    snapshot.flatMap(({ kind, name }) => (kind === 'histogram' ? [`${name}_sum`, `${name}_count`] : [])),
  );
  const lines: string[] = [];
  let previous: string | undefined;
  for (const series of snapshot) {
    const { name } = series;
    if (taken.has(name)) continue;
    if (name !== previous) lines.push(...headOf(series, describe(name)));
    previous = name;
    lines.push(...linesOf(series, recent));
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
};

const headOf = ({ name, kind }: SeriesSnapshot, description: MetricDescription | undefined): string[] => {
  const type = `# TYPE ${name} ${kind === 'histogram' ? 'summary' : kind}`;
  return description ? [`# HELP ${name} ${escapeHelp(description.help)}`, type] : [type];
};

const linesOf = (
  series: SeriesSnapshot,
  recent: ReadonlyMap<string, Pick<Sketch, 'quantile'>> | undefined,
): string[] => {
  if (series.kind !== 'histogram') return [`${series.key} ${spell(series.value)}`];
  const { key, name, labels, sketch } = series;
  const quantile = (q: number) => (recent ? recent.get(key) : sketch)?.quantile(q) ?? Number.NaN;
  const line = (suffix: string, value: number, more?: Labels) =>
    `${seriesKey(`${name}${suffix}`, { ...labels, ...more })} ${spell(value)}`;
  return [
    ...quantiles.map((q) => line('', quantile(q), { quantile: String(q) })),
    line('_sum', sketch.sum),
    line('_count', sketch.count),
  ];
};

const spell = (value: number): string => {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
};

/** As in a label, but a quote stays. */
const escapeHelp = (help: string): string =>
  help.replace(/[\\\n]/g, (found) => (found === '\n' ? '\\n' : '\\\\'));
