/** Ideographs, kana, hangul and their punctuation's home. */
const eastAsian = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/;

/**
 * The recogniser was trained on Chinese pages and writes Latin punctuation in its full-width form now and then. In a
 * line without East Asian letters that form can't have been on the page, so it becomes the ASCII one.
 */
export const normalizeLine = (text: string): string => {
  const trimmed = text.trim();
  if (eastAsian.test(trimmed)) return trimmed;
  return trimmed.replace(/[\uff01-\uff5e\u3000-\u3002\u3010\u3011￥￡]/g, toAscii).trim();
};

const toAscii = (character: string): string => {
  const known = asciiByCharacter[character];
  if (known !== undefined) return known;
  const code = character.codePointAt(0) ?? 0;
  return code >= 0xff01 && code <= 0xff5e ? String.fromCodePoint(code - 0xfee0) : character;
};

const asciiByCharacter: Readonly<Record<string, string>> = {
  '\u3000': ' ',
  '、': ',',
  '。': '.',
  '【': '[',
  '】': ']',
};
