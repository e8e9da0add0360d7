/** A map that forgets what was set longest ago, so that strangers can't make it grow. */
export interface BoundedMap<Key, Value> {
  get(key: Key): Value | undefined;
  set(key: Key, value: Value): void;
  delete(key: Key): boolean;
  readonly size: number;
}

export const createBoundedMap = <Key, Value>(limit: number): BoundedMap<Key, Value> => {
  const values = new Map<Key, Value>();
  return {
    get: (key) => values.get(key),
    delete: (key) => values.delete(key),
    get size() {
      return values.size;
    },
    set(key, value) {
      values.delete(key); // again at the end
      values.set(key, value);
      const [oldest] = values.keys();
      if (values.size > limit && oldest !== undefined) values.delete(oldest);
    },
  };
};
