/** How numbers look to people, and values as JSON. */

export const byteText = (bytes: number): string => {
  if (bytes < 10_000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return bytes < 1e10 ? `${(bytes / 1e6).toFixed(2)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;
};

export const grouped = (count: number): string => count.toLocaleString('en-US');

export const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;

/** Few digits, whatever the size. */
export const short = (value: number): string =>
  value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 1e5)
    ? Number(value.toPrecision(4)).toString()
    : value.toExponential(2);

export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(count)} ${count === 1 ? one : many}`;

/** JSON has no bigint, and a map is an object there. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return Number(part);
    return part instanceof Map ? Object.fromEntries(part) : part;
  });
