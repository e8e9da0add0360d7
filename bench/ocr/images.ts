import { deflateSync } from 'node:zlib';
import { decode as decodePng } from 'fast-png';
import jpeg from 'jpeg-js';
import type { RgbImage } from '../../src/inference/ocr/index.ts';

/** PNG (8-bit grey, RGB, RGBA or palette) and JPEG files to RGB; transparency is dropped. */
export const decodeImage = (file: Uint8Array): RgbImage =>
  file[0] === 0xff ? decodeJpegFile(file) : decodePngFile(file);

const decodeJpegFile = (file: Uint8Array): RgbImage => {
  const { width, height, data } = jpeg.decode(file, { useTArray: true, formatAsRGBA: false });
  return { width, height, data: new Uint8Array(data) };
};

const decodePngFile = (file: Uint8Array): RgbImage => {
  const { width, height, data, channels, depth, palette } = decodePng(file);
  if (depth !== 8) throw new Error(`PNG has ${depth} bits per channel; 8 are supported`);
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) {
      rgb[i * 3 + channel] = palette
        ? (palette[data[i] ?? 0]?.[channel] ?? 0)
        : (data[i * channels + (channels < 3 ? 0 : channel)] ?? 0);
    }
  }
  return { width, height, data: rgb };
};

export const encodeJpeg = (image: RgbImage, quality: number): Uint8Array => {
  const rgba = new Uint8Array(image.width * image.height * 4);
  for (let i = 0; i < image.width * image.height; i++) {
    for (let channel = 0; channel < 3; channel++) rgba[i * 4 + channel] = image.data[i * 3 + channel] ?? 0;
    rgba[i * 4 + 3] = 255;
  }
  return jpeg.encode({ width: image.width, height: image.height, data: rgba }, quality).data;
};

/** A palette PNG of at most 256 colours when the page has no more (rendered text seldom does), else 24 bits. */
export const encodePng = (image: RgbImage): Uint8Array => {
  const { width, height, data } = image;
  const indexByColor = new Map<number, number>();
  const indexed = new Uint8Array(width * height);
  for (let i = 0; i < width * height; i++) {
    const color = ((data[i * 3] ?? 0) << 16) | ((data[i * 3 + 1] ?? 0) << 8) | (data[i * 3 + 2] ?? 0);
    let index = indexByColor.get(color);
    if (index === undefined) {
      index = indexByColor.size;
      indexByColor.set(color, index);
    }
    indexed[i] = index;
  }
  const palette = indexByColor.size <= 256 ? [...indexByColor.keys()] : undefined;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, palette ? 3 : 2, 0, 0, 0], 8);
  const pixels = palette ? filterRows(indexed, width, height, 0) : filterRows(data, width * 3, height, 1);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk('IHDR', header),
    ...(palette
      ? [pngChunk('PLTE', Buffer.from(palette.flatMap((c) => [c >> 16, (c >> 8) & 255, c & 255])))]
      : []),
    pngChunk('IDAT', deflateSync(pixels, { level: 9 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
};

/** PNG's filter 0 (none, best for palettes) or 2 (difference to the row above). */
const filterRows = (rows: Uint8Array, stride: number, height: number, up: 0 | 1): Buffer => {
  const filtered = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    filtered[y * (stride + 1)] = up * 2;
    for (let x = 0; x < stride; x++) {
      const above = up === 1 && y > 0 ? (rows[(y - 1) * stride + x] ?? 0) : 0;
      filtered[y * (stride + 1) + 1 + x] = ((rows[y * stride + x] ?? 0) - above) & 255;
    }
  }
  return filtered;
};

const pngChunk = (type: string, body: Buffer): Buffer => {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const chunk = Buffer.alloc(body.length + 12);
  chunk.writeUInt32BE(body.length, 0);
  named.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(named), body.length + 8);
  return chunk;
};

const crc32 = (bytes: Uint8Array): number => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
};
