import * as v from 'valibot';
import type { AccountId } from '../core/brand.ts';
import type { Bytes } from '../core/bytes.ts';
import { bytesSchema, countSchema } from '../core/schema.ts';

/** What stands in operations and blocks, read from strangers. */

const id43 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, 'is no id'));

/** An id: base64url of a SHA-256. */
export const idSchema = <Id extends string>() =>
  v.pipe(
    id43,
    v.transform((id) => id as Id),
  );
export const accountSchema = idSchema<AccountId>();

/** Bytes of one length, in a copy of their own: decoded messages share one buffer, which a kept view would keep alive. */
export const exactBytes = (length: number) =>
  v.pipe(
    v.instance(Uint8Array),
    v.length(length, `must have ${length} bytes`),
    v.transform((bytes): Bytes => new Uint8Array(bytes)),
  );
export const ownBytes = (maxBytes: number) =>
  v.pipe(
    bytesSchema(maxBytes),
    v.transform((bytes): Bytes => new Uint8Array(bytes)),
  );

export const keySchema = exactBytes(32);
export const signatureSchema = exactBytes(64);

/** More than zero: an operation over nothing has no meaning. */
export const positiveAmount = v.pipe(
  v.number(),
  v.safeInteger('is no whole number of micro-VCoin'),
  v.minValue(1, 'must be more than zero'),
);
export const epochSchema = countSchema(Number.MAX_SAFE_INTEGER);
export const shortText = (maxLength: number) =>
  v.pipe(v.string(), v.maxLength(maxLength, `must have at most ${maxLength} characters`));

/** 3f + 1 with f = 10: more would make every vote of theirs slow, and every certificate long. */
export const maxKeepers = 31;
export const keeperSchema = v.strictObject({
  name: v.pipe(shortText(40), v.minLength(1)),
  key: keySchema,
  url: shortText(256),
  worker: accountSchema,
  beacon: exactBytes(32),
});
