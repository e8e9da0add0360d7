import { recognizerClasses } from './dictionary.ts';
import type { Tensor } from './tensor.ts';
import type { Quad, RgbImage } from './types.ts';

export const boxQuad = (left: number, top: number, right: number, bottom: number): Quad => [
  left,
  top,
  right,
  top,
  right,
  bottom,
  left,
  bottom,
];

/** A grey picture from a function of the pixel. */
export const drawImage = (
  width: number,
  height: number,
  value: (x: number, y: number) => number,
): RgbImage => {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++) for (let channel = 0; channel < 3; channel++) data[i++] = value(x, y);
  }
  return { width, height, data };
};

export const greyAt = (image: RgbImage, x: number, y: number): number =>
  image.data[(y * image.width + x) * 3] ?? -1;

/** A detector's answer: probability by pixel. */
export const drawMap = (
  width: number,
  height: number,
  probability: (x: number, y: number) => number,
): Tensor => {
  const data = new Float32Array(width * height);
  for (let i = 0; i < data.length; i++) data[i] = probability(i % width, Math.floor(i / width));
  return { data, dims: [1, 1, height, width] };
};

/** A small alphabet in the order of the model's classes: blank, characters, space. */
export const smallDictionary: readonly string[] = ['', 'a', 'b', 'c', ',', '1', ' '];

/** A recogniser's answer: per step the classes' probabilities; what is missing goes to the blank. */
export const stepsTensor = (
  steps: readonly Readonly<Record<string, number>>[],
  dictionary: readonly string[] = smallDictionary,
): Tensor => {
  const data = new Float32Array(steps.length * dictionary.length);
  steps.forEach((step, index) => {
    let rest = 1;
    for (const [character, probability] of Object.entries(step)) {
      data[index * dictionary.length + dictionary.indexOf(character)] = probability;
      rest -= probability;
    }
    data[index * dictionary.length] = (data[index * dictionary.length] ?? 0) + rest;
  });
  return { data, dims: [1, steps.length, dictionary.length] };
};

/** A dictionary file of the right length whose first characters are given. */
export const dictionaryFile = (characters: readonly string[]): string => {
  const filler = Array.from({ length: recognizerClasses - 2 - characters.length }, (_, i) =>
    String.fromCodePoint(0x4e00 + i),
  );
  return [...characters, ...filler].join('\n');
};
