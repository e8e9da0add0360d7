import { createHash } from 'node:crypto';
import { type Bytes, concatBytes, equalBytes, utf8 } from '../../src/core/bytes.ts';

/**
 * A keeper's hash chain of randomness: x₀ is published, reveal i is xᵢ with SHA-256(xᵢ) = xᵢ₋₁, and the last is a hash of the
 * keeper's secret. Doesn't know epochs: what stands in the ledger says which reveal is next.
 */
export interface BeaconChain {
  /** x₀: what genesis says of this keeper. */
  readonly commitment: Bytes;
  /** What hashes to it; undefined after the last, and for what isn't of this chain. */
  after(shown: Uint8Array): Bytes | undefined;
}

/** Five years of epochs of 600 s. Making or searching it all takes some 0.2 s, once. */
export const defaultBeaconLength = 2 ** 18;

export const createBeaconChain = (secret: Uint8Array, length = defaultBeaconLength): BeaconChain => {
  // One in `stride` is kept, the rest of a segment is hashed again when its turn comes.
  const stride = Math.max(1, Math.ceil(Math.sqrt(length)));
  const kept = new Map<number, Bytes>();
  let value = sha256(concatBytes(utf8('vc1.beacon'), secret));
  for (let index = length; ; index--) {
    if (index % stride === 0 || index === length) kept.set(index, value);
    if (index === 0) break;
    value = sha256(value);
  }
  const segments = Math.ceil(length / stride);

  /** x of (segment · stride) … ((segment + 1) · stride), ascending. */
  const segmentOf = (segment: number): readonly Bytes[] => {
    const last = Math.min(length, (segment + 1) * stride);
    const values = [kept.get(last) ?? value];
    for (let index = last; index > segment * stride; index--) values.push(sha256(values.at(-1) ?? value));
    return values.reverse();
  };
  let current = { segment: 0, values: segmentOf(0) };

  return {
    commitment: value,
    after(shown) {
      for (let step = 0; step < segments; step++) {
        const segment = (current.segment + (step === 0 ? 0 : 1)) % segments;
        if (step > 0) current = { segment, values: segmentOf(segment) };
        const at = current.values.findIndex((one) => equalBytes(one, shown));
        const next = current.values[at + 1];
        if (at >= 0 && next) return next;
      }
      return undefined;
    },
  };
};

const sha256 = (bytes: Uint8Array): Bytes => new Uint8Array(createHash('sha256').update(bytes).digest());
