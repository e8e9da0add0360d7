import * as v from 'valibot';
import { encodeCbor } from '../../core/codec.ts';
import { err, fault, ok, type Result } from '../../core/result.ts';
import { countSchema, decodeWith, finiteSchema } from '../../core/schema.ts';
import { Bins } from './bins.ts';
import { createMapping, type Mapping, smallest } from './mapping.ts';
import type { Sketch, SketchFault, SketchOptions } from './types.ts';

/** What may be asked of a sketch, and what a stranger's sketch may cost: 32 KiB per sign. */
const limits = {
  alpha: { least: 1e-4, most: 0.5 },
  maxBins: { least: 2, most: 4_096 },
  bytes: 128 * 1024,
} as const;
const defaults: Required<SketchOptions> = { alpha: 0.01, maxBins: 2_048 };

/**
 * Throws if alpha is not in [0.0001, 0.5] or maxBins no integer in [2, 4,096]. Values of more than `maxBins` bins of a sign keep
 * the error bound for the largest magnitudes (with the defaults, 17 decades of them); the sum is a floating-point sum and depends
 * in its last digits on the order of what was added.
 */
export const createSketch = (options: SketchOptions = {}): Sketch => {
  const { alpha, maxBins } = { ...defaults, ...options };
  if (!(alpha >= limits.alpha.least && alpha <= limits.alpha.most))
    throw new RangeError(
      `a sketch's alpha is in [${limits.alpha.least}, ${limits.alpha.most}], not ${alpha}`,
    );
  if (!Number.isInteger(maxBins) || maxBins < limits.maxBins.least || maxBins > limits.maxBins.most)
    throw new RangeError(
      `a sketch has ${limits.maxBins.least} to ${limits.maxBins.most} bins of a sign, not ${maxBins}`,
    );
  return new DenseSketch(createMapping(alpha), maxBins);
};

/** Reads what `encode` wrote. Bytes from strangers: refused unless counts, bins, bounds and sum agree with each other. */
export const decodeSketch = (bytes: Uint8Array): Result<Sketch, SketchFault> => {
  const read = decodeWith(schema, bytes, { maxBytes: limits.bytes, maxDepth: 3 });
  if (!read.ok) return err(fault('malformed', `not a sketch: ${read.error.message}`));
  return DenseSketch.from(read.value);
};

/** Bins as alternating steps of the index (the first from 0) and counts. */
const runsSchema = v.pipe(
  v.array(v.pipe(v.number(), v.safeInteger())),
  v.maxLength(2 * limits.maxBins.most),
  v.check(({ length }) => length % 2 === 0, 'bins are pairs'),
);
const schema = v.strictObject({
  v: v.literal(1),
  alpha: v.pipe(v.number(), v.minValue(limits.alpha.least), v.maxValue(limits.alpha.most)),
  maxBins: v.pipe(v.number(), v.integer(), v.minValue(limits.maxBins.least), v.maxValue(limits.maxBins.most)),
  /** Nothing is known of an empty one. */
  range: v.nullable(v.strictTuple([finiteSchema, finiteSchema])),
  sum: finiteSchema,
  zeros: countSchema(Number.MAX_SAFE_INTEGER),
  negative: runsSchema,
  positive: runsSchema,
});
type Encoded = v.InferOutput<typeof schema>;

const malformed = (message: string) => err(fault('malformed', `not a sketch: ${message}`));

class DenseSketch implements Sketch {
  readonly #mapping: Mapping;
  readonly #maxBins: number;
  readonly #positive: Bins;
  /** By magnitude. */
  readonly #negative: Bins;
  #zeros = 0;
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  constructor(mapping: Mapping, maxBins: number) {
    this.#mapping = mapping;
    this.#maxBins = maxBins;
    this.#positive = new Bins(maxBins);
    this.#negative = new Bins(maxBins);
  }

  static from(encoded: Encoded): Result<Sketch, SketchFault> {
    const { alpha, maxBins, range, sum, zeros } = encoded;
    const sketch = new DenseSketch(createMapping(alpha), maxBins);
    sketch.#zeros = zeros;
    sketch.#sum = sum;
    let count = zeros;
    for (const sign of ['negative', 'positive'] as const) {
      const added = addRuns(
        sign === 'negative' ? sketch.#negative : sketch.#positive,
        encoded[sign],
        maxBins,
      );
      if (!added.ok) return added;
      count += added.value;
    }
    if (!Number.isSafeInteger(count)) return malformed('its counts are too large to be added');
    sketch.#count = count;
    if (range) [sketch.#min, sketch.#max] = range;
    return sketch.#contradiction(range !== null) ?? ok(sketch);
  }

  get count(): number {
    return this.#count;
  }
  get sum(): number {
    return this.#sum;
  }
  get min(): number {
    return this.#count === 0 ? Number.NaN : this.#min;
  }
  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max;
  }

  add(value: number, weight = 1): boolean {
    if (!Number.isFinite(value) || !Number.isSafeInteger(weight) || weight < 1) return false;
    if (this.#count + weight > Number.MAX_SAFE_INTEGER) return false;
    if (value >= smallest) this.#positive.add(this.#mapping.indexOf(value), weight);
    else if (value <= -smallest) this.#negative.add(this.#mapping.indexOf(-value), weight);
    else this.#zeros += weight;
    this.#count += weight;
    this.#sum = bounded(this.#sum + value * weight);
    if (value < this.#min) this.#min = value + 0; // no −0
    if (value > this.#max) this.#max = value + 0;
    return true;
  }

  quantile(q: number): number | undefined {
    if (this.#count === 0 || !(q >= 0 && q <= 1)) return undefined;
    if (q === 0) return this.#min;
    if (q === 1) return this.#max;
    const rank = q * (this.#count - 1);
    return Math.min(this.#max, Math.max(this.#min, this.#valueAt(rank)));
  }

  countBelow(value: number): number {
    if (this.#count === 0 || !(value >= this.#min)) return 0;
    if (value >= this.#max) return this.#count;
    const negatives = this.#negative.total();
    if (value >= smallest)
      return negatives + this.#zeros + this.#positive.countUpTo(this.#mapping.indexOf(value));
    if (value > -smallest) return negatives + this.#zeros;
    return negatives - this.#negative.countUpTo(this.#mapping.indexOf(-value) - 1);
  }

  merge(other: Sketch): Result<void, SketchFault> {
    if (!(other instanceof DenseSketch)) {
      const own = decodeSketch(other.encode());
      return own.ok ? this.merge(own.value) : own;
    }
    const { alpha } = this.#mapping;
    if (other.#mapping.alpha !== alpha)
      return err(
        fault(
          'incompatible',
          `a sketch of alpha ${other.#mapping.alpha} does not merge into one of ${alpha}`,
        ),
      );
    if (!Number.isSafeInteger(this.#count + other.#count))
      return err(fault('incompatible', 'together they have more samples than can be counted'));
    this.#positive.merge(other.#positive);
    this.#negative.merge(other.#negative);
    this.#zeros += other.#zeros;
    this.#count += other.#count;
    this.#sum = bounded(this.#sum + other.#sum);
    this.#min = Math.min(this.#min, other.#min);
    this.#max = Math.max(this.#max, other.#max);
    return ok(undefined);
  }

  copy(): Sketch {
    const copy = new DenseSketch(this.#mapping, this.#maxBins);
    copy.merge(this);
    return copy;
  }

  clear(): void {
    this.#positive.clear();
    this.#negative.clear();
    this.#zeros = 0;
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
  }

  encode(): Uint8Array {
    return encodeCbor({
      v: 1,
      alpha: this.#mapping.alpha,
      maxBins: this.#maxBins,
      range: this.#count === 0 ? null : [this.#min, this.#max],
      sum: this.#sum,
      zeros: this.#zeros,
      negative: runsOf(this.#negative),
      positive: runsOf(this.#positive),
    } satisfies Encoded);
  }

  #valueAt(rank: number): number {
    let below = 0;
    const isAt = (_index: number, count: number) => {
      below += count;
      return below > rank;
    };
    const negative = this.#negative.find('down', isAt);
    if (negative !== undefined) return -this.#mapping.valueOf(negative);
    below += this.#zeros;
    if (below > rank) return 0;
    const positive = this.#positive.find('up', isAt);
    return positive === undefined ? this.#max : this.#mapping.valueOf(positive);
  }

  /** Why what was read can't be a sketch of anything. */
  #contradiction(hasRange: boolean) {
    if (hasRange !== this.#count > 0)
      return malformed('it has a range without samples, or samples without one');
    if (this.#count === 0)
      return this.#sum === 0 ? undefined : malformed(`it has no samples and the sum ${this.#sum}`);
    if (this.#min > this.#max)
      return malformed(`its least value ${this.#min} is above its greatest ${this.#max}`);
    const scale = Math.max(-this.#min, this.#max);
    const slack = 1e-6 * scale; // floating-point sums of many values
    const mean = this.#sum / this.#count;
    const overflowed = Math.abs(this.#sum) === Number.MAX_VALUE;
    if (!overflowed && (mean < this.#min - slack || mean > this.#max + slack))
      return malformed(`its mean ${mean} is outside of its values`);
    return this.#boundsFit()
      ? undefined
      : malformed('its bins are not those of its least and greatest value');
  }

  #boundsFit(): boolean {
    const isPositive = this.#max >= smallest;
    const isNegative = this.#min <= -smallest;
    const hasZero = this.#min < smallest && this.#max > -smallest;
    if (this.#zeros > 0 ? !hasZero : !(isNegative || this.#min >= smallest)) return false;
    if (this.#zeros === 0 && !isPositive && this.#max > -smallest) return false;
    return (
      this.#signFits(this.#positive, this.#max, this.#min) &&
      this.#signFits(this.#negative, -this.#min, -this.#max)
    );
  }

  /** Another engine's logarithm may differ by one bin; the lowest bins may have been put together, upwards. */
  #signFits(bins: Bins, greatest: number, least: number): boolean {
    const top = bins.find('down', () => true);
    const bottom = bins.find('up', () => true);
    if (top === undefined || bottom === undefined) return greatest < smallest;
    if (greatest < smallest || Math.abs(top - this.#mapping.indexOf(greatest)) > 1) return false;
    return least < smallest || bottom >= this.#mapping.indexOf(least) - 1;
  }
}

const bounded = (sum: number): number => Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));

const runsOf = (bins: Bins): number[] => {
  const runs: number[] = [];
  let previous = 0;
  bins.find('up', (index, count) => {
    runs.push(index - previous, count);
    previous = index;
    return false;
  });
  return runs;
};

/** Adds what `runsOf` wrote, and returns how many samples. Nothing is allocated before the span of all bins is known. */
const addRuns = (bins: Bins, runs: readonly number[], maxBins: number): Result<number, SketchFault> => {
  const indices: number[] = [];
  const counts: number[] = [];
  let index = 0;
  let total = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const step = runs[i] ?? 0;
    const count = runs[i + 1] ?? 0;
    index += step;
    total += count;
    if (i > 0 && step < 1) return malformed('its bins are not in order');
    if (count < 1) return malformed(`a bin has ${count} samples`);
    if (Math.abs(index) > mostIndex) return malformed(`no value falls into bin ${index}`);
    indices.push(index);
    counts.push(count);
  }
  const span = (indices.at(-1) ?? 0) - (indices[0] ?? 0) + 1;
  if (span > maxBins) return malformed(`its bins span ${span}, at most ${maxBins} are kept`);
  for (const [i, count] of counts.toReversed().entries())
    bins.add(indices[indices.length - 1 - i] ?? 0, count);
  return ok(total);
};

/** ln(greatest double) over ln γ of the least alpha. */
const mostIndex = 4_000_000;
