import type { MetricKind, Sketch } from '../metrics/types.ts';
import { identityOf, type SeriesIdentity } from './seriesIdentity.ts';
import type { SignalReader } from './types.ts';
import { minuteMs, pageMs, SeriesWindow, windowMs } from './window.ts';

type Known = { readonly identity: SeriesIdentity; readonly window: SeriesWindow };

/**
 * The recent past of every series, and what alerts ask about it. Knows what this tab recorded and what was stored when it
 * opened; doesn't know what other tabs record meanwhile. Below half an hour points are as recorded, further back by the
 * minute, and distributions beyond two hours by the hour: edges of a range fall on whole ones.
 */
export interface RecentMemory extends SignalReader {
  /** Undefined: there are as many series as may be, or the key is another kind's. */
  find(identity: SeriesIdentity): SeriesWindow | undefined;
  window(key: string): SeriesWindow | undefined;
  all(): Iterable<Known>;
  /**
   * What the clock says, before each thing that is recorded. If it was set back, by more than clocks are usually put right by,
   * what lies after it is forgotten: it was measured in another past, and would be mixed into what is measured now.
   */
  tick(now: number): void;
  readonly size: number;
  bytes(): number;
  /** Lets go of what is older than three days, and of the oldest beyond the limit of bytes. Returns whether that was needed. */
  trim(now: number): boolean;
}

export const createRecentMemory = (options: {
  readonly intervalMs: number;
  readonly maxSeries: number;
  readonly maxBytes: number;
}): RecentMemory => {
  const known = new Map<string, Known>();
  let time = Number.NEGATIVE_INFINITY;
  const keysByName = new Map<string, string[]>();

  const bytes = () => {
    let sum = 0;
    for (const { window } of known.values()) sum += window.bytes();
    return sum;
  };
  const dropBefore = (page: number) => {
    for (const { window } of known.values()) window.dropBefore(page);
  };
  const kindOf = (key: string): MetricKind | undefined => known.get(key)?.window.kind;

  return {
    find(identity) {
      const found = known.get(identity.key);
      if (found) return found.window.kind === identity.kind ? found.window : undefined;
      if (known.size >= options.maxSeries) return undefined;
      const window = new SeriesWindow(identity.kind);
      known.set(identity.key, { identity: identityOf(identity), window });
      keysByName.set(identity.name, [...(keysByName.get(identity.name) ?? []), identity.key]);
      return window;
    },
    window: (key) => known.get(key)?.window,
    all: () => known.values(),
    tick(now) {
      if (now >= time - minuteMs) time = Math.max(time, now);
      else {
        for (const { window } of known.values()) window.dropLaterThan(now);
        time = now;
      }
    },
    get size() {
      return known.size;
    },
    bytes,
    trim(now) {
      dropBefore(Math.floor((now - windowMs) / pageMs));
      let overfull = false;
      while (bytes() > options.maxBytes) {
        const oldest = [...known.values()].flatMap(({ window }) => window.oldestPage() ?? []);
        const page = Math.min(...oldest);
        if (oldest.length === 0 || page >= Math.floor(now / pageMs)) break;
        dropBefore(page + 1);
        overfull = true;
      }
      return overfull;
    },

    keys: (name) => keysByName.get(name) ?? [],
    latest(key) {
      const newest = known.get(key)?.window.ring.newest();
      if (!newest) return undefined;
      const isMean = kindOf(key) === 'histogram';
      return { at: newest.at, value: isMean ? newest.value / newest.weight : newest.value };
    },
    increase(key, from, to) {
      const window = known.get(key)?.window;
      if (!window || window.kind === 'gauge') return 0;
      let sum = 0;
      const add = (_at: number, value: number, weight: number) => {
        sum += window.kind === 'histogram' ? weight : value;
      };
      // Whole minutes up to the first that the ring has all of, points from there.
      const border = ringReaches(window, from) ? from : borderOf(window, to);
      if (border > from) window.minutes(wholeMinute(from), border, add);
      window.ring.visit(border, to, add);
      return sum;
    },
    values(key, from, to) {
      const window = known.get(key)?.window;
      if (!window) return [];
      return ringReaches(window, from)
        ? pointsOf(window, from, to, options.intervalMs)
        : minutesOf(window, wholeMinute(from), to);
    },
    distribution: (key, from, to): Sketch | undefined => known.get(key)?.window.distribution(from, to),
  };
};

const wholeMinute = (at: number): number => Math.floor(at / minuteMs) * minuteMs;

const ringReaches = ({ ring }: SeriesWindow, from: number): boolean =>
  !ring.hadOlder || (ring.oldest() ?? Number.POSITIVE_INFINITY) <= from;

const borderOf = ({ ring }: SeriesWindow, to: number): number => {
  const oldest = ring.oldest();
  return oldest === undefined ? to : Math.min(to, Math.ceil(oldest / minuteMs) * minuteMs);
};

type Value = { readonly at: number; readonly value: number };

/** A counter's rate between two points is what was added at the second by the time between them. */
const pointsOf = (window: SeriesWindow, from: number, to: number, intervalMs: number): Value[] => {
  const values: Value[] = [];
  let previous: number | undefined;
  let carried = 0;
  // The point before the range says since when.
  window.ring.visit(Number.NEGATIVE_INFINITY, to, (at, value, weight) => {
    if (window.kind !== 'counter') {
      if (at >= from) values.push({ at, value: window.kind === 'histogram' ? value / weight : value });
      return;
    }
    const seconds = (at - (previous ?? at - intervalMs)) / 1_000;
    carried += value;
    if (seconds * 2_000 < intervalMs && previous !== undefined) return; // two tabs, or a late one: with the next
    if (at >= from) values.push({ at, value: carried / seconds });
    previous = at;
    carried = 0;
  });
  return values;
};

const minutesOf = (window: SeriesWindow, from: number, to: number): Value[] => {
  const values: Value[] = [];
  window.minutes(from, to, (at, value, weight) => {
    const shown =
      window.kind === 'counter' ? value / 60 : window.kind === 'histogram' ? value / weight : value;
    values.push({ at, value: shown });
  });
  return values;
};
