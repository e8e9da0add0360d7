/** The step size of each update, by its number from 0. */
export type Schedule = (update: number) => number;

export const constantRate =
  (rate: number): Schedule =>
  () =>
    rate;

/**
 * Up to `peak` in a line over `warmup` updates, then down to `least` along half a cosine until `total` (Loshchilov, Hutter,
 * "SGDR", 2017, with one cycle); `least` from there on.
 */
export const cosineRate =
  (options: {
    readonly peak: number;
    readonly total: number;
    readonly warmup?: number;
    readonly least?: number;
  }): Schedule =>
  (update) => {
    const { peak, total, warmup = 0, least = 0 } = options;
    if (update < warmup) return (peak * (update + 1)) / warmup;
    const done = Math.min(1, (update - warmup) / Math.max(1, total - warmup));
    return least + ((peak - least) * (1 + Math.cos(Math.PI * done))) / 2;
  };
