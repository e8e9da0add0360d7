/** Numbers and times as people read them in an alert. */

export const sayValue = (metric: string, value: number): string => {
  const name = metric.replace(/\{.*$/s, '');
  if (name.endsWith('_seconds'))
    return value < 1
      ? `${round(value * 1_000)} ms`
      : value < 120
        ? `${round(value)} s`
        : sayTime(value * 1_000);
  if (name.endsWith('_bytes')) return sayBytes(value);
  if (name.endsWith('_ratio')) return sayShare(value);
  return round(value);
};

export const sayShare = (share: number): string => `${round(share * 100)} %`;

/** Milliseconds: `90 s`, `5 min`, `6 h`, `3 d`. */
export const sayTime = (duration: number): string => {
  const seconds = duration / 1_000;
  if (seconds < 120) return `${round(seconds)} s`;
  if (seconds < 7_200) return `${round(seconds / 60)} min`;
  return seconds < 172_800 ? `${round(seconds / 3_600)} h` : `${round(seconds / 86_400)} d`;
};

const sayBytes = (bytes: number): string => {
  const size = Math.abs(bytes);
  if (size >= 2 ** 30) return `${round(bytes / 2 ** 30)} GiB`;
  return size >= 2 ** 20 ? `${round(bytes / 2 ** 20)} MiB` : `${round(bytes / 1_024)} KiB`;
};

/** Three significant digits, and no exponent where there needn't be one. */
const round = (value: number): string =>
  Math.abs(value) >= 1_000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
