import { findRegions, type Region } from './components.ts';
import { minAreaRect, quadToRect, rectAtAngle, rectToQuad, type TurnedRect, unclip } from './geometry.ts';
import type { Tensor } from './tensor.ts';
import type { DetectOutput, RgbImage } from './types.ts';

export type DetectorOptions = {
  /** A pixel is text above this probability. */
  readonly pixelThreshold: number;
  /** A box is kept when its mean probability is above this. */
  readonly boxThreshold: number;
  /** DB's own is 1.5; more air above and below keeps the bar of a "t" from reading as that of an "f". */
  readonly unclipRatio: number;
  /** Regions whose shorter side is smaller are specks. */
  readonly minSide: number;
};

export const detectorDefaults: DetectorOptions = {
  pixelThreshold: 0.3,
  boxThreshold: 0.6,
  unclipRatio: 2.2,
  minSide: 3,
};

/** ImageNet's statistics in the order PaddleOCR applies them: to blue, green, red. */
const channelMean = [0.485, 0.456, 0.406] as const;
const channelDeviation = [0.229, 0.224, 0.225] as const;

export const detectorTensor = (image: RgbImage): Tensor => {
  const pixels = image.width * image.height;
  const data = new Float32Array(pixels * 3);
  for (let channel = 0; channel < 3; channel++) {
    const mean = channelMean[channel] ?? 0;
    const deviation = channelDeviation[channel] ?? 1;
    const scale = 1 / (255 * deviation);
    const shift = mean / deviation;
    const plane = channel * pixels;
    for (let i = 0, at = 2 - channel; i < pixels; i++, at += 3) {
      data[plane + i] = (image.data[at] ?? 0) * scale - shift;
    }
  }
  return { data, dims: [1, 3, image.height, image.width] };
};

/** The detector's probability map (1 × 1 × height × width) to boxes in the map's pixels, top to bottom. */
export const boxesFromMap = (
  map: Tensor,
  options: DetectorOptions = detectorDefaults,
): DetectOutput['boxes'] => {
  const width = map.dims.at(-1) ?? 0;
  const height = map.dims.at(-2) ?? 0;
  const regions = findRegions(map.data, width, height, options.pixelThreshold);
  const fitted = regions.map((region) => minAreaRect(region.hull));
  const skew = pageSkew(fitted);
  const boxes: { quad: ReturnType<typeof rectToQuad>; score: number }[] = [];
  regions.forEach((region, index) => {
    const rect = settleAngle(region, fitted[index] ?? minAreaRect(region.hull), skew);
    if (Math.min(rect.width, rect.height) < options.minSide) return;
    const score = meanInside(map.data, width, height, rect);
    if (score < options.boxThreshold) return;
    boxes.push({ quad: rectToQuad(unclip(rect, options.unclipRatio)), score: Math.min(1, score) });
  });
  return boxes.sort((a, b) => quadToRect(a.quad).centerY - quadToRect(b.quad).centerY);
};

/** The reading direction most of the page's text agrees on: the median angle of long boxes, weighted by length. */
const pageSkew = (rects: readonly TurnedRect[]): number => {
  const long = rects.filter((rect) => rect.width > 4 * rect.height).sort((a, b) => a.angle - b.angle);
  const total = long.reduce((sum, rect) => sum + rect.width, 0);
  let passed = 0;
  for (const rect of long) {
    passed += rect.width;
    if (passed >= total / 2) return rect.angle;
  }
  return 0;
};

/**
 * A short word's least rectangle leans with its letters ("/" is a diagonal), so it is straightened like the page; only
 * what is long enough to show its own direction keeps it.
 */
const settleAngle = (region: Region, rect: TurnedRect, skew: number): TurnedRect => {
  const ratio = Math.max(rect.width, rect.height) / Math.max(1, Math.min(rect.width, rect.height));
  const alongPage = Math.abs(rect.angle - skew) < 0.25;
  return ratio > (alongPage ? 4 : 8) ? rect : rectAtAngle(region.hull, skew);
};

/** Mean probability over the rectangle's pixels, row by row. */
const meanInside = (values: Float32Array, width: number, height: number, rect: TurnedRect): number => {
  const quad = rectToQuad(rect);
  const ys = [quad[1], quad[3], quad[5], quad[7]];
  const top = Math.max(0, Math.floor(Math.min(...ys)));
  const bottom = Math.min(height - 1, Math.ceil(Math.max(...ys)) - 1);
  let sum = 0;
  let count = 0;
  for (let y = top; y <= bottom; y++) {
    const [from, to] = spanAt(quad, y + 0.5);
    const left = Math.max(0, Math.round(from));
    const right = Math.min(width, Math.round(to));
    for (let x = left; x < right; x++) sum += values[y * width + x] ?? 0;
    count += Math.max(0, right - left);
  }
  return count === 0 ? 0 : sum / count;
};

/** Where a horizontal line enters and leaves a convex quad. */
const spanAt = (quad: readonly number[], y: number): [number, number] => {
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < 8; i += 2) {
    const x0 = quad[i] ?? 0;
    const y0 = quad[i + 1] ?? 0;
    const x1 = quad[(i + 2) % 8] ?? 0;
    const y1 = quad[(i + 3) % 8] ?? 0;
    if (y0 === y1 || y < Math.min(y0, y1) || y > Math.max(y0, y1)) continue;
    const x = x0 + ((y - y0) / (y1 - y0)) * (x1 - x0);
    if (x < from) from = x;
    if (x > to) to = x;
  }
  return [from, to];
};
