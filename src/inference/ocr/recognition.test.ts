import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeCtc } from './ctc.ts';
import { isSupported, parseDictionary, recognizerClasses, supportedCharacters } from './dictionary.ts';
import { normalizeLine } from './normalize.ts';
import { paddedWidth, planRecognizeBatches, recognizerTensor } from './recognizer.ts';
import { dictionaryFile, drawImage, smallDictionary, stepsTensor } from './testDoubles.ts';

const read = (steps: readonly Readonly<Record<string, number>>[]) =>
  decodeCtc(stepsTensor(steps), 0, smallDictionary);

describe('CTC', () => {
  test('repeats merge unless a blank stands between them', () => {
    expect(read([{ a: 0.9 }, { a: 0.8 }, {}, { a: 0.9 }, { b: 0.9 }]).text).toBe('aab');
  });

  test('confidence is the mean over the characters; an empty line has none', () => {
    expect(read([{ a: 0.9 }, {}, { b: 0.7 }]).confidence).toBeCloseTo(0.8, 5);
    expect(read([{}, {}])).toEqual({ text: '', confidence: 0 });
  });

  test('a space spread over several steps, none of them the best, is still a space', () => {
    expect(read([{ a: 0.9 }, { ' ': 0.06 }, { ' ': 0.05 }, { b: 0.9 }]).text).toBe('a b');
    expect(read([{ a: 0.9 }, { ' ': 0.02 }, { ' ': 0.02 }, { b: 0.9 }]).text).toBe('ab');
  });

  test('after a comma a hint of a space is enough, but not before a digit', () => {
    expect(read([{ a: 0.9 }, { ',': 0.9 }, { ' ': 0.04 }, { b: 0.9 }]).text).toBe('a, b');
    expect(read([{ '1': 0.9 }, { ',': 0.9 }, { ' ': 0.04 }, { '1': 0.9 }]).text).toBe('1,1');
  });

  test('no space at either end, and never two', () => {
    expect(
      read([{ ' ': 0.9 }, { a: 0.9 }, { ' ': 0.9 }, {}, { ' ': 0.9 }, { b: 0.9 }, { ' ': 0.9 }]).text,
    ).toBe('a b');
  });

  test('reads its own row of a batch', () => {
    const one = stepsTensor([{ a: 0.9 }]);
    const two = stepsTensor([{ b: 0.9 }]);
    const batch = { data: Float32Array.of(...one.data, ...two.data), dims: [2, 1, smallDictionary.length] };
    expect([0, 1].map((row) => decodeCtc(batch, row, smallDictionary).text)).toEqual(['a', 'b']);
  });
});

describe('dictionary', () => {
  test('the blank first, the space last, every line kept as it is', () => {
    const dictionary = parseDictionary(dictionaryFile(["'", '\u3000', 'a']));
    expect(dictionary).toHaveLength(recognizerClasses);
    expect([dictionary[0], dictionary[1], dictionary[2], dictionary.at(-1)]).toEqual([
      '',
      "'",
      '\u3000',
      ' ',
    ]);
  });

  test("another model's dictionary is refused with both counts", () => {
    expect(() => parseDictionary('a\nb')).toThrow('makes 4 classes, the recogniser has 6625');
  });

  test('says what it cannot write', () => {
    const supported = supportedCharacters(smallDictionary);
    expect(isSupported('a b,\tc\n', supported)).toBe(true);
    expect(isSupported('abß', supported)).toBe(false);
  });
});

describe('full-width marks', () => {
  test('become ASCII in a Latin line', () => {
    expect(normalizeLine('Ｈｅｌｌｏ， world！（１）')).toBe('Hello, world!(1)');
  });
  test('stay in a line with East Asian letters', () => {
    expect(normalizeLine('你好，世界！')).toBe('你好，世界！');
  });
});

describe('batches', () => {
  test('hold every line once, similar widths together, within the limits', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 8192 }), { maxLength: 200 }),
        fc.integer({ min: 64, max: 20_000 }),
        fc.integer({ min: 1, max: 64 }),
        (widths, maxTotalWidth, maxLines) => {
          const batches = planRecognizeBatches(widths, { maxTotalWidth, maxLines });
          expect(batches.flat().sort((a, b) => a - b)).toEqual(widths.map((_, i) => i));
          let widest = 0;
          for (const batch of batches) {
            const padded = batch.map((i) => paddedWidth(widths[i]!));
            expect(batch.length).toBeLessThanOrEqual(maxLines);
            if (batch.length > 1)
              expect(Math.max(...padded) * batch.length).toBeLessThanOrEqual(maxTotalWidth);
            expect(Math.min(...padded)).toBeGreaterThanOrEqual(widest);
            widest = Math.max(...padded);
          }
        },
      ),
    );
  });

  test('a line is padded on the right with mid-grey, by its own width only', () => {
    const { data, dims } = recognizerTensor([drawImage(40, 48, () => 255)], paddedWidth(40));
    expect(dims).toEqual([1, 3, 48, 64]);
    expect([data[0], data[39], data[40], data[63], data[64]]).toEqual([1, 1, 0, 0, 1]);
  });
});
