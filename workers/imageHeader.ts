import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';

export type ImageHeader = {
  readonly format: 'png' | 'jpeg' | 'webp';
  /** As stored, before an EXIF rotation. */
  readonly width: number;
  readonly height: number;
  /** 1 unless animated. */
  readonly frames: number;
};

export type HeaderFault = Fault<'not-an-image' | 'empty' | 'damaged' | 'too-large' | 'unsupported'>;

export const maxImagePixels = 40_000_000;
/** Below this no script has strokes that can be told apart. */
export const minImageSide = 8;

/**
 * What an image file says of itself, read without decoding: a decoder would need 400 MB to find out that an image has
 * 100 megapixels. Walks the container to its end, so that a truncated file is refused and not read half.
 */
export const readImageHeader = (bytes: Uint8Array): Result<ImageHeader, HeaderFault> => {
  if (bytes.byteLength === 0) return err(fault('empty', 'The file is empty (0 bytes).'));
  const header = readContainer(new Reader(bytes));
  return header.ok ? checkSize(header.value) : header;
};

const checkSize = (header: ImageHeader): Result<ImageHeader, HeaderFault> => {
  const { width, height } = header;
  if (width < 1 || height < 1) return err(damaged(header.format, `it says ${width} × ${height} pixels`));
  if (width * height > maxImagePixels) {
    const size = `${width} × ${height} pixels (${Math.round((width * height) / 1e6)} megapixels)`;
    const limit = `the limit is ${maxImagePixels / 1e6}`;
    return err(fault('too-large', `The image has ${size}; ${limit}. Scale it down or cut it into parts.`));
  }
  if (Math.min(width, height) < minImageSide) {
    const need = `text needs at least ${minImageSide} pixels in both directions`;
    return err(fault('unsupported', `The image has ${width} × ${height} pixels; ${need}.`));
  }
  return ok(header);
};

type Container = Result<ImageHeader, HeaderFault>;

const readContainer = (reader: Reader): Container => {
  if (reader.startsWith(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)) return readPng(reader);
  if (reader.startsWith(0xff, 0xd8, 0xff)) return readJpeg(reader);
  if (reader.ascii(0, 4) === 'RIFF' && reader.ascii(8, 4) === 'WEBP') return readWebp(reader);
  const other = otherFormat(reader);
  const hint = 'PNG, JPEG and WebP can be read';
  return other === undefined
    ? err(fault('not-an-image', `The file is not an image that is known here; ${hint}.`))
    : err(fault('unsupported', `The file is ${other}; ${hint}. Save it as one of them and try again.`));
};

const otherFormat = (reader: Reader): string | undefined => {
  if (reader.ascii(0, 4) === 'GIF8') return 'a GIF';
  if (reader.ascii(0, 4) === '%PDF') return 'a PDF';
  if (reader.ascii(0, 2) === 'BM') return 'a BMP image';
  if (reader.startsWith(0x49, 0x49, 0x2a, 0) || reader.startsWith(0x4d, 0x4d, 0, 0x2a)) return 'a TIFF image';
  if (reader.ascii(4, 4) !== 'ftyp') return undefined;
  const brand = reader.ascii(8, 4);
  if (brand.startsWith('avi')) return 'an AVIF image';
  return /^(hei|hev|mif1|msf1)/.test(brand) ? 'a HEIC image' : undefined;
};

/** PNG, third edition, §5 (chunks) and §11.3.5 (animation). */
const readPng = (reader: Reader): Container => {
  let offset = 8;
  let size: { width: number; height: number } | undefined;
  let frames = 1;
  while (reader.has(offset, 12)) {
    const length = reader.u32(offset);
    const type = reader.ascii(offset + 4, 4);
    if (offset === 8) {
      if (type !== 'IHDR' || length !== 13) return err(damaged('png', 'its header is missing'));
      if (!reader.has(offset, 25)) break;
      size = { width: reader.u32(offset + 8), height: reader.u32(offset + 12) };
    }
    if (type === 'acTL' && reader.has(offset, 16)) frames = Math.max(1, reader.u32(offset + 8));
    if (type === 'IEND') return size ? ok({ format: 'png', ...size, frames }) : err(truncated('png', reader));
    offset += 12 + length;
  }
  // Its size says more about an image that is too large than its missing end does.
  return refuseIfTooLarge('png', size) ?? err(truncated('png', reader));
};

/** ITU-T T.81 annex B: segments, then entropy-coded data until the next marker. */
const readJpeg = (reader: Reader): Container => {
  let offset = 2;
  let size: { width: number; height: number } | undefined;
  while (reader.has(offset, 2)) {
    if (reader.u8(offset) !== 0xff) return err(damaged('jpeg', `no marker at byte ${offset}`));
    const marker = reader.u8(offset + 1);
    if (marker === 0xff) {
      offset += 1;
      continue;
    }
    if (marker === 0xd9) {
      return size ? ok({ format: 'jpeg', ...size, frames: 1 }) : err(damaged('jpeg', 'it has no picture'));
    }
    if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      offset += 2;
      continue;
    }
    if (!reader.has(offset, 4)) break;
    const length = reader.u16(offset + 2);
    if (length < 2) return err(damaged('jpeg', `a segment of ${length} bytes at byte ${offset}`));
    if (isStartOfFrame(marker) && reader.has(offset, 9)) {
      size ??= { width: reader.u16(offset + 7), height: reader.u16(offset + 5) };
    }
    offset += 2 + length;
    if (marker === 0xda) offset = reader.nextMarker(offset);
  }
  return refuseIfTooLarge('jpeg', size) ?? err(truncated('jpeg', reader));
};

/** SOF0–SOF15 without DHT (C4), JPG (C8) and DAC (CC). */
const isStartOfFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** RFC 9649: a RIFF file of chunks, padded to even lengths. */
const readWebp = (reader: Reader): Container => {
  const end = 8 + reader.u32le(4);
  let offset = 12;
  let size: { width: number; height: number } | undefined;
  let frames = 0;
  while (reader.has(offset, 8) && offset + 8 <= end) {
    const type = reader.ascii(offset, 4);
    size ??= webpSize(reader, type, offset + 8);
    if (type === 'ANMF') frames += 1;
    offset += 8 + reader.u32le(offset + 4);
    offset += offset % 2;
  }
  if (end > reader.length) return refuseIfTooLarge('webp', size) ?? err(truncated('webp', reader));
  return size
    ? ok({ format: 'webp', ...size, frames: Math.max(1, frames) })
    : err(damaged('webp', 'it has no picture'));
};

const webpSize = (
  reader: Reader,
  type: string,
  at: number,
): { width: number; height: number } | undefined => {
  if (!reader.has(at, 10)) return undefined;
  if (type === 'VP8X') return { width: reader.u24le(at + 4) + 1, height: reader.u24le(at + 7) + 1 };
  if (type === 'VP8 ') {
    return { width: reader.u16le(at + 6) & 0x3fff, height: reader.u16le(at + 8) & 0x3fff };
  }
  if (type !== 'VP8L') return undefined;
  const bits = reader.u32le(at + 1);
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
};

const refuseIfTooLarge = (
  format: ImageHeader['format'],
  size: { width: number; height: number } | undefined,
): Container | undefined => {
  if (!size) return undefined;
  const checked = checkSize({ format, ...size, frames: 1 });
  return !checked.ok && checked.error.code === 'too-large' ? checked : undefined;
};

const damaged = (format: string, what: string): HeaderFault =>
  fault('damaged', `The ${format.toUpperCase()} file is damaged: ${what}.`);
const truncated = (format: string, reader: Reader): HeaderFault =>
  fault(
    'damaged',
    `The ${format.toUpperCase()} file is cut off after ${reader.length} bytes. Copy or download it again.`,
  );

/** Big-endian unless the name says otherwise; reading past the end gives 0, so check with `has`. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly length: number;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.length = bytes.byteLength;
  }
  has(offset: number, count: number): boolean {
    return offset + count <= this.length;
  }
  u8(offset: number): number {
    return this.#bytes[offset] ?? 0;
  }
  u16(offset: number): number {
    return this.u8(offset) * 256 + this.u8(offset + 1);
  }
  u32(offset: number): number {
    return this.u16(offset) * 65_536 + this.u16(offset + 2);
  }
  u16le(offset: number): number {
    return this.u8(offset) + this.u8(offset + 1) * 256;
  }
  u24le(offset: number): number {
    return this.u16le(offset) + this.u8(offset + 2) * 65_536;
  }
  u32le(offset: number): number {
    return this.u16le(offset) + this.u16le(offset + 2) * 65_536;
  }
  ascii(offset: number, count: number): string {
    return String.fromCharCode(...this.#bytes.subarray(offset, offset + count));
  }
  startsWith(...magic: readonly number[]): boolean {
    return this.has(0, magic.length) && magic.every((byte, index) => this.u8(index) === byte);
  }
  /** Where entropy-coded data ends: 0xFF that is neither stuffed (00) nor a restart (D0–D7). */
  nextMarker(from: number): number {
    let offset = this.#bytes.indexOf(0xff, from);
    while (offset >= 0 && this.has(offset, 2)) {
      const next = this.u8(offset + 1);
      if (next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7)) return offset;
      offset = this.#bytes.indexOf(0xff, offset + 1);
    }
    return this.length;
  }
}
