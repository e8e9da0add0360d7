/**
 * A map by text, as a value, of which a change copies one small shelf instead of everything: neighbours that announce what
 * they never send can fill it, and then every further announcement would cost a copy of a thousand entries.
 */
export type Shelves<V> = { readonly shelves: readonly ReadonlyMap<string, V>[]; readonly size: number };

const shelfCount = 32;
const noEntries: ReadonlyMap<string, never> = new Map<string, never>();

export const emptyShelves: Shelves<never> = { shelves: Array(shelfCount).fill(noEntries), size: 0 };

export const onShelves = <V>({ shelves }: Shelves<V>, key: string): V | undefined =>
  shelves[shelfOf(key)]?.get(key);

export const withShelved = <V>({ shelves, size }: Shelves<V>, key: string, value: V): Shelves<V> => {
  const place = shelfOf(key);
  const shelf = shelves[place] ?? noEntries;
  return {
    shelves: shelves.with(place, new Map(shelf).set(key, value)),
    size: shelf.has(key) ? size : size + 1,
  };
};

/** Unchanged if it is not there. */
export const withoutShelved = <V>(all: Shelves<V>, key: string): Shelves<V> => {
  const place = shelfOf(key);
  const shelf = all.shelves[place];
  if (!shelf?.has(key)) return all;
  const rest = new Map(shelf);
  rest.delete(key);
  return { shelves: all.shelves.with(place, rest), size: all.size - 1 };
};

const shelfOf = (key: string): number => {
  let hash = 0;
  for (let i = 0; i < key.length; i++) hash = (Math.imul(hash, 31) + key.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 15)) & (shelfCount - 1);
};
