import { type Bytes, concatBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { sha256Bytes } from '../core/hash.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';

/**
 * The recovery key as people keep it: "av1" and 55 characters of Crockford's base32 (no I, L, O, U; case and
 * hyphens don't matter) in groups of five: 32 bytes of Ed25519 seed and 2 bytes of checksum.
 */
const prefix = 'av1';
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const seedBytes = 32;
const checkBytes = 2;
const encodedLength = Math.ceil(((seedBytes + checkBytes) * 8) / 5);

export const formatRecoveryKey = (seed: Uint8Array): string => {
  const text = toBase32(concatBytes(seed, checksum(seed)));
  return [prefix, ...(text.match(/.{1,5}/g) ?? [])].join('-');
};

export const parseRecoveryKey = (text: string): Result<Bytes, Fault<'recovery-key'>> => {
  const plain = text.toUpperCase().replace(/[\s\p{Dash_Punctuation}]/gu, '');
  if (!plain.startsWith(prefix.toUpperCase())) {
    return err(fault('recovery-key', 'a recovery key begins with av1'));
  }
  const body = plain.slice(prefix.length).replace(/O/g, '0').replace(/[IL]/g, '1');
  if (body.length !== encodedLength) {
    return err(
      fault(
        'recovery-key',
        `a recovery key has ${encodedLength} characters after av1, this one ${body.length}`,
      ),
    );
  }
  const bytes = fromBase32(body);
  if (!bytes) return err(fault('recovery-key', 'a recovery key has only digits and letters other than U'));
  const seed = bytes.slice(0, seedBytes);
  if (!equalBytes(bytes.slice(seedBytes), checksum(seed))) {
    return err(fault('recovery-key', 'this recovery key has a typing error: compare it with your copy'));
  }
  return ok(seed);
};

const checksum = (seed: Uint8Array): Bytes =>
  sha256Bytes(concatBytes(utf8('aivillage/recovery-key/1'), seed)).slice(0, checkBytes);

const toBase32 = (bytes: Uint8Array): string => {
  let text = '';
  let bits = 0;
  let bitCount = 0;
  for (const byte of bytes) {
    bits = (bits << 8) | byte;
    bitCount += 8;
    while (bitCount >= 5) {
      bitCount -= 5;
      text += alphabet[(bits >> bitCount) & 31];
    }
    bits &= (1 << bitCount) - 1;
  }
  return bitCount > 0 ? text + alphabet[(bits << (5 - bitCount)) & 31] : text;
};

const fromBase32 = (text: string): Bytes | undefined => {
  const bytes = new Uint8Array(Math.floor((text.length * 5) / 8));
  let bits = 0;
  let bitCount = 0;
  let offset = 0;
  for (const char of text) {
    const value = alphabet.indexOf(char);
    if (value < 0) return undefined;
    bits = (bits << 5) | value;
    bitCount += 5;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[offset++] = (bits >> bitCount) & 0xff;
      bits &= (1 << bitCount) - 1;
    }
  }
  return bytes;
};
