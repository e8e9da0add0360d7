import type { MetricKind } from '../metrics/types.ts';
import type { Archive } from './archive.ts';
import { finestTier } from './buckets.ts';
import type { RecentMemory } from './memory.ts';
import { placeOf } from './records.ts';
import type { HeadById } from './retention.ts';
import type { Row } from './seriesIdentity.ts';
import type { SeriesInfo, Tier } from './types.ts';
import type { SeriesWindow } from './window.ts';

type Stored = { info: SeriesInfo; readonly from: Map<Tier, number> };

/** Which series there are, and since when: of what was merged, as its heads say, and of what this tab recorded since. */
export interface Catalog {
  /** In order of key. */
  series(): readonly SeriesInfo[];
  kindOf(key: string): MetricKind | undefined;
  /** Oldest time of a series in a tier, as far as is known without reading. Infinity: nothing. */
  from(key: string, tier: Tier): number;
  /** The heads have changed: what is in windows is in them now, and mustn't count twice. */
  refresh(): void;
  size(): number;
  points(): number;
  /** Rows for which there is room beside the series that are here. */
  fitting<R extends Row>(
    rows: readonly R[],
    maxSeries: number,
  ): { readonly rows: readonly R[]; readonly lost: readonly string[] };
}

export const createCatalog = (memory: () => RecentMemory, archive: Archive): Catalog => {
  let stored: ReadonlyMap<string, Stored> = new Map();
  /** What a window had taken when the heads were read: they have that already. */
  const keptBefore = new WeakMap<SeriesWindow, number>();
  const all = (): Map<string, SeriesInfo> => {
    const found = new Map([...stored].map(([key, { info }]) => [key, info]));
    for (const { identity, window } of memory().all()) {
      const { key, name, labels, kind } = identity;
      const before = found.get(key);
      const oldest = oldestOf(window);
      const newest = window.ring.newest();
      if (!newest) continue;
      found.set(key, {
        key,
        name,
        labels,
        kind,
        from: Math.min(before?.from ?? oldest, oldest),
        to: Math.max(before?.to ?? newest.at, newest.at),
        points: Math.max((before?.points ?? 0) + window.kept - (keptBefore.get(window) ?? 0), 1),
      });
    }
    return found;
  };
  return {
    refresh() {
      stored = fromHeads(archive.heads());
      for (const { window } of memory().all()) {
        keptBefore.set(window, window.kept);
        window.oldest = Number.POSITIVE_INFINITY;
      }
    },
    series: () => [...all().values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
    kindOf: (key) => memory().window(key)?.kind ?? stored.get(key)?.info.kind,
    from(key, tier) {
      const window = memory().window(key);
      const known = stored.get(key)?.from.get(tier) ?? Number.POSITIVE_INFINITY;
      return Math.min(known, window ? oldestOf(window) : Number.POSITIVE_INFINITY);
    },
    size: () => all().size,
    points: () => [...all().values()].reduce((sum, { points }) => sum + points, 0),
    fitting(rows, maxSeries) {
      const keys = new Set(all().keys());
      const left: string[] = [];
      const fitting = rows.filter(({ key, kind }) => {
        const there = memory().window(key)?.kind ?? stored.get(key)?.info.kind;
        if (there !== undefined && there !== kind) left.push(`${key} is a ${there} here and a ${kind} there`);
        else if (!keys.has(key) && keys.size >= maxSeries)
          left.push(`there was no room for the series ${key}`);
        else return keys.add(key);
        return false;
      });
      return { rows: fitting, lost: [...new Set(left)] };
    },
  };
};

const oldestOf = ({ oldest, ring }: SeriesWindow): number =>
  Math.min(oldest, ring.oldest() ?? Number.POSITIVE_INFINITY);

const fromHeads = (heads: HeadById): Map<string, Stored> => {
  const found = new Map<string, Stored>();
  for (const [id, { rows }] of heads) {
    const tier = placeOf(id)?.tier;
    if (!tier) continue;
    for (const { key, name, labels, kind, points, from, to } of rows) {
      const entry = found.get(key) ?? {
        info: { key, name, labels, kind, from, to, points: 0 },
        from: new Map<Tier, number>(),
      };
      entry.from.set(tier, Math.min(entry.from.get(tier) ?? from, from));
      entry.info = {
        ...entry.info,
        from: Math.min(entry.info.from, from),
        to: Math.max(entry.info.to, to),
        points: entry.info.points + (tier === finestTier(kind) ? points : 0),
      };
      found.set(key, entry);
    }
  }
  return found;
};
