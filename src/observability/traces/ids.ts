import { toHex } from '../../core/bytes.ts';
import type { Random } from '../../core/ports/random.ts';

export type Ids = { readonly traceId: () => string; readonly spanId: () => string };

const batch = 512;

/** Ids from this village's random numbers, drawn and written many at a time: a draw costs more than an id. Never all zero. */
export const createIds = (random: Random): Ids => {
  let digits = '';
  let at = 0;
  const take = (length: number, zero: string): string => {
    if (at + length > digits.length) {
      digits = toHex(random.bytes(batch));
      at = 0;
    }
    const id = digits.slice(at, at + length);
    at += length;
    return id === zero ? '1'.padStart(length, '0') : id;
  };
  return { traceId: () => take(32, zeroTrace), spanId: () => take(16, zeroSpan) };
};

const zeroTrace = '0'.repeat(32);
const zeroSpan = '0'.repeat(16);
