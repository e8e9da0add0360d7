import type { LogFields } from '../../core/ports/telemetry.ts';
import { seriesKey, toLabels } from './labels.ts';
import type { Labels, MetricKind, Sketch } from './types.ts';

/** One series of a metric, as it changes. */
export type Series = {
  readonly key: string;
  readonly labels: Labels;
  /** Of a counter or gauge. */
  value: number;
  /** Of a histogram. */
  readonly sketch: Sketch | undefined;
  /** Of a gauge that is read when somebody looks. */
  read: (() => number | undefined) | undefined;
};

type LabelValue = LogFields[string];
type Node = { series: Series | undefined; readonly next: Map<LabelValue, Node> };
/** Label names in the order in which a caller writes them, and a tree by their values. */
type Shape = { readonly names: readonly string[]; readonly root: Node; leaves: number };

const newNode = (): Node => ({ series: undefined, next: new Map() });

/** Call sites write few orders of few sets of labels; other ones are found by their key. */
const maxShapes = 8;

export type FamilyLimits = { readonly maxSeries: number; readonly maxLabelLength: number };

/**
 * All series of one metric, found by their labels without building a text when they were met before in the same order. Doesn't
 * know what a sample is.
 */
export class Family {
  readonly name: string;
  readonly kind: MetricKind;
  readonly #limits: FamilyLimits;
  readonly #makeSketch: () => Sketch;
  readonly #seriesByKey = new Map<string, Series>();
  #shapes: Shape[] = [];
  #plain: Series | undefined;
  #other: Series | undefined;

  constructor(name: string, kind: MetricKind, limits: FamilyLimits, makeSketch: () => Sketch) {
    this.name = name;
    this.kind = kind;
    this.#limits = limits;
    this.#makeSketch = makeSketch;
  }

  get size(): number {
    return this.#seriesByKey.size;
  }

  all(): Iterable<Series> {
    return this.#seriesByKey.values();
  }

  /** The series of these labels if they were met before in this order: the hot path. */
  met(labels: LogFields | undefined): Series | undefined {
    if (labels === undefined) return this.#plain;
    for (const shape of this.#shapes) {
      const series = walk(shape, labels);
      if (series) return series;
    }
    return undefined;
  }

  /** The series of these labels, if it is there: for those who read. */
  known(fields: LogFields): Series | undefined {
    const labels = toLabels(fields, this.#limits.maxLabelLength);
    return labels && this.#seriesByKey.get(seriesKey(this.name, labels));
  }

  /** Made if need be and if `mayGrow`; 'full' and 'label': why not. */
  find(fields: LogFields, mayGrow: boolean): Series | 'full' | 'label' {
    const labels = toLabels(fields, this.#limits.maxLabelLength);
    if (!labels) return 'label';
    const key = seriesKey(this.name, labels);
    let series = this.#seriesByKey.get(key);
    if (!series) {
      const isFull = !mayGrow || this.#seriesByKey.size >= this.#limits.maxSeries;
      // The one without labels always has room: there are no more of it than names.
      if (isFull && key !== this.name) return 'full';
      series = this.#add(key, labels);
    }
    if (series.key === this.name) this.#plain = series;
    this.#remember(fields, series);
    return series;
  }

  /** Where the samples of label sets go for which there is no room. */
  other(fields: LogFields): Series {
    if (this.#other) return this.#other;
    const names = Object.keys(toLabels(fields, this.#limits.maxLabelLength) ?? {});
    const labels = Object.fromEntries(names.map((name) => [name, 'other']));
    const key = seriesKey(this.name, labels);
    this.#other = this.#seriesByKey.get(key) ?? this.#add(key, labels);
    return this.#other;
  }

  remove(series: Series): void {
    if (this.#seriesByKey.get(series.key) !== series) return;
    this.#seriesByKey.delete(series.key);
    this.#shapes = [];
    if (this.#plain === series) this.#plain = undefined;
    if (this.#other === series) this.#other = undefined;
  }

  #add(key: string, labels: Labels): Series {
    const sketch = this.kind === 'histogram' ? this.#makeSketch() : undefined;
    const series = { key, labels, value: 0, sketch, read: undefined };
    this.#seriesByKey.set(key, series);
    return series;
  }

  /** Not if the text of a label was cut, and not beyond a bound: what many values lead to must not be remembered for each. */
  #remember(fields: LogFields, series: Series): void {
    const names = namesOf(fields);
    if (names.some((name) => String(fields[name]).length > this.#limits.maxLabelLength)) return;
    let shape = this.#shapes.find((known) => isSame(known.names, names));
    if (!shape) {
      if (this.#shapes.length >= maxShapes) return;
      shape = { names, root: newNode(), leaves: 0 };
      this.#shapes.push(shape);
    }
    if (shape.leaves >= 2 * this.#limits.maxSeries) return;
    let node = shape.root;
    for (const name of names) {
      const value = fields[name];
      let next = node.next.get(value);
      if (!next) {
        next = newNode();
        node.next.set(value, next);
      }
      node = next;
    }
    if (!node.series) shape.leaves++;
    node.series = series;
  }
}

const walk = ({ names, root }: Shape, labels: LogFields): Series | undefined => {
  let node = root;
  let depth = 0;
  for (const name in labels) {
    const value = labels[name];
    if (value === undefined) continue;
    if (names[depth] !== name) return undefined;
    const next = node.next.get(value);
    if (!next) return undefined;
    node = next;
    depth++;
  }
  return depth === names.length ? node.series : undefined;
};

const namesOf = (fields: LogFields): string[] =>
  Object.keys(fields).filter((name) => fields[name] !== undefined);

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((name, i) => name === b[i]);
