import type { MilliCredits } from '../../core/brand.ts';
import { err, ok, type Result } from '../../core/result.ts';

export const notReported = 'not reported';

/** Exact: three decimals by integer arithmetic. */
export const formatCredits = (milli: MilliCredits): string => {
  const sign = milli < 0 ? '−' : '';
  const whole = Math.floor(Math.abs(milli) / 1000);
  return `${sign}${formatInteger(whole)}.${String(Math.abs(milli) % 1000).padStart(3, '0')}`;
};

const microPerVc = 1_000_000;
/** Part thousands and stand before the unit: amounts don't break over lines, and what is copied can be typed back. */
const groupSpace = '\u202f';
const unitSpace = '\u00a0';

/** µVC as an exact decimal of VC, without trailing zeros and without the unit: "1 000.25". */
export const formatVcFigure = (micro: number): string => {
  const size = Math.abs(micro);
  const rest = size % microPerVc;
  const whole = String((size - rest) / microPerVc).replace(/\B(?=(\d{3})+$)/g, groupSpace);
  const decimals = String(rest).padStart(6, '0').replace(/0+$/, '');
  return `${micro < 0 ? '−' : ''}${whole}${decimals === '' ? '' : `.${decimals}`}`;
};

export const formatVc = (micro: number): string => `${formatVcFigure(micro)}${unitSpace}VC`;

/** With its sign, as a change of a balance. */
export const formatVcChange = (micro: number): string => `${micro > 0 ? '+' : ''}${formatVc(micro)}`;

/**
 * A typed amount of VC as µVC, exactly; refused in words. Spaces may part thousands, and a dot or a comma stands before at
 * most six decimals; what means two amounts in two countries ("1,000") is refused, except that a dot alone is always
 * decimal, as this page writes it.
 */
export const parseVc = (text: string): Result<number, string> => {
  const typed = text.replace(/\s*vc\s*$/i, '').trim();
  if (typed === '') return err('Write an amount, like 12 or 0.5.');
  if (
    /^[1-9]\d{0,2}(,\d{3})+$/.test(typed) ||
    (/^[\d .,]*$/.test(typed.replace(/\s/g, ' ')) && /,.*\.|\..*,/.test(typed))
  )
    return err(
      `“${typed}” can mean two amounts. Write thousands with spaces or nothing, and decimals after a dot: 1000.5`,
    );
  const [match, whole = '', decimals = ''] = typedVc.exec(typed) ?? [];
  if (match === undefined)
    return err(`“${typed}” is no amount. Write digits and at most one dot, like 12 or 0.5.`);
  if (decimals.length > 6) return err(`“${typed}” has ${decimals.length} decimals; a VC has at most six.`);
  const micro = BigInt(whole.replace(/\s/g, '') + decimals.padEnd(6, '0'));
  return micro > BigInt(Number.MAX_SAFE_INTEGER)
    ? err(`“${typed}” is more than there can be: ${formatVc(Number.MAX_SAFE_INTEGER)}.`)
    : ok(Number(micro));
};
const typedVc = /^(\d{1,20}|\d{1,3}(?:[ \u00a0\u2009\u202f]\d{3})+)(?:[.,](\d{1,30}))?$/;

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

/** What is left of days as well as of seconds: "6 d 4 h", "3 h 05 min", "2 min 09 s", "9 s". */
export const formatRemaining = (ms: number): string => {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${twoDigits(seconds % 60)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${twoDigits(minutes % 60)} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
};

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

const twoDigits = (value: number): string => String(value).padStart(2, '0');

const threeDigits = (value: number): string => {
  const decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: 0, maximumFractionDigits: decimals });
};
