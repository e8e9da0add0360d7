import { type Bench, type BenchResult, flatten } from './suite.ts';

type Promises = Pick<Bench, 'limits' | 'floors'>;

export const formatTable = (
  result: BenchResult,
  earlier: BenchResult | undefined,
  promises: Promises,
): string => {
  const baseline = earlier && flatten(earlier);
  const rows = Object.entries(flatten(result)).map(([key, value]) => {
    const cells = [
      key.padEnd(20),
      formatNumber(value).padStart(12),
      formatNumber(baseline?.[key] ?? null).padStart(12),
      compareWithBaseline(value, baseline?.[key] ?? undefined).padStart(10),
    ];
    return `${cells.join(' ')}${brokenPromise(key, value, promises)}`;
  });
  const head = ['', 'now', 'baseline', 'change'];
  return [
    head
      .map((title, index) => (index === 0 ? title.padEnd(20) : title.padStart(index === 3 ? 10 : 12)))
      .join(' '),
    ...rows,
  ].join('\n');
};

const brokenPromise = (key: string, value: number | null, { limits, floors }: Promises): string => {
  const [limit, floor] = [limits?.[key], floors?.[key]];
  if (limit !== undefined && value !== null && value > limit) return `   over its limit of ${limit}`;
  if (floor !== undefined && value !== null && value < floor) return `   below its floor of ${floor}`;
  return '';
};

export const compareWithBaseline = (now: number | null, before: number | undefined): string => {
  if (before === undefined) return 'new';
  if (now === null || before === 0) return '–';
  const change = (now / before - 1) * 100;
  if (Math.abs(change) < 0.05) return '=';
  return `${change > 0 ? '+' : '−'}${Math.abs(change).toFixed(1)} %`;
};

const formatNumber = (value: number | null): string =>
  value === null ? '–' : Number.isInteger(value) ? String(value) : value.toPrecision(4);
