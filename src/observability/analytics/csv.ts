import { concatBytes, utf8 } from '../../core/bytes.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import type { MetricKind } from '../metrics/types.ts';
import type { StoredBucket } from './buckets.ts';
import type { StoredView } from './storedView.ts';
import type { AnalyticsFault, SavedFile, Tier } from './types.ts';

const header = [
  'series',
  'kind',
  'tier',
  'time',
  'at_ms',
  'count',
  'sum',
  'min',
  'max',
  'last',
  'p50',
  'p95',
  'p99',
];

/** RFC 4180: every series from the finest tier that reaches back far enough. Rejects with StorageErrors. */
export const csvOf = async (
  view: StoredView,
  options: {
    readonly series: readonly { readonly key: string; readonly kind: MetricKind | undefined }[];
    readonly from: number;
    readonly to: number;
    readonly tierOf: (key: string, kind: MetricKind) => Tier;
    readonly maxBytes: number;
  },
): Promise<Result<SavedFile, AnalyticsFault>> => {
  const { from, to, maxBytes } = options;
  const parts = [utf8(`${header.join(',')}\r\n`)];
  let size = 0;
  for (const { key, kind } of options.series) {
    if (!kind) return err(fault('invalid', `there is no series ${key.slice(0, 200)}`));
    const tier = options.tierOf(key, kind);
    const buckets = await view.read(key, tier, from, to, { sketches: kind === 'histogram' });
    const part = utf8(buckets.map((bucket) => lineOf(key, kind, tier, bucket)).join(''));
    size += part.byteLength;
    if (size > maxBytes)
      return err(
        fault(
          'too-large',
          `the file has more than ${maxBytes} bytes: choose fewer series or a shorter range`,
        ),
      );
    parts.push(part);
  }
  return ok({ name: 'aivillage-series.csv', type: 'text/csv;charset=utf-8', bytes: concatBytes(...parts) });
};

const lineOf = (key: string, kind: MetricKind, tier: Tier, bucket: StoredBucket): string => {
  const quantiles = [0.5, 0.95, 0.99].map((q) => bucket.sketch?.quantile(q) ?? '');
  const { at, count, sum, min, max, last } = bucket;
  const cells = [key, kind, tier, new Date(at).toISOString(), at, count, sum, min, max, last, ...quantiles];
  return `${cells.map((cell) => (typeof cell === 'number' ? String(cell) : csvCell(cell))).join(',')}\r\n`;
};

/**
 * Quoted where RFC 4180 asks for it. Spreadsheets run what begins like a formula: an apostrophe makes it text again (OWASP, CSV
 * Injection). Numbers are written as they are.
 */
export const csvCell = (text: string): string => {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
};
