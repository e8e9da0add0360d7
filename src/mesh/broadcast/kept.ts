import type { BroadcastItem, MessageId } from './plumtreeTypes.ts';

/**
 * The newest messages, bounded, as a value. Newest by when they were sent and then by id, never by when they came:
 * so of more than fit every node keeps the same ones, and equal sums are reached in whatever order they travelled.
 *
 * A list in that order, oldest first: what is new mostly goes to the end, and what is forgotten goes from the front. The
 * sum goes along, because every comparison asks for it and few messages change it.
 */
export type Kept<M extends BroadcastItem> = {
  readonly entries: readonly KeptEntry<M>[];
  /** FNV-1a of each id, added up modulo 2³²: the order in which messages came doesn't matter. */
  readonly sum: number;
};
export type KeptEntry<M> = { readonly id: MessageId; readonly message: M };

export const nothingKept: Kept<never> = { entries: [], sum: 0 };

/** Unchanged if it is there already, or if it is full and all it holds is newer. */
export const withKept = <M extends BroadcastItem>(
  kept: Kept<M>,
  id: MessageId,
  message: M,
  most: number,
): Kept<M> => {
  const { entries } = kept;
  if (keptOf(kept, id)) return kept;
  const entry: KeptEntry<M> = { id, message };
  let place = entries.length;
  for (let other = entries[place - 1]; other && isOlder(entry, other); other = entries[place - 1]) place--;
  const oldest = entries[0];
  if (entries.length < most || !oldest)
    return { entries: entries.toSpliced(place, 0, entry), sum: (kept.sum + hashOf(id)) >>> 0 };
  if (place === 0) return kept;
  const next = entries.slice(1);
  next.splice(place - 1, 0, entry);
  return { entries: next, sum: (kept.sum + hashOf(id) - hashOf(oldest.id)) >>> 0 };
};

export const withoutOlder = <M extends BroadcastItem>(kept: Kept<M>, than: number): Kept<M> => {
  const { entries } = kept;
  let old = 0;
  let sum = kept.sum;
  for (let entry = entries[0]; entry && entry.message.at < than; entry = entries[++old])
    sum = (sum - hashOf(entry.id)) >>> 0;
  return old === 0 ? kept : { entries: entries.slice(old), sum };
};

/** From the newest on, which are asked for most. */
export const keptOf = <M extends BroadcastItem>({ entries }: Kept<M>, id: MessageId): M | undefined =>
  entries.findLast((entry) => entry.id === id)?.message;

export const keptIds = <M extends BroadcastItem>({ entries }: Kept<M>): readonly MessageId[] =>
  entries.map(({ id }) => id);

const hashOf = (id: MessageId): number => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619);
  return hash >>> 0;
};

const isOlder = (one: KeptEntry<BroadcastItem>, other: KeptEntry<BroadcastItem>): boolean =>
  one.message.at === other.message.at ? one.id < other.id : one.message.at < other.message.at;
