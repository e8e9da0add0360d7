import { formatBytes, formatDuration, formatInteger, formatPercent, formatRemaining } from './format.ts';

export type Unit = 'seconds' | 'bytes' | 'ratio' | 'per-second' | 'count';

/** "1.84 s", "3.2 MB", "83 %", "4.2 /s", "1,204": a measured value in its unit; what can't be a value is a dash. */
export const formatMeasured = (value: number, unit: Unit): string => {
  if (!Number.isFinite(value)) return '–';
  if (value < 0) return `−${formatMeasured(-value, unit)}`;
  switch (unit) {
    case 'seconds':
      return value > 0 && value < 0.000_999_5 ? `${plain(value * 1e6)} µs` : formatDuration(value * 1_000);
    case 'bytes':
      return formatBytes(value);
    case 'ratio':
      return value > 0 && value < 0.1 ? `${plain(value * 100)} %` : formatPercent(value);
    case 'per-second':
      return `${plain(value)} /s`;
    case 'count':
      return plain(value);
    default:
      return unit satisfies never;
  }
};

/** Of a counter as a rate: bytes become bytes per second, seconds a share of the time. */
export const formatRate = (value: number, unit: Unit): string => {
  if (unit === 'bytes') return `${formatMeasured(value, 'bytes')}/s`;
  if (unit === 'seconds') return formatMeasured(value, 'ratio');
  return formatMeasured(value, 'per-second');
};

/** A window without the parts that are nothing: "5 min", "7 d", "1 h 30 min". */
export const formatSpan = (ms: number): string =>
  ms < 1_000 ? formatDuration(ms) : formatRemaining(ms).replace(/ 0?0 (h|min|s)$/, '');

/** By the ending that Prometheus names have, where nobody described the metric. */
export const unitOfName = (name: string): Unit => {
  const base = name.replace(/_total$/, '');
  if (base.endsWith('_seconds')) return 'seconds';
  if (base.endsWith('_bytes')) return 'bytes';
  return base.endsWith('_ratio') ? 'ratio' : 'count';
};

/** Three digits, and large numbers shortened: 0.042, 4.2, 18,220, 1.2 M. */
const plain = (value: number): string => {
  if (value === 0) return '0';
  if (value >= 999_500_000) return `${threeDigits(value / 1e9)} G`;
  if (value >= 999_500) return `${threeDigits(value / 1e6)} M`;
  if (value >= 100 || Number.isInteger(value)) return formatInteger(value);
  return threeDigits(value);
};

const threeDigits = (value: number): string => String(Number(value.toPrecision(3)));
