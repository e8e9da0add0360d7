/** The newest points of a series in order of time, whatever the order in which they came. `weight`: samples in it. */
export interface Ring {
  /** A point older than all of a full ring is not taken. */
  insert(at: number, value: number, weight: number): void;
  dropLaterThan(at: number): void;
  readonly length: number;
  /** Whether there were older points. */
  readonly hadOlder: boolean;
  /** It was filled from where there are older ones. */
  noteOlder(): void;
  oldest(): number | undefined;
  newest(): { readonly at: number; readonly value: number; readonly weight: number } | undefined;
  /** Every point in [from, to). */
  visit(from: number, to: number, each: (at: number, value: number, weight: number) => void): void;
  readonly byteLength: number;
}

export const createRing = (capacity: number): Ring => {
  const at = new Float64Array(capacity);
  const values = new Float64Array(capacity);
  const weights = new Float32Array(capacity);
  let start = 0;
  let length = 0;
  let hadOlder = false;
  const slotOf = (position: number) => (start + position) % capacity;
  const put = (position: number, time: number, value: number, weight: number) => {
    const slot = slotOf(position);
    at[slot] = time;
    values[slot] = value;
    weights[slot] = weight;
  };
  const timeAt = (position: number) => at[slotOf(position)] ?? 0;
  const shift = (from: number, to: number) => {
    const slot = slotOf(from);
    put(to, at[slot] ?? 0, values[slot] ?? 0, weights[slot] ?? 0);
  };
  return {
    insert(time, value, weight) {
      if (length === capacity) {
        hadOlder = true;
        if (time < timeAt(0)) return;
        start = slotOf(1);
        length--;
      }
      let position = length++;
      for (; position > 0 && timeAt(position - 1) > time; position--) shift(position - 1, position);
      put(position, time, value, weight);
    },
    dropLaterThan(time) {
      while (length > 0 && timeAt(length - 1) > time) length--;
    },
    get length() {
      return length;
    },
    get hadOlder() {
      return hadOlder;
    },
    noteOlder() {
      hadOlder = true;
    },
    oldest: () => (length === 0 ? undefined : timeAt(0)),
    newest() {
      if (length === 0) return undefined;
      const slot = slotOf(length - 1);
      return { at: at[slot] ?? 0, value: values[slot] ?? 0, weight: weights[slot] ?? 1 };
    },
    visit(from, to, each) {
      for (let position = 0; position < length; position++) {
        const slot = slotOf(position);
        const time = at[slot] ?? 0;
        if (time >= to) return;
        if (time >= from) each(time, values[slot] ?? 0, weights[slot] ?? 1);
      }
    },
    byteLength: capacity * 20,
  };
};
