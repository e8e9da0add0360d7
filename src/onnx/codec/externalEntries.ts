/** The `external_data` of a tensor: where its bytes are, as keys and values (onnx.proto; ExternalData.md). */
import { equalBytes } from '../../core/bytes.ts';
import type { TensorData } from '../ir/types.ts';
import { encodeEntry, readEntry } from './entries.ts';
import { findFields, type Message, openMessage, payloadOf, startReading, take } from './messageReader.ts';
import { joinEncoded, wrapRest } from './messageWriter.ts';
import { Refusal, refuse } from './refusal.ts';
import { wire } from './wireReader.ts';

export type External = Extract<TensorData, { kind: 'external' }>;

/**
 * The entries stay in the tensor's rest if they aren't the ones `encodeExternal` writes: other keys, another order, an offset
 * of 0 that is or isn't there.
 */
export const takeExternal = (message: Message<'TensorProto'>, called: string): External => {
  const found = findFields(message, 'external_data', wire.bytes);
  const external = readExternal(message, called);
  const own = encodeExternal(external);
  const isSame =
    own.length === found.length &&
    found.every((field, index) =>
      equalBytes(payloadOf(message.reading, field), own[index] ?? new Uint8Array(0)),
    );
  if (isSame) take(found);
  return external;
};

/** In the order of the reference: location, offset, length, checksum. */
export const encodeExternal = ({ location, offset, length, checksum }: External): Uint8Array[] => {
  const entries: [string, string][] = [['location', location]];
  if (length !== undefined || offset > 0) entries.push(['offset', String(offset)]);
  if (length !== undefined) entries.push(['length', String(length)]);
  if (checksum !== undefined) entries.push(['checksum', checksum]);
  return entries.map(([key, value]) => joinEncoded(encodeEntry(key, value)));
};

/** Whether these entries, out of a rest, say what `external` says. */
export const sameExternal = (entries: readonly Uint8Array[], external: External): boolean => {
  const bytes = wrapRest('TensorProto', 'external_data', entries);
  if (!bytes) return false;
  try {
    const part = { start: 0, end: bytes.byteLength, depth: 0 };
    const said = readExternal(openMessage(startReading(bytes), 'TensorProto', part), 'a tensor');
    return (
      said.location === external.location &&
      said.offset === external.offset &&
      said.length === external.length &&
      said.checksum === external.checksum
    );
  } catch (cause) {
    if (cause instanceof Refusal) return false;
    throw cause;
  }
};

const readExternal = (message: Message<'TensorProto'>, called: string): External => {
  const entries = new Map<string, string>();
  for (const field of findFields(message, 'external_data', wire.bytes)) {
    const entry = readEntry(message, field);
    if (!entry)
      throw refuse('malformed', `${called} has external data with an entry that is no key and value`);
    entries.set(...entry);
  }
  const location = entries.get('location');
  if (location === undefined) throw refuse('invalid', `${called} has external data without a location`);
  const offset = numberIn(entries, 'offset', called) ?? 0;
  const length = numberIn(entries, 'length', called);
  const checksum = entries.get('checksum');
  return { kind: 'external', location, offset, length, ...(checksum === undefined ? {} : { checksum }) };
};

const numberIn = (entries: ReadonlyMap<string, string>, key: string, called: string): number | undefined => {
  const text = entries.get(key);
  if (text === undefined) return undefined;
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number)) return number;
  throw refuse(
    'invalid',
    `${called} has external data with ${key} '${text.slice(0, 40)}', which is no byte count`,
  );
};
