export type Bytes = Uint8Array<ArrayBuffer>;

const textEncoder = new TextEncoder();

export const utf8 = (text: string): Bytes => textEncoder.encode(text);

const hexOfBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export const toHex = (bytes: Uint8Array): string => {
  let hex = '';
  for (const byte of bytes) hex += hexOfBytes[byte];
  return hex;
};

export const concatBytes = (...parts: readonly Uint8Array[]): Bytes => {
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const joined = new Uint8Array(total);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined;
};

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
};

const base64urlAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** RFC 4648 §5 without padding. */
export const toBase64url = (bytes: Uint8Array): string => {
  let text = '';
  for (let i = 0; i < bytes.byteLength; i += 3) {
    const a = bytes[i] ?? 0;
    const b = bytes[i + 1];
    const c = bytes[i + 2];
    text += base64urlAlphabet[a >> 2];
    text += base64urlAlphabet[((a & 3) << 4) | ((b ?? 0) >> 4)];
    if (b !== undefined) text += base64urlAlphabet[((b & 15) << 2) | ((c ?? 0) >> 6)];
    if (c !== undefined) text += base64urlAlphabet[c & 63];
  }
  return text;
};

/** Returns undefined for anything but canonical unpadded base64url. */
export const fromBase64url = (text: string): Bytes | undefined => {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let bitCount = 0;
  let offset = 0;
  for (const char of text) {
    const value = base64urlAlphabet.indexOf(char);
    if (value < 0) return undefined;
    bits = ((bits << 6) | value) & 0xffffff;
    bitCount += 6;
    if (bitCount >= 8) {
      bitCount -= 8;
      bytes[offset++] = (bits >> bitCount) & 0xff;
    }
  }
  return toBase64url(bytes) === text ? bytes : undefined;
};
