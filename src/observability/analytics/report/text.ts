import type { Report, SeriesReport } from './measure.ts';

export const numberText = (value: number): string => {
  if (!Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-3)) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
};
export const shareText = (share: number | undefined): string =>
  share === undefined ? '–' : `${numberText(Math.floor(share * 10_000) / 100)} %`;
export const durationText = (ms: number): string => {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${numberText(ms / 1_000)} s`;
  if (ms < 7_200_000) return `${numberText(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${numberText(ms / 3_600_000)} h` : `${numberText(ms / 86_400_000)} days`;
};
export const timeText = (at: number): string =>
  `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

export const trendText = ({ trend, unit }: SeriesReport): string => {
  if (!trend) return 'too few values';
  if (trend.direction === 'none') return `none (p ${numberText(trend.p)})`;
  const per = unit === 'per second' ? ' per second each hour' : ' per hour';
  return `${trend.direction}, ${numberText(trend.slopePerHour)}${per} (p ${numberText(trend.p)})`;
};

export const retentionText = ({ retention: { raw, minute, hour } }: Report): string =>
  `points for ${durationText(raw.maxAgeMs)} and at most ${raw.maxPoints} of a series, minutes for ${durationText(minute.maxAgeMs)}, hours for ${durationText(hour.maxAgeMs)}`;

/** The series that stand out: significant trends and incomplete data first. */
const remarkable = (series: readonly SeriesReport[]) => ({
  trends: series
    .filter(({ trend }) => trend !== undefined && trend.direction !== 'none')
    .sort((a, b) => (a.trend?.p ?? 1) - (b.trend?.p ?? 1))
    .slice(0, 10),
  gaps: series
    .filter(({ quality }) => quality.completeness < 0.95)
    .sort((a, b) => a.quality.completeness - b.quality.completeness)
    .slice(0, 10),
});

export const headline = (report: Report): string[] => [
  `Measured from ${timeText(report.from)} to ${timeText(report.to)}`,
  `${report.series.length} series with measurements, of ${report.state.series}; ${report.state.points} points kept, ${report.state.bytes} bytes stored, ${report.state.memoryBytes} in memory`,
  `Dropped since this tab opened: ${report.state.dropped}`,
  ...(report.state.problem ? [`Nothing is stored now: ${report.state.problem}`] : []),
  `Kept: ${retentionText(report)}`,
];

export const summaryText = (report: Report): string => {
  const { trends, gaps } = remarkable(report.series);
  return `${[
    'AIVillage: what was measured',
    ...headline(report),
    '',
    `Significant trends: ${trends.length === 0 ? 'none' : ''}`,
    ...trends.map((series) => `  ${series.key}: ${trendText(series)}`),
    '',
    `Less than 95 % complete: ${gaps.length === 0 ? 'none' : ''}`,
    ...gaps.map(({ key, quality }) => `  ${key}: ${shareText(quality.completeness)}`),
  ].join('\n')}\n`;
};

export const detailedText = (report: Report): string =>
  `${['AIVillage: what was measured, series by series', ...headline(report), ...report.series.flatMap(seriesText)].join('\n')}\n`;

const seriesText = (series: SeriesReport): string[] => {
  const { quality } = series;
  return [
    '',
    `${series.key}  (${series.kind}, ${series.unit}, from ${series.tier === 'raw' ? 'points' : `${series.tier}s`})`,
    `  count ${numberText(series.count)}, least ${numberText(series.min)}, mean ${numberText(series.mean)}, greatest ${numberText(series.max)}`,
    `  p50 ${numberText(series.p50)}, p95 ${numberText(series.p95)}, p99 ${numberText(series.p99)}`,
    `  trend: ${trendText(series)}`,
    `  complete ${shareText(quality.completeness)}, valid ${shareText(quality.validity)}, in order ${shareText(quality.ordering)}, newest ${durationText(quality.timelinessMs)} old`,
  ];
};

export const columns = [
  'series',
  'kind',
  'count',
  'min',
  'mean',
  'p50',
  'p95',
  'p99',
  'max',
  'trend',
  'complete',
  'valid',
  'in order',
  'newest',
] as const;
export const cellsOf = (series: SeriesReport): string[] => [
  series.key,
  series.unit === 'per second' ? `${series.kind} (per second)` : series.kind,
  ...[series.count, series.min, series.mean, series.p50, series.p95, series.p99, series.max].map(numberText),
  trendText(series),
  shareText(series.quality.completeness),
  shareText(series.quality.validity),
  shareText(series.quality.ordering),
  durationText(series.quality.timelinessMs),
];

export const markdownText = (report: Report): string => {
  const row = (cells: readonly string[]) => `| ${cells.map(escapeMarkdown).join(' | ')} |`;
  return `${[
    '# AIVillage: what was measured',
    '',
    ...headline(report).map((line) => `- ${escapeMarkdown(line)}`),
    '',
    row(columns),
    `|${columns.map((_, i) => (i < 2 ? ' --- ' : ' ---: ')).join('|')}|`,
    ...report.series.map((series) => row(cellsOf(series))),
  ].join('\n')}\n`;
};

/** Labels come from anywhere: no cell, link, markup or line of its own. */
const escapeMarkdown = (text: string): string =>
  text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[\\`*_{}[\]()#!|~]/g, (sign) => `\\${sign}`)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;');
