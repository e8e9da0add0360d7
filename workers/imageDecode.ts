import type { Bytes } from '../src/core/bytes.ts';
import { err, fault, ok, type Result } from '../src/core/result.ts';
import type { OcrFault, RgbImage } from '../src/inference/ocr/types.ts';
import { readImageHeader } from './imageHeader.ts';

export type DecodedImage = { readonly image: RgbImage; readonly frames: number };

/**
 * The browser's decoder, after the header was checked. Applies the EXIF orientation; an animation gives its first frame;
 * what is transparent becomes white paper.
 */
export const decodeImage = async (bytes: Bytes): Promise<Result<DecodedImage, OcrFault>> => {
  const header = readImageHeader(bytes);
  if (!header.ok) return header;
  const { format, frames } = header.value;
  let bitmap: ImageBitmap;
  try {
    const blob = new Blob([bytes], { type: `image/${format}` });
    bitmap = await createImageBitmap(blob, { imageOrientation: 'from-image' });
  } catch {
    const what = `The ${format.toUpperCase()} file is damaged: its header is fine, but the pixels can't be decoded.`;
    return err(fault('damaged', `${what} Copy or download it again.`));
  }
  try {
    return ok({ image: rgbOf(bitmap), frames });
  } finally {
    bitmap.close();
  }
};

/** In strips: a canvas of the whole page would double the memory, and iOS allows no more than 16 megapixels. */
const stripHeight = 256;

export const rgbOf = (source: ImageBitmap | OffscreenCanvas): RgbImage => {
  const { width, height } = source;
  const canvas = new OffscreenCanvas(width, Math.min(stripHeight, height));
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('no 2D canvas in this worker');
  const data = new Uint8Array(width * height * 3);
  for (let top = 0; top < height; top += stripHeight) {
    const rows = Math.min(stripHeight, height - top);
    context.fillStyle = '#fff';
    context.fillRect(0, 0, width, rows);
    context.drawImage(source, 0, top, width, rows, 0, 0, width, rows);
    dropAlpha(context.getImageData(0, 0, width, rows).data, data, top * width * 3);
  }
  return { width, height, data };
};

const dropAlpha = (rgba: Uint8ClampedArray, rgb: Uint8Array, start: number): void => {
  let to = start;
  for (let from = 0; from < rgba.length; from += 4) {
    rgb[to] = rgba[from] ?? 0;
    rgb[to + 1] = rgba[from + 1] ?? 0;
    rgb[to + 2] = rgba[from + 2] ?? 0;
    to += 3;
  }
};
