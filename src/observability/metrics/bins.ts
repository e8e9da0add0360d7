/** Room is made for so many bins beyond those that are needed. */
const spare = 32;
/** Below every index that a mapping gives, and a small integer for the engine. */
const none = -0x3fffffff;

/**
 * Counts by index, dense in memory: one number per index between the lowest and the highest one used. When they would span more
 * than `maxBins`, the lowest are put together, so that counts of the highest `maxBins` stay exact whatever the order of arrival.
 */
export class Bins {
  readonly #maxBins: number;
  #counts = new Float64Array(0);
  /** Index of the first of `#counts`. */
  #offset = 0;
  #highest = none;

  constructor(maxBins: number) {
    this.#maxBins = maxBins;
  }

  add(index: number, weight: number): void {
    const slot = index - this.#offset;
    if (slot >= 0 && slot < this.#counts.length) {
      this.#counts[slot] = (this.#counts[slot] ?? 0) + weight;
      if (index > this.#highest) this.#highest = index;
    } else {
      this.#addOutside(index, weight);
    }
  }

  /** Calls back with every index that has a count, upwards or downwards, until the answer is true. */
  find(direction: 'up' | 'down', found: (index: number, count: number) => boolean): number | undefined {
    const { length } = this.#counts;
    for (let step = 0; step < length; step++) {
      const slot = direction === 'up' ? step : length - 1 - step;
      const count = this.#counts[slot] ?? 0;
      if (count > 0 && found(slot + this.#offset, count)) return slot + this.#offset;
    }
    return undefined;
  }

  /** Counts of every index up to this one. */
  countUpTo(index: number): number {
    const end = Math.min(this.#counts.length, index - this.#offset + 1);
    let total = 0;
    for (let slot = 0; slot < end; slot++) total += this.#counts[slot] ?? 0;
    return total;
  }

  total(): number {
    return this.countUpTo(this.#highest);
  }

  merge(other: Bins): void {
    if (other.#highest === none) return;
    this.add(other.#highest, 0); // room first, so that merging with itself is no special case
    const { length } = other.#counts;
    for (let slot = 0; slot < length; slot++) {
      const count = other.#counts[slot] ?? 0;
      if (count > 0) this.add(slot + other.#offset, count);
    }
  }

  clear(): void {
    this.#counts.fill(0);
    this.#highest = none;
  }

  #addOutside(index: number, weight: number): void {
    const highest = Math.max(this.#highest, index);
    const floor = highest - this.#maxBins + 1;
    const target = Math.max(index, floor);
    const slot = target - this.#offset;
    if (slot < 0 || slot >= this.#counts.length || floor > this.#offset)
      this.#makeRoom(target, highest, floor);
    this.#highest = highest;
    const at = target - this.#offset;
    this.#counts[at] = (this.#counts[at] ?? 0) + weight;
  }

  #makeRoom(target: number, highest: number, floor: number): void {
    const used = this.find('up', () => true) ?? target;
    const lowest = Math.max(floor, Math.min(used, target));
    const needed = highest - lowest + 1;
    const length = Math.min(this.#maxBins, needed + spare);
    // The room to spare is where the new index came from.
    const offset = target < used ? highest - length + 1 : lowest;
    const counts = new Float64Array(length);
    this.find('up', (index, count) => {
      const slot = Math.max(index, floor) - offset;
      counts[slot] = (counts[slot] ?? 0) + count;
      return false;
    });
    this.#counts = counts;
    this.#offset = offset;
  }
}
