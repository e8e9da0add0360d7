/**
 * Equally spaced samples of several values on one time axis, the newest `length` of them: what a live chart draws.
 * A value is null where nothing was measured, so that the line has a gap instead of a lie.
 */
export type Series<Column extends string> = {
  readonly time: readonly number[];
  readonly columns: Readonly<Record<Column, readonly (number | null)[]>>;
};

export const emptySeries = <Column extends string>(names: readonly Column[]): Series<Column> => ({
  time: [],
  columns: Object.fromEntries(names.map((name) => [name, []])) as unknown as Series<Column>['columns'],
});

export const appendSample = <Column extends string>(
  series: Series<Column>,
  time: number,
  sample: Readonly<Record<Column, number | null>>,
  length: number,
): Series<Column> => ({
  time: [...series.time, time].slice(-length),
  columns: Object.fromEntries(
    Object.entries(series.columns).map(([name, values]) => [
      name,
      [...(values as readonly (number | null)[]), sample[name as Column] ?? null].slice(-length),
    ]),
  ) as unknown as Series<Column>['columns'],
});
