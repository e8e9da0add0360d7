import { createBoundedMap } from '../core/boundedMap.ts';
import { toBase64url } from '../core/bytes.ts';

/** More than a room has tabs that are heard of at a time; a key object takes a few hundred bytes. */
const mostKeys = 2_048;

/**
 * WebCrypto's form of public keys, made once for each: a room's tabs sign again and again, and making it costs a third of
 * a verification. Keys that can't be imported are not remembered, so that garbage displaces nothing.
 */
export const createImportedKeys = <Key>(
  importKey: (raw: Uint8Array) => Promise<Key>,
  most = mostKeys,
): ((raw: Uint8Array) => Promise<Key>) => {
  const keys = createBoundedMap<string, Key>(most);
  return async (raw) => {
    const name = toBase64url(raw);
    const known = keys.get(name);
    if (known) return known;
    const key = await importKey(raw);
    keys.set(name, key);
    return key;
  };
};
