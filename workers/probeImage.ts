import type { RgbImage } from '../src/inference/ocr/types.ts';
import { rgbOf } from './imageDecode.ts';

/** The detector's smallest useful page: sides are multiples of 32, and a software GPU still manages it. */
const width = 320;
const height = 160;
const line = { left: 8, top: 56, width: 304, height: 48 };

/** Text for the micro-benchmark. Fonts differ between devices, but one device compares its runtimes on one image. */
export const drawProbeImages = (): { page: RgbImage; line: RgbImage } => {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no 2D canvas in this worker');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.fillStyle = '#111';
  context.font = '32px sans-serif';
  context.textBaseline = 'middle';
  context.fillText('Village 1984 read', 16, line.top + line.height / 2, 288);
  const strip = new OffscreenCanvas(line.width, line.height);
  strip
    .getContext('2d')
    ?.drawImage(canvas, line.left, line.top, line.width, line.height, 0, 0, line.width, line.height);
  return { page: rgbOf(canvas), line: rgbOf(strip) };
};
