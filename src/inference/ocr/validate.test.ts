import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boxQuad, smallDictionary } from './testDoubles.ts';
import type { DetectInput, RecognizeInput } from './types.ts';
import { validateDetectOutput, validateRecognizeOutput } from './validate.ts';

const detectInput: DetectInput = { image: { width: 640, height: 320, data: new Uint8Array(1) } };
const recognizeInput: RecognizeInput = {
  lines: [
    { width: 64, height: 48, data: new Uint8Array(1) },
    { width: 320, height: 48, data: new Uint8Array(1) },
  ],
};
const message = (result: { ok: boolean; error?: { message: string } }): string =>
  result.ok ? 'accepted' : (result.error?.message ?? '');

describe("a stranger's boxes", () => {
  const check = (boxes: unknown) => message(validateDetectOutput({ boxes }, detectInput));

  test('are taken when they are boxes on the page', () => {
    const boxes = [{ quad: boxQuad(-5, 3, 200, 30), score: 0.7 }];
    expect(validateDetectOutput({ boxes }, detectInput)).toEqual({ ok: true, value: { boxes } });
    expect(check([])).toBe('accepted');
  });

  test('are refused with the reason', () => {
    const quad = boxQuad(0, 0, 50, 20);
    expect(check(undefined)).toMatch('no list of boxes');
    expect(check([{ quad, score: 1.01 }])).toMatch('score outside 0…1');
    expect(check([{ quad, score: Number.NaN }])).toMatch('score outside 0…1');
    expect(check([{ quad: [...quad.slice(0, 7), Number.POSITIVE_INFINITY], score: 1 }])).toMatch(
      'eight finite numbers',
    );
    expect(check([{ quad: quad.slice(0, 6), score: 1 }])).toMatch('eight finite numbers');
    expect(check([{ quad: boxQuad(600, 0, 700, 20), score: 1 }])).toMatch(
      'leaves the 640×320 image at 700, 0',
    );
    expect(check([{ quad: boxQuad(50, 0, 0, 20), score: 1 }])).toMatch('counter-clockwise');
    expect(check(Array.from({ length: 4001 }, () => ({ quad, score: 1 })))).toMatch('4001 boxes');
  });

  test('garbage never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (output) => {
        expect(typeof validateDetectOutput(output, detectInput).ok).toBe('boolean');
        expect(typeof validateDetectOutput({ boxes: [output] }, detectInput).ok).toBe('boolean');
      }),
    );
  });
});

describe("a stranger's lines", () => {
  const check = (lines: unknown) =>
    message(validateRecognizeOutput({ lines }, recognizeInput, smallDictionary));
  const line = { text: 'ab', confidence: 0.9 };

  test('are taken when they can be what the recogniser says', () => {
    expect(check([line, { text: '', confidence: 0 }])).toBe('accepted');
  });

  test('are refused with the reason', () => {
    expect(check([line])).toMatch('1 lines for 2 images');
    expect(check([line, { text: 'ab', confidence: -0.1 }])).toMatch('confidence outside');
    expect(check([line, { text: 7, confidence: 1 }])).toMatch('no text');
    expect(check([{ text: 'a'.repeat(17), confidence: 1 }, line])).toMatch('17 characters; at most 16 fit');
    expect(check([line, { text: 'aß', confidence: 1 }])).toMatch('not in the dictionary');
    expect(check([line, { text: 'a\tb', confidence: 1 }])).toMatch('not in the dictionary');
  });

  test('garbage never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (output) => {
        expect(typeof validateRecognizeOutput(output, recognizeInput).ok).toBe('boolean');
        expect(typeof validateRecognizeOutput({ lines: [output, output] }, recognizeInput).ok).toBe(
          'boolean',
        );
      }),
    );
  });
});
