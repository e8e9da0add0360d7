import { err, fault, ok, type Result } from '../../core/result.ts';
import type { KeyValueStore } from '../../storage/port.ts';
import { decodeBlock, encodeBlock } from './block.ts';
import { headOf } from './compactor.ts';
import { type Head, keyOf, placeOf, readChunk, readHead } from './records.ts';
import type { AnalyticsFault, RetentionPolicy, Tier } from './types.ts';

const dayMs = 24 * 3_600_000;
export const defaultRetention: RetentionPolicy = {
  raw: { maxAgeMs: 7 * dayMs, maxPoints: 10_000 },
  minute: { maxAgeMs: 14 * dayMs },
  hour: { maxAgeMs: 365 * dayMs },
};
/** Every query of a tier may touch as many chunks as this has periods. */
const most = { raw: 90 * dayMs, minute: 366 * dayMs, hour: 3_660 * dayMs };
const mostPoints = 1_000_000;

/** A coarser tier is kept at least as long as a finer one: what is queried further back must be there. */
export const checkRetention = (policy: RetentionPolicy): Result<RetentionPolicy, AnalyticsFault> => {
  for (const tier of ['raw', 'minute', 'hour'] as const) {
    const { maxAgeMs } = policy[tier];
    if (!(maxAgeMs >= 3_600_000 && maxAgeMs <= most[tier]))
      return invalid(
        `points of the tier ${tier} are kept 1 hour to ${most[tier] / dayMs} days, not ${maxAgeMs} ms`,
      );
  }
  const { maxPoints } = policy.raw;
  if (!Number.isSafeInteger(maxPoints) || maxPoints < 1 || maxPoints > mostPoints)
    return invalid(`a series keeps 1 to ${mostPoints} raw points, not ${maxPoints}`);
  if (policy.raw.maxAgeMs > policy.minute.maxAgeMs || policy.minute.maxAgeMs > policy.hour.maxAgeMs)
    return invalid('hours are kept at least as long as minutes, and minutes as long as raw points');
  return ok(policy);
};
const invalid = (message: string) => err(fault('invalid', message));

export type HeadById = ReadonlyMap<string, Head>;

export const readHeads = async (store: KeyValueStore): Promise<HeadById> => {
  const heads = new Map<string, Head>();
  for (const [key, value] of await store.entries('metrics', 'head/')) {
    const head = readHead(value);
    if (head.kind === 'ok') heads.set(key.slice('head/'.length), head.value);
  }
  return heads;
};

/**
 * Lets go of what is beyond the policy, and of the oldest beyond `maxBytes`. One tab at a time, after `compact`: whoever calls
 * holds the lock. Returns what is left. Rejects with StorageErrors.
 */
export const retain = async (
  store: KeyValueStore,
  options: {
    readonly now: number;
    /** By which ages are told. */
    readonly agedAt: number;
    readonly policy: RetentionPolicy;
    readonly maxBytes: number;
  },
): Promise<HeadById> => {
  const heads = new Map(await readHeads(store));
  const drop = async (id: string) => {
    await dropChunk(store, id);
    heads.delete(id);
  };
  for (const id of [...heads.keys()]) if (isTooOld(id, options)) await drop(id);
  await trimPoints(store, heads, options);
  for (const id of inOrderOfWorth(heads, options.now)) {
    if (bytesOf(heads) <= options.maxBytes) break;
    await drop(id);
  }
  return heads;
};

/** Makes room: the oldest chunk that is worth least. False: there is none to let go. */
export const letGoOfOldest = async (store: KeyValueStore, now: number): Promise<boolean> => {
  const [id] = inOrderOfWorth(await readHeads(store), now);
  if (id === undefined) return false;
  await dropChunk(store, id);
  return true;
};

export const bytesOf = (heads: HeadById): number =>
  [...heads.values()].reduce((sum, { bytes }) => sum + bytes, 0);

/** The chunk first: a head without one is found and goes with the next round. */
const dropChunk = async (store: KeyValueStore, id: string): Promise<void> => {
  await store.delete('metrics', keyOf.chunk(id));
  await store.delete('metrics', keyOf.head(id));
};

const isTooOld = (
  id: string,
  { agedAt, policy }: { readonly agedAt: number; readonly policy: RetentionPolicy },
): boolean => {
  const place = placeOf(id);
  return place !== undefined && place.end <= agedAt - policy[place.tier].maxAgeMs;
};

/** Raw points first, the oldest first; never the newest chunk of a tier. */
const inOrderOfWorth = (heads: HeadById, now: number): string[] =>
  (['raw', 'minute', 'hour'] as const).flatMap((tier) => idsOf(heads, tier, now).slice(0, -1));

/** Clocks are put right by less than this. */
const correctionMs = 60_000;

/**
 * Oldest first. What lies ahead was written before the clock was set back, so it is older than all else: else it would take the
 * room of what is measured now until the clock has caught up.
 */
const idsOf = (heads: HeadById, tier: Tier, now: number): string[] => {
  const ids = [...heads.keys()].filter((id) => placeOf(id)?.tier === tier).sort();
  const isAhead = (id: string) => (placeOf(id)?.start ?? 0) > now + correctionMs;
  return [...ids.filter(isAhead), ...ids.filter((id) => !isAhead(id))];
};

/** Newest to oldest: what a series has beyond its limit goes. */
const trimPoints = async (
  store: KeyValueStore,
  heads: Map<string, Head>,
  { now, policy }: { readonly now: number; readonly policy: RetentionPolicy },
): Promise<void> => {
  const { maxPoints } = policy.raw;
  const pointsByKey = new Map<string, number>();
  for (const id of idsOf(heads, 'raw', now).reverse()) {
    const keepByKey = new Map<string, number>();
    for (const { key, points } of heads.get(id)?.rows ?? []) {
      const newer = pointsByKey.get(key) ?? 0;
      pointsByKey.set(key, newer + points);
      if (newer + points > maxPoints) keepByKey.set(key, Math.max(0, maxPoints - newer));
    }
    if (keepByKey.size > 0) await trimChunk(store, heads, id, keepByKey);
  }
};

const trimChunk = async (
  store: KeyValueStore,
  heads: Map<string, Head>,
  id: string,
  keepByKey: ReadonlyMap<string, number>,
): Promise<void> => {
  const read = readChunk(await store.get('metrics', keyOf.chunk(id)));
  if (read.kind !== 'ok') return;
  const rows = read.value.rows.flatMap((row) => {
    const keep = keepByKey.get(row.key);
    if (keep === undefined) return [row];
    const buckets = decodeBlock('raw', row.block);
    if (keep === 0 || !buckets.ok) return [];
    return [{ ...row, block: encodeBlock('raw', buckets.value.slice(-keep)) }];
  });
  const trimmed = { ...read.value, rows };
  const head = headOf(id, trimmed);
  await store.set('metrics', keyOf.chunk(id), trimmed);
  await store.set('metrics', keyOf.head(id), head);
  heads.set(id, head);
};
