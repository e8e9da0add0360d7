/**
 * Numbers as bytes: what is stored of a series. Times are whole milliseconds as differences of differences (a steady clock costs
 * a byte a point), values as the exclusive or with the value before, without its zero bytes (after Gorilla: Pelkonen et al. 2015,
 * VLDB 8(12), on whole bytes). Exact: every finite double comes back as it was. Doesn't know what the numbers mean.
 */
export class ByteWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = value;
  }

  bytes(values: Uint8Array): void {
    this.#grow(values.byteLength);
    this.#bytes.set(values, this.#length);
    this.#length += values.byteLength;
  }

  /** LEB128 of a safe integer from 0. No bit operators: they would cut it at 32 bits. */
  varint(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.byte((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    this.byte(rest);
  }

  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  times(times: readonly number[]): void {
    let previous = 0;
    let step = 0;
    for (const time of times) {
      this.zigzag(time - previous - step);
      step = time - previous;
      previous = time;
    }
  }

  floats(values: readonly number[]): void {
    let high = 0;
    let low = 0;
    for (const value of values) {
      float64[0] = value;
      const nextLow = words[0] ?? 0;
      const nextHigh = words[1] ?? 0;
      words[0] = nextLow ^ low;
      words[1] = nextHigh ^ high;
      low = nextLow;
      high = nextHigh;
      this.#significant();
    }
  }

  /** Of the eight bytes in `octets`, least significant first: those between the zero bytes at both ends. */
  #significant(): void {
    let end = 8;
    while (end > 0 && octets[end - 1] === 0) end--;
    let start = 0;
    while (start < end && octets[start] === 0) start++;
    this.byte((start << 4) | (end - start));
    for (let i = start; i < end; i++) this.byte(octets[i] ?? 0);
  }

  #grow(by: number): void {
    if (this.#length + by <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + by));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** What stops the reading of columns: its text says what is wrong. Caught in `block.ts`. */
export class Damaged extends Error {}

/** Reads what a ByteWriter wrote; throws `Damaged` at whatever can't be it, before anything is allocated for it. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.byteLength - this.#offset;
  }

  byte(): number {
    const value = this.#bytes[this.#offset];
    if (value === undefined) throw new Damaged('it ends in the middle');
    this.#offset++;
    return value;
  }

  bytes(length: number): Uint8Array {
    if (length > this.left) throw new Damaged('it ends in the middle');
    const part = this.#bytes.subarray(this.#offset, this.#offset + length);
    this.#offset += length;
    return part;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (!Number.isSafeInteger(value)) throw new Damaged('a number is too large');
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** How many entries follow, each of a byte at least. */
  count(): number {
    const count = this.varint();
    if (count > this.left) throw new Damaged(`${count} entries are announced in ${this.left} bytes`);
    return count;
  }

  times(count: number): number[] {
    const times: number[] = [];
    let previous = 0;
    let step = 0;
    for (let i = 0; i < count; i++) {
      step += this.zigzag();
      previous += step;
      if (!Number.isSafeInteger(previous) || previous < 0) throw new Damaged('a time is out of range');
      times.push(previous);
    }
    return times;
  }

  floats(count: number): number[] {
    const values: number[] = [];
    let high = 0;
    let low = 0;
    for (let i = 0; i < count; i++) {
      this.#significant();
      low ^= words[0] ?? 0;
      high ^= words[1] ?? 0;
      words[0] = low;
      words[1] = high;
      const value = float64[0] ?? 0;
      if (!Number.isFinite(value)) throw new Damaged('a value is not finite');
      values.push(value);
    }
    return values;
  }

  #significant(): void {
    const head = this.byte();
    const start = head >> 4;
    const end = start + (head & 15);
    if (end > 8) throw new Damaged('a value has more than eight bytes');
    octets.fill(0);
    for (let i = start; i < end; i++) octets[i] = this.byte();
  }
}

/** One double and its bytes. Every machine that runs this is little-endian, as WebAssembly demands. */
const float64 = new Float64Array(1);
const words = new Uint32Array(float64.buffer);
const octets = new Uint8Array(float64.buffer);
