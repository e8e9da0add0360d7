import { decodeSketch } from '../metrics/sketch.ts';
import type { MetricKind, Sketch } from '../metrics/types.ts';
import type { StoredBucket } from './buckets.ts';
import { createRing, type Ring } from './ring.ts';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
/** The slowest burn rate looks at three days. */
export const windowMs = 72 * hourMs;
/** Points as recorded: half an hour at one in ten seconds. */
const ringLength = 180;
const minutesPerPage = 360;
export const pageMs = minutesPerPage * minuteMs;
/** Sketches by the minute for two hours and the one that runs, by the hour for three days. */
const minuteSketches = 180;
const hourSketches = 73;
/** Keys, maps and the arrays' own heads. */
const overhead = { series: 1_000, page: 200, sketch: 120 };

/**
 * The recent past of one series in bounded memory: its last points, minutes for three days (of a counter what was added, of a
 * gauge the last value, of a histogram count and sum), and sketches. Gauges and histograms by the minute have seven digits.
 */
export class SeriesWindow {
  readonly kind: MetricKind;
  readonly ring: Ring;
  /** By number since 1970; NaN where nothing was measured. A histogram's page has the counts first, then the sums. */
  readonly #pages = new Map<number, Float32Array | Float64Array>();
  readonly #minutes = new SketchShelf(minuteMs, minuteSketches);
  readonly #hours = new SketchShelf(hourMs, hourSketches);
  /** Since this tab began: for the quality of the data. */
  taken = 0;
  refused = 0;
  outOfOrder = 0;
  /** Of the finest tier that is stored: points, of a histogram minutes. */
  kept = 0;
  /** Of what was taken since it was last known what is stored. */
  oldest = Number.POSITIVE_INFINITY;

  constructor(kind: MetricKind) {
    this.kind = kind;
    this.ring = createRing(ringLength);
  }

  /** `value` of a histogram: the sum of `weight` samples. */
  record(at: number, value: number, weight: number, now: number): void {
    this.taken++;
    this.oldest = Math.min(this.oldest, at);
    // One that was given a time to come would be the newest until then.
    this.ring.dropLaterThan(now + minuteMs);
    const newest = this.ring.newest();
    if (newest && at < newest.at) this.outOfOrder++;
    this.ring.insert(at, value, weight);
    const isNewMinute = this.#addToPage(at, value, weight, newest === undefined || at >= newest.at, now);
    if (this.kind !== 'histogram' || isNewMinute) this.kept++;
  }

  recordSketch(at: number, sketch: Sketch): void {
    this.#minutes.add(at, sketch);
    this.#hours.add(at, sketch);
  }

  /** What was stored, on opening: points go into the ring only, minutes and hours into what is kept of them. */
  restorePoint({ at, sum, count }: StoredBucket): void {
    this.ring.insert(at, sum, count);
  }
  restoreMinute({ at, sum, count, last, sketch }: StoredBucket, now: number): void {
    this.#addToPage(at, this.kind === 'gauge' ? last : sum, count, true, now);
    if (sketch) this.#minutes.add(at, sketch);
  }
  restoreHour({ at, sketch }: StoredBucket): void {
    if (sketch) this.#hours.add(at, sketch);
  }

  /** Every minute in [from, to) in which something was measured; both on whole minutes. */
  minutes(from: number, to: number, visit: (at: number, value: number, weight: number) => void): void {
    for (const index of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(index);
      if (!page) continue;
      const start = index * pageMs;
      const first = Math.max(0, Math.floor((from - start) / minuteMs));
      const end = Math.min(minutesPerPage, Math.ceil((to - start) / minuteMs));
      for (let slot = first; slot < end; slot++) {
        const value = page[slot] ?? Number.NaN;
        if (Number.isNaN(value)) continue;
        const at = start + slot * minuteMs;
        if (this.kind === 'histogram') visit(at, page[minutesPerPage + slot] ?? 0, value);
        else visit(at, value, 1);
      }
    }
  }

  distribution(from: number, to: number): Sketch | undefined {
    // Hours up to where minutes are complete.
    const oldestMinute = this.#minutes.oldest() ?? Number.POSITIVE_INFINITY;
    const border = Math.min(Math.ceil(oldestMinute / hourMs) * hourMs, to);
    const reachesBack = this.#hours.hasBefore(Math.floor(oldestMinute / hourMs) * hourMs);
    const merged: { sketch: Sketch | undefined } = { sketch: undefined };
    if (!reachesBack || from >= border) this.#minutes.mergeInto(merged, from, to);
    else {
      this.#hours.mergeInto(merged, from, border);
      this.#minutes.mergeInto(merged, border, to);
    }
    return merged.sketch;
  }

  oldestPage(): number | undefined {
    return this.#pages.size === 0 ? undefined : Math.min(...this.#pages.keys());
  }

  /** Lets go of what was before a page. */
  dropBefore(page: number): void {
    for (const index of [...this.#pages.keys()]) if (index < page) this.#pages.delete(index);
    this.#minutes.dropBefore(page * pageMs);
    this.#hours.dropBefore(page * pageMs);
  }

  /** Lets go of what lies after a time. An hour in which it lies is made anew of its minutes, as far as they are known. */
  dropLaterThan(at: number): void {
    this.ring.dropLaterThan(at);
    const end = Math.floor(at / minuteMs) + 1;
    for (const [index, page] of this.#pages) {
      const first = end - index * minutesPerPage;
      if (first <= 0) this.#pages.delete(index);
      else if (first < minutesPerPage) page.fill(Number.NaN, first, minutesPerPage);
    }
    this.#minutes.dropFrom(end * minuteMs);
    const hour = Math.floor(at / hourMs) * hourMs;
    this.#hours.dropFrom(hour);
    const rest: { sketch: Sketch | undefined } = { sketch: undefined };
    this.#minutes.mergeInto(rest, hour, end * minuteMs);
    if (rest.sketch) this.#hours.add(hour, rest.sketch);
  }

  bytes(): number {
    let pages = 0;
    for (const page of this.#pages.values()) pages += page.byteLength + overhead.page;
    return overhead.series + this.ring.byteLength + pages + this.#minutes.bytes() + this.#hours.bytes();
  }

  /** Whether nothing had been measured in that minute. */
  #addToPage(at: number, value: number, weight: number, isNewest: boolean, now: number): boolean {
    const index = Math.floor(at / pageMs);
    if (index < Math.floor((now - windowMs) / pageMs)) return false;
    let page = this.#pages.get(index);
    if (!page) {
      page = this.#newPage();
      this.#pages.set(index, page);
    }
    const slot = Math.floor(at / minuteMs) - index * minutesPerPage;
    const known = page[slot] ?? Number.NaN;
    const isKnown = !Number.isNaN(known);
    switch (this.kind) {
      case 'counter':
        page[slot] = (isKnown ? known : 0) + value;
        break;
      case 'gauge':
        if (!isKnown || isNewest) page[slot] = value;
        break;
      case 'histogram': {
        const sum = minutesPerPage + slot;
        page[slot] = (isKnown ? known : 0) + weight;
        page[sum] = (isKnown ? (page[sum] ?? 0) : 0) + value;
        break;
      }
      default:
        this.kind satisfies never;
    }
    return !isKnown;
  }

  #newPage(): Float32Array | Float64Array {
    if (this.kind === 'counter') return new Float64Array(minutesPerPage).fill(Number.NaN);
    return new Float32Array(this.kind === 'histogram' ? 2 * minutesPerPage : minutesPerPage).fill(Number.NaN);
  }
}

/** Sketches by step of time, encoded but for the one that is being added to. The oldest go beyond `keep`. */
class SketchShelf {
  readonly #stepMs: number;
  readonly #keep: number;
  readonly #closed = new Map<number, Uint8Array>();
  #open: { readonly index: number; readonly sketch: Sketch } | undefined;
  #bytes = 0;

  constructor(stepMs: number, keep: number) {
    this.#stepMs = stepMs;
    this.#keep = keep;
  }

  add(at: number, sketch: Sketch): void {
    const index = Math.floor(at / this.#stepMs);
    if (this.#open?.index !== index) {
      this.#close();
      this.#open = { index, sketch: this.#take(index) ?? emptyLike(sketch) };
    }
    this.#open?.sketch.merge(sketch);
  }

  mergeInto(target: { sketch: Sketch | undefined }, from: number, to: number): void {
    const first = Math.floor(from / this.#stepMs);
    const isWithin = (index: number) => index >= first && index * this.#stepMs < to;
    const merge = (sketch: Sketch) => {
      if (target.sketch) target.sketch.merge(sketch);
      else target.sketch = sketch.copy();
    };
    for (const [index, bytes] of this.#closed) {
      const sketch = isWithin(index) ? decodeSketch(bytes) : undefined;
      if (sketch?.ok) merge(sketch.value);
    }
    if (this.#open && isWithin(this.#open.index)) merge(this.#open.sketch);
  }

  oldest(): number | undefined {
    const indices = [...this.#closed.keys(), ...(this.#open ? [this.#open.index] : [])];
    return indices.length === 0 ? undefined : Math.min(...indices) * this.#stepMs;
  }

  hasBefore(at: number): boolean {
    return (this.oldest() ?? at) < at;
  }

  dropBefore(at: number): void {
    for (const index of [...this.#closed.keys()]) if (index * this.#stepMs < at) this.#take(index);
  }

  dropFrom(at: number): void {
    for (const index of [...this.#closed.keys()]) if (index * this.#stepMs >= at) this.#take(index);
    if (this.#open && this.#open.index * this.#stepMs >= at) this.#open = undefined;
  }

  bytes(): number {
    return this.#bytes + (this.#open ? 4_096 : 0);
  }

  #close(): void {
    if (!this.#open) return;
    const bytes = this.#open.sketch.encode();
    this.#closed.set(this.#open.index, bytes);
    this.#bytes += bytes.byteLength + overhead.sketch;
    this.#open = undefined;
    if (this.#closed.size >= this.#keep) this.#take(Math.min(...this.#closed.keys()));
  }

  #take(index: number): Sketch | undefined {
    const bytes = this.#closed.get(index);
    if (!bytes) return undefined;
    this.#closed.delete(index);
    this.#bytes -= bytes.byteLength + overhead.sketch;
    const sketch = decodeSketch(bytes);
    return sketch.ok ? sketch.value : undefined;
  }
}

const emptyLike = (sketch: Sketch): Sketch => {
  const empty = sketch.copy();
  empty.clear();
  return empty;
};
