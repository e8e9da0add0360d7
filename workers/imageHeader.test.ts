import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, utf8 } from '../src/core/bytes.ts';
import { readImageHeader } from './imageHeader.ts';

const u32 = (value: number) => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
const u32le = (value: number) => u32(value).reverse();
const u24le = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16);

const chunk = (type: string, data: Uint8Array = new Uint8Array()) =>
  concatBytes(u32(data.byteLength), utf8(type), data, u32(0));
const pngMagic = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const png = (width: number, height: number, ...middle: Uint8Array[]) =>
  concatBytes(
    pngMagic,
    chunk('IHDR', concatBytes(u32(width), u32(height), Uint8Array.of(8, 2, 0, 0, 0))),
    ...middle,
    chunk('IDAT', new Uint8Array(40)),
    chunk('IEND'),
  );

const segment = (marker: number, data: Uint8Array) =>
  concatBytes(Uint8Array.of(0xff, marker, (data.byteLength + 2) >> 8, data.byteLength + 2), data);
const jpeg = (width: number, height: number, sof = 0xc0) =>
  concatBytes(
    Uint8Array.of(0xff, 0xd8),
    // An EXIF thumbnail has an end marker of its own, which isn't the picture's.
    segment(0xe1, Uint8Array.of(0x45, 0x78, 0xff, 0xd8, 0xff, 0xd9)),
    segment(
      sof,
      Uint8Array.of(8, height >> 8, height & 255, width >> 8, width & 255, 3, 1, 17, 0, 2, 17, 1, 3, 17, 1),
    ),
    segment(0xda, Uint8Array.of(1, 1, 0, 0, 63, 0)),
    Uint8Array.of(1, 2, 0xff, 0x00, 3, 0xff, 0xd0, 4, 5),
    Uint8Array.of(0xff, 0xd9),
  );

const riff = (...chunks: Uint8Array[]) => {
  const body = concatBytes(utf8('WEBP'), ...chunks);
  return concatBytes(utf8('RIFF'), u32le(body.byteLength), body);
};
const webpChunk = (type: string, data: Uint8Array) =>
  concatBytes(utf8(type), u32le(data.byteLength), data, new Uint8Array(data.byteLength % 2));
const vp8x = (width: number, height: number) =>
  webpChunk('VP8X', concatBytes(Uint8Array.of(2, 0, 0, 0), u24le(width - 1), u24le(height - 1)));

const codeOf = (bytes: Uint8Array) => {
  const result = readImageHeader(bytes);
  return result.ok ? 'ok' : result.error.code;
};
const messageOf = (bytes: Uint8Array) => {
  const result = readImageHeader(bytes);
  return result.ok ? '' : result.error.message;
};

describe('image headers', () => {
  it('tell the size of a PNG', () => {
    expect(readImageHeader(png(640, 480))).toEqual({
      ok: true,
      value: { format: 'png', width: 640, height: 480, frames: 1 },
    });
  });

  it.each([0xc0, 0xc1, 0xc2])('tell the size of a JPEG with frame type %i, past its thumbnail', (sof) => {
    expect(readImageHeader(jpeg(800, 600, sof))).toEqual({
      ok: true,
      value: { format: 'jpeg', width: 800, height: 600, frames: 1 },
    });
  });

  it('tell the size of lossy, lossless and extended WebP', () => {
    const lossy = concatBytes(
      Uint8Array.of(0, 0, 0, 0x9d, 1, 0x2a),
      Uint8Array.of(0x40, 1, 0xf0, 0),
      new Uint8Array(4),
    );
    expect(readImageHeader(riff(webpChunk('VP8 ', lossy)))).toMatchObject({
      value: { width: 320, height: 240 },
    });
    const lossless = concatBytes(
      Uint8Array.of(0x2f),
      u32le((320 - 1) | ((240 - 1) << 14)),
      new Uint8Array(8),
    );
    expect(readImageHeader(riff(webpChunk('VP8L', lossless)))).toMatchObject({
      value: { width: 320, height: 240 },
    });
    expect(readImageHeader(riff(vp8x(320, 240)))).toMatchObject({
      value: { format: 'webp', width: 320, height: 240 },
    });
  });

  it('count the frames of animations', () => {
    const control = chunk('acTL', concatBytes(u32(7), u32(0)));
    expect(readImageHeader(png(64, 64, control))).toMatchObject({ value: { frames: 7 } });
    const frame = webpChunk('ANMF', new Uint8Array(17));
    expect(readImageHeader(riff(vp8x(64, 64), frame, frame, frame))).toMatchObject({ value: { frames: 3 } });
  });
});

describe('files that are refused, with what to do', () => {
  it('0 bytes', () => expect(codeOf(new Uint8Array())).toBe('empty'));

  it('not an image', () => {
    expect(codeOf(utf8('Dear diary, today I was not an image.'))).toBe('not-an-image');
    expect(messageOf(utf8('x'))).toContain('PNG, JPEG and WebP');
  });

  it.each([
    ['a GIF', utf8('GIF89a......')],
    ['a PDF', utf8('%PDF-1.7')],
    ['a HEIC image', utf8('\0\0\0\x18ftypheic')],
    ['an AVIF image', utf8('\0\0\0\x18ftypavif')],
  ])('%s', (name, bytes) => {
    expect(codeOf(bytes)).toBe('unsupported');
    expect(messageOf(bytes)).toContain(name);
  });

  it.each([
    ['PNG', png(100, 100)],
    ['JPEG', jpeg(100, 100)],
    ['WebP', riff(vp8x(100, 100), webpChunk('ANMF', new Uint8Array(40)))],
  ])('%s cut off anywhere', (_name, whole) => {
    expect(codeOf(whole)).toBe('ok');
    for (let length = 12; length < whole.byteLength; length++) {
      expect(codeOf(whole.slice(0, length)), `${length} bytes`).toBe('damaged');
    }
  });

  it.each([
    ['PNG', png(10_000, 10_000)],
    ['JPEG', jpeg(10_000, 10_000)],
    ['WebP', riff(vp8x(10_000, 10_000))],
  ])('%s of 100 megapixels: the message says the limit', (_name, bytes) => {
    expect(codeOf(bytes)).toBe('too-large');
    expect(messageOf(bytes)).toMatch(/100 megapixels.*limit is 40/);
  });

  it('100 megapixels even when the file is cut off: nobody has to upload it to learn that', () => {
    expect(codeOf(png(10_000, 10_000).slice(0, 60))).toBe('too-large');
  });

  it('a size that overflows 32 bits', () => expect(codeOf(png(0xffffffff, 0xffffffff))).toBe('too-large'));
  it('no pixels', () => expect(codeOf(png(0, 10))).toBe('damaged'));

  it('one pixel high', () => {
    expect(codeOf(png(300, 1))).toBe('unsupported');
    expect(messageOf(png(300, 1))).toContain('300 × 1');
  });

  it('garbage behind a true beginning, without ever throwing or hanging', () => {
    const beginnings = [pngMagic, png(64, 64).slice(0, 33), Uint8Array.of(0xff, 0xd8, 0xff), riff()];
    fc.assert(
      fc.property(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 400 }), (start, rest) => {
        const result = readImageHeader(concatBytes(start, rest));
        expect(typeof result.ok).toBe('boolean');
      }),
      { numRuns: 2000 },
    );
  });
});
