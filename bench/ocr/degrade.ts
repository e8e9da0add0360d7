import type { RgbImage } from '../../src/inference/ocr/index.ts';
import type { Draw } from './seed.ts';

/** What scanners, cameras and file formats do to a page; each is a pure function of the image and the seed. */
export type Degrade = (image: RgbImage, draw: Draw) => RgbImage;

const mapPixels = (image: RgbImage, change: (value: number, x: number, y: number) => number): RgbImage => {
  const data = new Uint8Array(image.data.length);
  for (let y = 0, i = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      for (let channel = 0; channel < 3; channel++, i++) {
        data[i] = Math.max(0, Math.min(255, Math.round(change(image.data[i] ?? 0, x, y))));
      }
    }
  }
  return { ...image, data };
};

/** Normal noise per value (Box & Muller 1958). */
export const addNoise =
  (deviation: number): Degrade =>
  (image, draw) =>
    mapPixels(
      image,
      (value) => value + deviation * Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw()),
    );

/** Light that falls off from one corner, with a soft shadow across the page. */
export const unevenLight =
  (darkest: number): Degrade =>
  (image, draw) => {
    const slope = draw();
    const shadow = 0.3 + 0.4 * draw();
    return mapPixels(image, (value, x, y) => {
      const along = (slope * x) / image.width + ((1 - slope) * y) / image.height;
      const edge = 1 / (1 + Math.exp(-(along - shadow) * 25));
      return value * (1 - (1 - darkest) * (0.6 * along + 0.4 * edge));
    });
  };

export const lowContrast =
  (range: number, floor: number): Degrade =>
  (image) =>
    mapPixels(image, (value) => floor + (value / 255) * range);

/** Separable Gaussian. */
export const blur =
  (sigma: number): Degrade =>
  (image) => {
    const radius = Math.ceil(sigma * 3);
    const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) =>
      Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
    );
    const total = kernel.reduce((a, b) => a + b, 0);
    const pass = (from: Float32Array, step: number, size: number, coordinate: (i: number) => number) => {
      const to = new Float32Array(from.length);
      for (let i = 0; i < from.length; i++) {
        const at = coordinate(i);
        let sum = 0;
        for (let k = -radius; k <= radius; k++) {
          const clamped = Math.max(0, Math.min(size - 1, at + k));
          sum += (kernel[k + radius] ?? 0) * (from[i + (clamped - at) * step] ?? 0);
        }
        to[i] = sum / total;
      }
      return to;
    };
    const { width, height } = image;
    const across = pass(Float32Array.from(image.data), 3, width, (i) => Math.floor(i / 3) % width);
    const down = pass(across, width * 3, height, (i) => Math.floor(i / (3 * width)));
    return { width, height, data: Uint8Array.from(down, (value) => Math.round(value)) };
  };

/** A page photographed at an angle: its corners move inwards by up to `strength` of a side, on a dark desk. */
export const perspective =
  (strength: number): Degrade =>
  (image, draw) => {
    const { width, height } = image;
    const tilt = strength * (0.5 + 0.5 * draw());
    const lean = strength * (draw() - 0.5);
    const data = new Uint8Array(image.data.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const v = (y + 0.5) / height;
        const squeeze = 1 - tilt * (1 - v);
        const depth = v / (1 + tilt * (1 - v));
        const u = 0.5 + ((x + 0.5) / width - 0.5 - lean * (1 - v)) / squeeze;
        sampleInto(image, u * width - 0.5, depth * height - 0.5, data, (y * width + x) * 3);
      }
    }
    return { width, height, data };
  };

const desk = 70;
const sampleInto = (image: RgbImage, x: number, y: number, data: Uint8Array, at: number): void => {
  const left = Math.floor(x);
  const top = Math.floor(y);
  for (let channel = 0; channel < 3; channel++) {
    const value = (dx: number, dy: number): number =>
      left + dx < 0 || left + dx >= image.width || top + dy < 0 || top + dy >= image.height
        ? desk
        : (image.data[((top + dy) * image.width + left + dx) * 3 + channel] ?? 0);
    const [fx, fy] = [x - left, y - top];
    const upper = value(0, 0) * (1 - fx) + value(1, 0) * fx;
    const lower = value(0, 1) * (1 - fx) + value(1, 1) * fx;
    data[at + channel] = Math.round(upper * (1 - fy) + lower * fy);
  }
};
