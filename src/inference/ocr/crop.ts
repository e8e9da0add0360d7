import { lineHeight, type Quad, type RgbImage } from './types.ts';

export const cropLimits = {
  /**
   * Letters are drawn this much wider than on the page: the recogniser reads in steps of eight columns, and two thin
   * letters ("ll", "tt") in fewer than three steps become one.
   */
  stretch: 1.3,
  /** Wider lines are squeezed: the recogniser needs pixels, a stranger's quad must not cost gigabytes. */
  maxWidth: 8192,
  /** From this height per width on the text runs down the page, and is turned to run right. */
  tallRatio: 2,
} as const;

/**
 * The line inside the quad, upright, 48 px high. Tall quads are read as text that runs downwards. What lies outside
 * the page continues its edge. Large sources are averaged, small ones interpolated by cubic convolution.
 */
export const cropLine = (page: RgbImage, quad: Quad): RgbImage => {
  const upright = uprightQuad(quad);
  const { across, along } = sideLengths(upright);
  const width = Math.max(
    8,
    Math.min(
      cropLimits.maxWidth,
      Math.round((cropLimits.stretch * lineHeight * along) / Math.max(1, across)),
    ),
  );
  const map = projection(upright);
  const samples = Math.max(1, Math.min(8, Math.ceil(Math.max(across / lineHeight, along / width) - 0.25)));
  const data = new Uint8Array(width * lineHeight * 3);
  const color = new Float32Array(3);
  const sample = samples === 1 ? sampleCubic : sampleLinear;
  const share = 1 / (samples * samples);
  for (let y = 0; y < lineHeight; y++) {
    for (let x = 0; x < width; x++) {
      color.fill(0);
      for (let sy = 0; sy < samples; sy++) {
        const v = (y + (sy + 0.5) / samples) / lineHeight;
        for (let sx = 0; sx < samples; sx++) {
          const u = (x + (sx + 0.5) / samples) / width;
          const w = map.g * u + map.h * v + 1;
          const pageX = (map.a * u + map.b * v + map.c) / w - 0.5;
          const pageY = (map.d * u + map.e * v + map.f) / w - 0.5;
          sample(page, pageX, pageY, color);
        }
      }
      const at = (y * width + x) * 3;
      for (let channel = 0; channel < 3; channel++) {
        data[at + channel] = Math.max(0, Math.min(255, (color[channel] ?? 0) * share + 0.5));
      }
    }
  }
  return { width, height: lineHeight, data };
};

const sideLengths = ([x0, y0, x1, y1, x2, y2, x3, y3]: Quad): { along: number; across: number } => ({
  along: Math.max(Math.hypot(x1 - x0, y1 - y0), Math.hypot(x2 - x3, y2 - y3)),
  across: Math.max(Math.hypot(x3 - x0, y3 - y0), Math.hypot(x2 - x1, y2 - y1)),
});

/** Text that runs downwards starts at the box's top-right corner. */
const uprightQuad = (quad: Quad): Quad => {
  const { along, across } = sideLengths(quad);
  if (across < cropLimits.tallRatio * along) return quad;
  const [x0, y0, x1, y1, x2, y2, x3, y3] = quad;
  return [x1, y1, x2, y2, x3, y3, x0, y0];
};

type Projection = Readonly<Record<'a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h', number>>;

/** The unit square onto the quad: Heckbert 1989, "Fundamentals of Texture Mapping and Image Warping", §2.2.3. */
const projection = ([x0, y0, x1, y1, x2, y2, x3, y3]: Quad): Projection => {
  const sumX = x0 - x1 + x2 - x3;
  const sumY = y0 - y1 + y2 - y3;
  const dx1 = x1 - x2;
  const dx2 = x3 - x2;
  const dy1 = y1 - y2;
  const dy2 = y3 - y2;
  const determinant = dx1 * dy2 - dx2 * dy1;
  // A degenerate quad has no perspective; the affine map still gives a picture.
  const g = Math.abs(determinant) < 1e-9 ? 0 : (sumX * dy2 - dx2 * sumY) / determinant;
  const h = Math.abs(determinant) < 1e-9 ? 0 : (dx1 * sumY - sumX * dy1) / determinant;
  return {
    a: x1 - x0 + g * x1,
    b: x3 - x0 + h * x3,
    c: x0,
    d: y1 - y0 + g * y1,
    e: y3 - y0 + h * y3,
    f: y0,
    g,
    h,
  };
};

type Sampler = (page: RgbImage, x: number, y: number, sum: Float32Array) => void;

const sampleLinear: Sampler = (page, x, y, sum) => {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = x - left;
  const below = y - top;
  addPixel(page, left, top, (1 - right) * (1 - below), sum);
  addPixel(page, left + 1, top, right * (1 - below), sum);
  addPixel(page, left, top + 1, (1 - right) * below, sum);
  addPixel(page, left + 1, top + 1, right * below, sum);
};

/** Keys 1981 with a = −0.5, which reproduces quadratics. */
const sampleCubic: Sampler = (page, x, y, sum) => {
  const left = Math.floor(x);
  const top = Math.floor(y);
  for (let j = -1; j <= 2; j++) {
    const weightY = cubicWeight(y - top - j);
    if (weightY === 0) continue;
    for (let i = -1; i <= 2; i++) {
      const weight = weightY * cubicWeight(x - left - i);
      if (weight !== 0) addPixel(page, left + i, top + j, weight, sum);
    }
  }
};

const cubicWeight = (distance: number): number => {
  const d = Math.abs(distance);
  if (d < 1) return (1.5 * d - 2.5) * d * d + 1;
  return d < 2 ? ((-0.5 * d + 2.5) * d - 4) * d + 2 : 0;
};

const addPixel = (page: RgbImage, x: number, y: number, weight: number, sum: Float32Array): void => {
  const column = x < 0 ? 0 : x >= page.width ? page.width - 1 : x;
  const row = y < 0 ? 0 : y >= page.height ? page.height - 1 : y;
  const at = (row * page.width + column) * 3;
  sum[0] = (sum[0] ?? 0) + weight * (page.data[at] ?? 0);
  sum[1] = (sum[1] ?? 0) + weight * (page.data[at + 1] ?? 0);
  sum[2] = (sum[2] ?? 0) + weight * (page.data[at + 2] ?? 0);
};
