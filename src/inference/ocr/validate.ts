import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { isSupported, supportedCharacters } from './dictionary.ts';
import { paddedWidth } from './recognizer.ts';
import type {
  DetectInput,
  DetectOutput,
  Quad,
  RecognizedLine,
  RecognizeInput,
  RecognizeOutput,
} from './types.ts';

export type ValidationFault = Fault<'invalid-output'>;

/** Unclipping may push a corner over the page's edge by this share of a side. */
const overhang = 0.02;
const minOverhang = 16;
const maxBoxes = 4_000;

/** Whether an answer can be one: shape, finite numbers, boxes on the page. Not whether it is right. */
export const validateDetectOutput = (
  output: unknown,
  input: DetectInput,
): Result<DetectOutput, ValidationFault> => {
  if (!isRecord(output) || !Array.isArray(output['boxes'])) return invalid('has no list of boxes');
  const found: unknown[] = output['boxes'];
  if (found.length > maxBoxes) return invalid(`has ${found.length} boxes; the limit is ${maxBoxes}`);
  const boxes: { quad: Quad; score: number }[] = [];
  for (const [index, box] of found.entries()) {
    if (!isRecord(box)) return invalid(`box ${index} is not an object`);
    const { quad, score } = box;
    if (!isShare(score)) return invalid(`box ${index} has a score outside 0…1`);
    if (!isQuad(quad)) return invalid(`box ${index} is not eight finite numbers`);
    const wrong = quadProblem(quad, input.image.width, input.image.height);
    if (wrong) return invalid(`box ${index} ${wrong}`);
    boxes.push({ quad: [...quad] as unknown as Quad, score });
  }
  return ok({ boxes });
};

/** One text per line, none longer than the recogniser can make for its width, only what the dictionary can say. */
export const validateRecognizeOutput = (
  output: unknown,
  input: RecognizeInput,
  dictionary?: readonly string[],
): Result<RecognizeOutput, ValidationFault> => {
  if (!isRecord(output) || !Array.isArray(output['lines'])) return invalid('has no list of lines');
  const found: unknown[] = output['lines'];
  if (found.length !== input.lines.length) {
    return invalid(`has ${found.length} lines for ${input.lines.length} images`);
  }
  const supported = dictionary && supportedCharacters(dictionary);
  const lines: RecognizedLine[] = [];
  for (const [index, line] of found.entries()) {
    if (!isRecord(line)) return invalid(`line ${index} is not an object`);
    const { text, confidence } = line;
    if (typeof text !== 'string') return invalid(`line ${index} has no text`);
    const limit = maxTextLength(input.lines[index]?.width ?? 0);
    if (text.length > limit)
      return invalid(`line ${index} has ${text.length} characters; at most ${limit} fit`);
    if (!isShare(confidence)) return invalid(`line ${index} has a confidence outside 0…1`);
    if (/[\n\t]/.test(text) || (supported && !isSupported(text, supported))) {
      return invalid(`line ${index} has characters that are not in the dictionary`);
    }
    lines.push({ text, confidence });
  }
  return ok({ lines });
};

/** One step per eight columns, at most one character each; a few of the dictionary's take two UTF-16 units. */
const maxTextLength = (width: number): number => (paddedWidth(width) / 8) * 2;

const quadProblem = (quad: Quad, width: number, height: number): string | undefined => {
  const spareX = Math.max(minOverhang, width * overhang);
  const spareY = Math.max(minOverhang, height * overhang);
  for (let i = 0; i < 8; i += 2) {
    const x = quad[i] ?? 0;
    const y = quad[i + 1] ?? 0;
    if (x < -spareX || x > width + spareX || y < -spareY || y > height + spareY) {
      return `leaves the ${width}×${height} image at ${Math.round(x)}, ${Math.round(y)}`;
    }
  }
  if (signedArea(quad) < 1) return 'has no area, or runs counter-clockwise';
  return undefined;
};

/** Shoelace formula; positive for clockwise corners, as y points down. */
const signedArea = (quad: Quad): number => {
  let twice = 0;
  for (let i = 0; i < 8; i += 2) {
    const j = (i + 2) % 8;
    twice += (quad[i] ?? 0) * (quad[j + 1] ?? 0) - (quad[j] ?? 0) * (quad[i + 1] ?? 0);
  }
  return twice / 2;
};

const invalid = (what: string): Result<never, ValidationFault> =>
  err(fault('invalid-output', `the answer ${what}`));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isShare = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value <= 1;

const isQuad = (value: unknown): value is Quad =>
  Array.isArray(value) && value.length === 8 && value.every((n) => Number.isFinite(n));
