import type { Bytes } from '../src/core/bytes.ts';
import { err, type Fault, fault, ok, type Result } from '../src/core/result.ts';
import type { PackedImage, RgbImage } from '../src/inference/ocr/types.ts';

/** The largest image that is inflated for anybody; pages at the detector's size and lines are far below. */
export const maxPackedPixels = 8_000_000;

export const packImage = async (image: RgbImage): Promise<PackedImage> => {
  const stream = new Blob([image.data]).stream().pipeThrough(new CompressionStream('deflate-raw'));
  const data = new Uint8Array(await new Response(stream).arrayBuffer());
  return { width: image.width, height: image.height, data };
};

/**
 * The exact pixels again. The size is known before the first byte is inflated, so a decompression bomb can fill no
 * more memory than the image it claims to be, and a claim too large is refused.
 */
export const unpackImage = async (
  packed: PackedImage,
  maxPixels = maxPackedPixels,
): Promise<Result<RgbImage, Fault<'damaged' | 'too-large'>>> => {
  const { width, height } = packed;
  if (!isSide(width) || !isSide(height)) {
    return err(fault('damaged', `packed image: ${width} × ${height} is not a size`));
  }
  if (width * height > maxPixels) {
    return err(
      fault('too-large', `packed image: ${width} × ${height} pixels, at most ${maxPixels} are allowed`),
    );
  }
  const pixels = new Uint8Array(width * height * 3);
  const problem = await inflateInto(pixels, packed.data);
  return problem === undefined
    ? ok({ width, height, data: pixels })
    : err(fault('damaged', `packed image of ${width} × ${height}: ${problem}`));
};

const isSide = (value: number): boolean => Number.isInteger(value) && value >= 1 && value <= 65_535;

/** What is wrong, or undefined when the stream gave exactly as many bytes as there is room for. */
const inflateInto = async (target: Uint8Array, deflated: Bytes): Promise<string | undefined> => {
  const reader = new Blob([deflated])
    .stream()
    .pipeThrough(new DecompressionStream('deflate-raw'))
    .getReader();
  let offset = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (offset + value.byteLength > target.byteLength) {
        await reader.cancel();
        return `more than the ${target.byteLength} bytes that its size allows`;
      }
      target.set(value, offset);
      offset += value.byteLength;
    }
  } catch (cause) {
    return `not a DEFLATE stream (${cause instanceof Error ? cause.message : String(cause)})`;
  }
  return offset === target.byteLength ? undefined : `${offset} bytes instead of ${target.byteLength}`;
};
