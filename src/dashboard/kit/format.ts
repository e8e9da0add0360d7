import type { MilliCredits } from '../../core/brand.ts';

export const notReported = 'not reported';

/** Exact: three decimals by integer arithmetic. */
export const formatCredits = (milli: MilliCredits): string => {
  const sign = milli < 0 ? '−' : '';
  const whole = Math.floor(Math.abs(milli) / 1000);
  return `${sign}${formatInteger(whole)}.${String(Math.abs(milli) % 1000).padStart(3, '0')}`;
};

export const formatInteger = (value: number): string => Math.round(value).toLocaleString('en-US');

/** "3 devices"; irregular plurals are given. */
export const formatCount = (count: number, one: string, many = `${one}s`): string =>
  `${formatInteger(count)} ${count === 1 ? one : many}`;

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Decimal units, three significant digits: 1.23 MB. */
export const formatBytes = (bytes: number): string => {
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as "1,000": it belongs to the next unit.
  while (value >= 999.5 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? formatInteger(value) : threeDigits(value)} ${byteUnits[unit]}`;
};

/** Binary units, for GPU limits that are powers of two. */
export const formatBinary = (bytes: number): string => {
  if (bytes >= 2 ** 30) return `${threeDigits(bytes / 2 ** 30)} GiB`;
  if (bytes >= 2 ** 20) return `${threeDigits(bytes / 2 ** 20)} MiB`;
  return `${threeDigits(bytes / 2 ** 10)} KiB`;
};

/** "3.2 ms", "48 ms", "1.84 s", "3 min 05 s", "2 h 10 min". */
export const formatDuration = (ms: number): string => {
  if (ms === 0) return '0 ms';
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${threeDigits(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
};

export const formatCountdown = (ms: number): string => `${Math.max(0, Math.ceil(ms / 1000))} s`;

export const formatPercent = (share: number): string => {
  const percent = share * 100;
  return `${percent > 99 && percent < 100 ? percent.toFixed(1) : Math.round(percent)} %`;
};

/** How long ago, in words; a device clock that runs ahead reads as "just now". */
export const formatAgo = (ms: number): string => {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${formatCount(Math.floor(seconds / 86_400), 'day')} ago`;
};

export const formatSpeed = (megapixelsPerSecond: number): string =>
  `${threeDigits(megapixelsPerSecond)} MP/s`;

export const formatClockTime = (wall: number): string =>
  new Date(wall).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

export const formatDateTime = (wall: number): string =>
  new Date(wall).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
  });

/** The first characters of a hash: enough to compare by eye, the whole is in a title or a dialog. */
export const shortId = (id: string): string => (id.length <= 10 ? id : `${id.slice(0, 8)}…`);

export const bytesToHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Reasons come as parts of sentences. */
export const asSentence = (text: string): string => {
  if (text === '') return '';
  const begun = text.charAt(0).toLocaleUpperCase('en') + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
};

const threeDigits = (value: number): string => {
  const decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: decimals });
};
