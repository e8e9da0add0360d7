import type { BenchResult } from './suite.ts';

export const formatTable = (
  result: BenchResult,
  baseline: BenchResult | undefined,
  limits: Readonly<Record<string, number>>,
): string => {
  const rows = Object.entries(result).map(([key, value]) => {
    const limit = limits[key];
    const over = limit !== undefined && value !== null && value > limit;
    const cells = [
      key.padEnd(20),
      formatNumber(value).padStart(12),
      formatNumber(baseline?.[key] ?? null).padStart(12),
      compareWithBaseline(value, baseline?.[key] ?? undefined).padStart(10),
    ];
    return `${cells.join(' ')}${over ? `   over its limit of ${limit}` : ''}`;
  });
  const head = ['', 'now', 'baseline', 'change'];
  return [
    head
      .map((title, index) => (index === 0 ? title.padEnd(20) : title.padStart(index === 3 ? 10 : 12)))
      .join(' '),
    ...rows,
  ].join('\n');
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
