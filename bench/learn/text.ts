import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

/** Genesis, Exodus, the Gospels and Acts in the translation of 1611; see data/README.md. */
export const textFile = fileURLToPath(new URL('./data/king-james.txt.gz', import.meta.url));

/** A token is a character: ASCII, so that its number is below 128. */
export const vocabulary = 128;

export type Text = {
  /** The first nine tenths. */
  readonly training: Uint8Array;
  /** The last tenth: the end of Acts. */
  readonly heldOut: Uint8Array;
};

export const readText = (): Text => {
  const tokens = new Uint8Array(gunzipSync(readFileSync(textFile)));
  if (tokens.some((token) => token >= vocabulary)) throw new Error('the text is not ASCII');
  const border = Math.floor(tokens.length * 0.9);
  return { training: tokens.subarray(0, border), heldOut: tokens.subarray(border) };
};

export const toText = (tokens: ArrayLike<number>): string => String.fromCharCode(...Array.from(tokens));
export const toTokens = (text: string): Int32Array => Int32Array.from(text, (each) => each.charCodeAt(0));
