/** What an exponentially weighted moving average has come to. `variance`: West 1979's, of the same weights. */
export type Ewma = { readonly mean: number; readonly variance: number; readonly samples: number };

export const startEwma = (first: number): Ewma => ({ mean: first, variance: 0, samples: 1 });

/** `lambda` in (0, 1]: weight of the newest. A value that is not finite changes nothing. */
export const ewma = (state: Ewma, value: number, lambda: number): Ewma => {
  if (!Number.isFinite(value)) return state;
  const difference = value - state.mean;
  const step = lambda * difference;
  return {
    mean: state.mean + step,
    variance: (1 - lambda) * (state.variance + difference * step),
    samples: state.samples + 1,
  };
};

/** The moving average of values with one weight, starting from a mean. */
export const ewmaOf = (values: readonly number[], lambda: number, start: number): number =>
  values.reduce((state, value) => ewma(state, value, lambda), startEwma(start)).mean;
