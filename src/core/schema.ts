import * as v from 'valibot';
import { type CborValue, type DecodeLimits, decodeCbor } from './codec.ts';
import { err, type Fault, fault, ok, type Result } from './result.ts';

/** Unknown input is parsed into a type or refused here, at the edge; inside, types are trusted. */
export const parseWith = <Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
): Result<v.InferOutput<Schema>, Fault<'schema'>> => {
  const parsed = v.safeParse(schema, input, { abortEarly: true });
  if (parsed.success) return ok(parsed.output);
  const issue = parsed.issues[0];
  return err(fault('schema', shorten(`${v.getDotPath(issue) ?? 'message'}: ${issue.message}`)));
};

/** Messages quote what was found, and what was found may be a stranger's megabyte. */
const maxMessageLength = 200;
const shorten = (text: string): string =>
  text.length <= maxMessageLength ? text : `${text.slice(0, maxMessageLength - 1)}…`;

export const decodeWith = <Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  limits?: DecodeLimits,
): Result<v.InferOutput<Schema>, Fault<'cbor' | 'schema'>> => {
  const decoded = decodeCbor(bytes, limits);
  return decoded.ok ? parseWith(schema, decoded.value as CborValue) : decoded;
};

export const bytesSchema = (maxBytes: number) =>
  v.pipe(v.instance(Uint8Array), v.maxLength(maxBytes, `longer than ${maxBytes} bytes`));

export const countSchema = (max: number) => v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(max));

export const finiteSchema = v.pipe(v.number(), v.finite());

/**
 * An object with keys of strangers' choosing. A record of valibot leaves `__proto__`, `prototype` and `constructor` out without
 * a word, and takes an empty list for an empty object: what was read would then have another byte form, and so another hash,
 * than what came. Here both are refused.
 */
export const recordSchema = <
  Key extends v.GenericSchema<string, string>,
  Value extends v.GenericSchema<unknown>,
>(
  key: Key,
  value: Value,
) =>
  v.pipe(
    v.unknown(),
    v.check(isMap, 'is a list'),
    v.check(hasNoLostKey, 'a key has a name that objects use themselves'),
    v.record(key, value),
  );

const lostKeys = ['__proto__', 'prototype', 'constructor'] as const;
const hasNoLostKey = (input: unknown): boolean =>
  typeof input !== 'object' || input === null || lostKeys.every((key) => !Object.hasOwn(input, key));
/** An empty list has no member either, and would be read as an empty object. */
const isMap = (input: unknown): boolean => !Array.isArray(input) && !(input instanceof Uint8Array);
