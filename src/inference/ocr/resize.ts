import type { Bytes } from '../../core/bytes.ts';
import type { RgbImage } from './types.ts';

/** The detector halves its input five times. */
const sideMultiple = 32;

export const detectorLimits = {
  /** Larger pages are reduced: a megapixel is about half a second on one WASM thread. */
  maxPixels: 2_100_000,
  /** Smaller pages are enlarged up to this: narrow gutters and 9 px letters need it, and it stays below a second … */
  comfortablePixels: 1_500_000,
  /** … but not further: large letters fall apart. */
  maxEnlargement: 2,
  maxSide: 3200,
  /** The smallest side the detector's receptive field is comfortable with. */
  minSide: 64,
} as const;

/** The size a page has for the detector. */
export const detectorSize = (width: number, height: number): { width: number; height: number } => {
  const { maxPixels, comfortablePixels, maxEnlargement, maxSide, minSide } = detectorLimits;
  const pixels = width * height;
  const enlarged = Math.max(1, Math.min(maxEnlargement, Math.sqrt(comfortablePixels / pixels)));
  const scale = Math.min(enlarged, Math.sqrt(maxPixels / pixels), maxSide / Math.max(width, height));
  const toMultiple = (side: number): number =>
    Math.max(minSide, Math.min(maxSide, Math.round((side * scale) / sideMultiple) * sideMultiple));
  return { width: toMultiple(width), height: toMultiple(height) };
};

/** The page at the detector's size. The sides may change by different factors, by at most half a multiple of 32. */
export const scaleForDetector = (page: RgbImage): RgbImage => {
  const { width, height } = detectorSize(page.width, page.height);
  return resizeImage(page, width, height);
};

/**
 * Separable resampling with a triangle filter as wide as the scale: bilinear when enlarging, an anti-aliased weighted
 * area average when reducing (so thin strokes fade instead of vanishing).
 */
export const resizeImage = (image: RgbImage, width: number, height: number): RgbImage => {
  if (width === image.width && height === image.height) return image;
  const columns = filterTaps(image.width, width);
  const rows = filterTaps(image.height, height);
  const data: Bytes = new Uint8Array(width * height * 3);
  const ring = createRowRing(image, columns, width);
  const sum = new Float32Array(width * 3);
  for (let y = 0; y < height; y++) {
    sum.fill(0.5);
    const first = rows.first[y] ?? 0;
    for (let tap = 0; tap < rows.count; tap++) {
      const weight = rows.weights[y * rows.count + tap] ?? 0;
      if (weight === 0) continue;
      const source = ring(first + tap);
      for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (source[i] ?? 0);
    }
    data.set(sum, y * width * 3);
  }
  return { width, height, data };
};

type FilterTaps = { readonly count: number; readonly first: Int32Array; readonly weights: Float32Array };

const filterTaps = (from: number, to: number): FilterTaps => {
  const scale = from / to;
  const radius = Math.max(1, scale);
  const count = Math.min(from, Math.ceil(radius * 2) + 1);
  const first = new Int32Array(to);
  const weights = new Float32Array(to * count);
  for (let i = 0; i < to; i++) {
    const center = (i + 0.5) * scale - 0.5;
    const start = Math.max(0, Math.min(from - count, Math.ceil(center - radius)));
    first[i] = start;
    let total = 0;
    for (let tap = 0; tap < count; tap++) {
      const weight = Math.max(0, 1 - Math.abs(start + tap - center) / radius);
      weights[i * count + tap] = weight;
      total += weight;
    }
    for (let tap = 0; tap < count; tap++) {
      weights[i * count + tap] = total > 0 ? (weights[i * count + tap] ?? 0) / total : tap === 0 ? 1 : 0;
    }
  }
  return { count, first, weights };
};

/** Horizontally scaled source rows; each is computed once and kept only while the vertical filter reaches it. */
const createRowRing = (image: RgbImage, columns: FilterTaps, width: number) => {
  const rows = new Map<number, Float32Array>();
  const spare: Float32Array[] = [];
  return (y: number): Float32Array => {
    const known = rows.get(y);
    if (known) return known;
    for (const [old, row] of rows) {
      // A 40-megapixel page must not be kept in floats: the filter only moves down.
      if (rows.size < 64 || old >= y) break;
      rows.delete(old);
      spare.push(row);
    }
    const row = spare.pop() ?? new Float32Array(width * 3);
    scaleRow(image, y, columns, row);
    rows.set(y, row);
    return row;
  };
};

const scaleRow = (image: RgbImage, y: number, columns: FilterTaps, row: Float32Array): void => {
  const { count, first, weights } = columns;
  const base = y * image.width;
  for (let x = 0; x < first.length; x++) {
    let red = 0;
    let green = 0;
    let blue = 0;
    let source = (base + (first[x] ?? 0)) * 3;
    for (let tap = 0; tap < count; tap++, source += 3) {
      const weight = weights[x * count + tap] ?? 0;
      red += weight * (image.data[source] ?? 0);
      green += weight * (image.data[source + 1] ?? 0);
      blue += weight * (image.data[source + 2] ?? 0);
    }
    row[x * 3] = red;
    row[x * 3 + 1] = green;
    row[x * 3 + 2] = blue;
  }
};
