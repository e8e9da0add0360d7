import type { IdGenerator } from '@opentelemetry/sdk-trace-base';
import { type Bytes, toHex } from '../../core/bytes.ts';
import type { Random } from '../../core/ports/random.ts';

const batch = 512;

/** Ids from this village's random numbers, drawn many at a time: a draw costs more than an id. Never all zero. */
export const createIds = (random: Random): IdGenerator => {
  let bytes: Bytes | undefined;
  let at = 0;
  const take = (length: number): string => {
    if (!bytes || at + length > bytes.length) {
      bytes = random.bytes(batch);
      at = 0;
    }
    const id = bytes.subarray(at, at + length);
    at += length;
    return id.every((byte) => byte === 0) ? '1'.padStart(2 * length, '0') : toHex(id);
  };
  return { generateTraceId: () => take(16), generateSpanId: () => take(8) };
};
