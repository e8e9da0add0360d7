/** Events in virtual time: a binary heap by time, then by order of insertion, so that a seed gives one history. */
export interface EventQueue<E> {
  push(at: number, event: E): void;
  pop(): { readonly at: number; readonly event: E } | undefined;
  nextAt(): number | undefined;
}

export const createEventQueue = <E>(): EventQueue<E> => {
  type Entry = { readonly at: number; readonly order: number; readonly event: E };
  const heap: Entry[] = [];
  let order = 0;
  const before = (a: Entry, b: Entry) => a.at < b.at || (a.at === b.at && a.order < b.order);
  const swap = (i: number, j: number) => {
    const held = heap[i]!;
    heap[i] = heap[j]!;
    heap[j] = held;
  };
  return {
    push(at, event) {
      heap.push({ at, order: order++, event });
      for (let i = heap.length - 1; i > 0; ) {
        const parent = (i - 1) >> 1;
        if (!before(heap[i]!, heap[parent]!)) break;
        swap(i, parent);
        i = parent;
      }
    },
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (!first || !last || heap.length === 0) return first;
      heap[0] = last;
      for (let i = 0; ; ) {
        const [left, right] = [2 * i + 1, 2 * i + 2];
        let least = i;
        if (left < heap.length && before(heap[left]!, heap[least]!)) least = left;
        if (right < heap.length && before(heap[right]!, heap[least]!)) least = right;
        if (least === i) break;
        swap(i, least);
        i = least;
      }
      return first;
    },
    nextAt: () => heap[0]?.at,
  };
};
