import type { Advice, LoadReport, ReportFormat, RetentionPolicy } from '../../../../app/telemetryView.ts';
import { err, ok, type Result } from '../../../../core/result.ts';
import { formatCount, formatDateTime, formatInteger, formatPercent } from '../../../kit/format.ts';

type Level = Advice['levels'][number];
type Saturation = Advice['saturation'][number];

const day = 86_400_000;

export const reportFormats: readonly {
  readonly value: ReportFormat;
  readonly label: string;
  readonly hint: string;
}[] = [
  { value: 'summary', label: 'Summary', hint: 'A page of plain text: what was well and what was not.' },
  { value: 'detailed', label: 'Detailed', hint: 'Every series with its trend and how good its data is.' },
  { value: 'markdown', label: 'Markdown', hint: 'For an issue or a wiki.' },
  { value: 'html', label: 'HTML', hint: 'One file that opens in any browser and loads nothing.' },
  { value: 'json', label: 'JSON', hint: 'For programs.' },
];

/** "12,400 points of 19 series were added from a JSON file." */
export const loadedInWords = ({ format, series, points }: LoadReport): string =>
  `${formatCount(points, 'point')} of ${formatInteger(series)} series ${points === 1 ? 'was' : 'were'} added from a ${formatNames[format]} file.`;
export const formatNames: Record<LoadReport['format'], string> = {
  json: 'JSON',
  cbor: 'CBOR',
  sqlite: 'SQLite',
};

export const dropWords: Readonly<Record<string, string>> = {
  'not-finite': 'No number',
  negative: 'Less than nothing',
  kind: 'Of another kind than before',
  cardinality: 'More labels than are kept apart',
  label: 'A label too long',
};

export type RetentionTyped = {
  readonly rawDays: string;
  readonly rawPoints: string;
  readonly minuteDays: string;
  readonly hourDays: string;
};
const retentionLimits = {
  rawDays: { least: 1, most: 90 },
  rawPoints: { least: 100, most: 1_000_000 },
  minuteDays: { least: 1, most: 365 },
  hourDays: { least: 1, most: 3_650 },
} as const;

export const typedRetention = ({ raw, minute, hour }: RetentionPolicy): RetentionTyped => {
  const days = (ms: number) => String(Number((ms / day).toPrecision(6)));
  return {
    rawDays: days(raw.maxAgeMs),
    rawPoints: String(raw.maxPoints),
    minuteDays: days(minute.maxAgeMs),
    hourDays: days(hour.maxAgeMs),
  };
};

/** What was typed as a policy, or what is wrong with each box. Coarser figures must be kept at least as long as finer. */
export const retentionOf = (
  typed: RetentionTyped,
): Result<RetentionPolicy, Partial<Record<keyof RetentionTyped, string>>> => {
  const errors: Partial<Record<keyof RetentionTyped, string>> = {};
  const read = (key: keyof RetentionTyped): number => {
    const { least, most } = retentionLimits[key];
    const text = typed[key].trim().replace(',', '.');
    const value = Number(text);
    if (text === '' || !(value >= least && value <= most))
      errors[key] = `Between ${formatInteger(least)} and ${formatInteger(most)}, please.`;
    else if (key === 'rawPoints' && !Number.isInteger(value)) errors[key] = 'A whole number, please.';
    return value;
  };
  const [rawDays, rawPoints, minuteDays, hourDays] = (
    ['rawDays', 'rawPoints', 'minuteDays', 'hourDays'] as const
  ).map(read) as [number, number, number, number];
  if (!errors.minuteDays && !errors.rawDays && minuteDays < rawDays)
    errors.minuteDays = 'At least as long as every value is kept.';
  if (!errors.hourDays && !errors.minuteDays && hourDays < minuteDays)
    errors.hourDays = 'At least as long as the minutes are kept.';
  if (Object.keys(errors).length > 0) return err(errors);
  return ok({
    raw: { maxAgeMs: rawDays * day, maxPoints: rawPoints },
    minute: { maxAgeMs: minuteDays * day },
    hour: { maxAgeMs: hourDays * day },
  });
};

/** Three decimals where two would hide what is missing: 99.28 %, but 99.991 %. */
export const formatAvailability = (share: number): string => {
  if (share >= 1) return '100\u00a0%';
  const decimals = share > 0.999 ? 3 : share > 0.9 ? 2 : 1;
  const percent = Math.floor(share * 100 * 10 ** decimals) / 10 ** decimals;
  return `${percent.toFixed(decimals)}\u00a0%`;
};

/** A goal is written as it was set: 99 %, 99.9 %. */
export const formatGoal = (share: number): string => `${Number((share * 100).toPrecision(8))}\u00a0%`;

export const budgetInWords = ({ budgetLeft, total }: Level): string => {
  if (budgetLeft === undefined) return total === 0 ? 'Nothing happened yet' : 'Not known';
  if (budgetLeft >= 0) return `${formatPercent(budgetLeft)} of its error budget is left`;
  return `Overspent: ${formatPercent(1 - budgetLeft)} of its error budget is used`;
};

/** When it is full, as sure as that can be said. */
export const reachedInWords = ({ reachedAt }: Saturation): string => {
  if (!reachedAt) return 'It does not grow.';
  const { likely, earliest, latest } = reachedAt;
  return `Full about ${formatDateTime(likely)}, not before ${formatDateTime(earliest)}${latest === undefined ? '' : `, at the latest ${formatDateTime(latest)}`}.`;
};

export const changeInWords = (change: number | undefined): string => {
  if (change === undefined) return 'nothing to compare with';
  if (change >= 1.1) return `${change.toFixed(1)} times as often as in the hour before`;
  return change <= 0.9 ? 'less often than in the hour before' : 'as often as in the hour before';
};
