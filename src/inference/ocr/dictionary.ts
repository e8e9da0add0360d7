/**
 * The recogniser's alphabet. Class 0 is CTC's blank, the last class is the word space, and between them stand the
 * lines of PP-OCR's `ppocr_keys_v1.txt`, one character each (one of them is U+3000, so lines are never trimmed).
 */

/** Classes of PP-OCRv4's recogniser: 6,623 characters, the blank and the space. */
export const recognizerClasses = 6625;

/** CTC blank first, space last. */
export const parseDictionary = (text: string): readonly string[] => {
  const characters = text.replaceAll('\r', '').split('\n');
  if (characters.at(-1) === '') characters.pop();
  const dictionary = ['', ...characters, ' '];
  if (dictionary.length !== recognizerClasses) {
    throw new Error(
      `dictionary: makes ${dictionary.length} classes, the recogniser has ${recognizerClasses}; ` +
        'the dictionary belongs to another model',
    );
  }
  return dictionary;
};

/**
 * What the dictionary can write: the recogniser can't produce any other character, whatever the page shows
 * (– ö ñ ç ß £ € © ½ æ œ are missing). Line breaks and tabs come from the layout.
 */
export const supportedCharacters = (dictionary: readonly string[]): ReadonlySet<string> =>
  new Set([...dictionary.slice(1), '\n', '\t']);

export const isSupported = (text: string, supported: ReadonlySet<string>): boolean => {
  for (const character of text) if (!supported.has(character)) return false;
  return true;
};
