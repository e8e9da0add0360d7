import type { BroadcastItem, MessageId } from './plumtreeTypes.ts';

/**
 * The newest messages, bounded, as a value. Newest by when they were sent and then by id, never by when they came:
 * so of more than fit every node keeps the same ones, and equal sums are reached in whatever order they travelled.
 */
export type Kept<M extends BroadcastItem> = ReadonlyMap<MessageId, M>;

/** Unchanged if it is full and all it holds is newer. */
export const withKept = <M extends BroadcastItem>(
  kept: Kept<M>,
  id: MessageId,
  message: M,
  most: number,
): Kept<M> => {
  if (kept.size < most) return new Map(kept).set(id, message);
  const entry: Entry = [id, message];
  const oldest = oldestOf(kept, entry);
  if (oldest === id) return kept;
  const next = new Map(kept).set(id, message);
  next.delete(oldest);
  return next;
};

export const withoutOlder = <M extends BroadcastItem>(kept: Kept<M>, than: number): Kept<M> => {
  const young = [...kept].filter(([, { at }]) => at >= than);
  return young.length === kept.size ? kept : new Map(young);
};

/** FNV-1a of each id, added up: the order in which messages came doesn't matter. */
export const sumOf = <M extends BroadcastItem>(kept: Kept<M>): number => {
  let sum = 0;
  for (const id of kept.keys()) {
    let hash = 0x811c9dc5;
    for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619);
    sum = (sum + hash) >>> 0;
  }
  return sum;
};

type Entry = readonly [MessageId, BroadcastItem];

const isOlder = ([id, { at }]: Entry, [otherId, other]: Entry): boolean =>
  at === other.at ? id < otherId : at < other.at;

const oldestOf = (kept: Kept<BroadcastItem>, first: Entry): MessageId => {
  let oldest = first;
  for (const entry of kept) if (isOlder(entry, oldest)) oldest = entry;
  return oldest[0];
};
