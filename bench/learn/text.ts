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

export const toText = (tokens: ArrayLike<number>): string => {
  let text = '';
  for (let at = 0; at < tokens.length; at++) text += String.fromCharCode(tokens[at] ?? 0);
  return text;
};

export const toTokens = (text: string): Int32Array => Int32Array.from(text, (each) => each.charCodeAt(0));

/** How many of a text's words are among another's. A word stands between spaces; its case and what it begins or ends with don't count. */
export const shareOfWords = (text: string, among: string): number => {
  const known = new Set(wordsOf(among));
  const words = wordsOf(text);
  return words.filter((word) => known.has(word)).length / words.length;
};

const wordsOf = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .split(/\s+/)
    .map((word) => word.replace(/^[^a-z]+|[^a-z]+$/g, ''))
    .filter((word) => word !== '');
