/** What a suite's `*.bench.ts` exports: `run`, and what its numbers promise. */

export type BenchOptions = {
  /** Progress for people; never on the line a machine reads. */
  readonly say: (text: string) => void;
  /** The caller is a machine: tables are of no use. */
  readonly json: boolean;
};

/** `null`: could not be measured here, and `say` told why. */
export type BenchNumbers = Readonly<Record<string, number | null>>;
export type BenchRow = { readonly name: string } & Readonly<Record<string, string | number | null>>;
/** Numbers, and lists of rows of numbers that belong together. */
export type BenchResult = Readonly<Record<string, number | null | readonly BenchRow[]>>;

/** Rows as numbers of their own, `<name>_<key>`, for whatever compares number with number. */
export const flatten = (result: BenchResult): BenchNumbers =>
  Object.fromEntries(
    Object.entries(result).flatMap(([key, value]) =>
      typeof value === 'number' || value === null ? [[key, value] as const] : value.flatMap(numbersOf),
    ),
  );

const numbersOf = ({ name, ...columns }: BenchRow): readonly (readonly [string, number | null])[] =>
  Object.entries(columns).flatMap(([key, value]) =>
    typeof value === 'string' ? [] : [[`${name}_${key}`, value] as const],
  );

export type Bench = {
  /** Verifies what it produces before it times it; throws if it is wrong. */
  run(options: BenchOptions): Promise<BenchResult>;
  /** The most a number may be. */
  readonly limits?: Readonly<Record<string, number>>;
  /** The least a number may be. */
  readonly floors?: Readonly<Record<string, number>>;
};

/** The p-th percentile, nearest rank: a value that was measured, none in between. */
export const percentile = (values: readonly number[], p: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil((p / 100) * sorted.length) - 1)];
  if (value === undefined) throw new Error('a percentile of no values');
  return value;
};

export const median = (values: readonly number[]): number => percentile(values, 50);
