import type { Bytes } from '../src/core/bytes.ts';
import { toHex } from '../src/core/bytes.ts';
import { err, fault, ok, type Result } from '../src/core/result.ts';
import { cropLine, scaleForDetector } from '../src/inference/ocr/index.ts';
import type { OcrFault, PackedImage, Quad } from '../src/inference/ocr/types.ts';
import type { CallScope } from './expose.ts';
import { type DecodedImage, decodeImage } from './imageDecode.ts';
import { packImage } from './packing.ts';
import { createPageCache } from './pageCache.ts';
import { drawProbeImages } from './probeImage.ts';
import type { ImageWorkerApi } from './protocol.ts';

/** A file beyond this can't hold an image within the pixel limit that a camera or scanner made. */
const maxFileBytes = 160_000_000;

/** Decoding and cutting. Keeps the pages used last, because detection and cropping ask for the same one. */
export const createImageApi = (openScope: () => CallScope): ImageWorkerApi => {
  const pages = createPageCache<DecodedImage>({ maxBytes: 160_000_000 });

  const openDecoded = async (file: Blob): Promise<Result<DecodedImage, OcrFault>> => {
    const read = await readFile(file);
    if (!read.ok) return read;
    const key = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', read.value)));
    const known = pages.get(key);
    if (known) return ok(known);
    const decoded = await decodeImage(read.value);
    if (decoded.ok) pages.set(key, decoded.value, decoded.value.image.data.byteLength);
    return decoded;
  };

  return {
    async openPage(file) {
      const scope = openScope();
      const decoded = await openDecoded(file);
      if (!decoded.ok) return decoded;
      await scope.step();
      if (scope.signal.aborted) return err(cancelled());
      const { image, frames } = decoded.value;
      const detectInput = { image: await packImage(scaleForDetector(image)) };
      return ok({ width: image.width, height: image.height, frames, detectInput });
    },
    async cropLines(file, quads) {
      const scope = openScope();
      const decoded = await openDecoded(file);
      return decoded.ok ? cropAll(decoded.value, quads, scope) : decoded;
    },
    async drawProbe() {
      try {
        const { page, line } = drawProbeImages();
        return ok({ page: await packImage(page), line: await packImage(line) });
      } catch (cause) {
        return err(fault('runtime', `the test image can't be drawn: ${String(cause)}`));
      }
    },
  };
};

const readFile = async (file: Blob): Promise<Result<Bytes, OcrFault>> => {
  if (file.size > maxFileBytes) {
    const size = `${Math.round(file.size / 1e6)} MB`;
    return err(fault('too-large', `The file has ${size}; the limit is ${maxFileBytes / 1e6} MB.`));
  }
  try {
    return ok(new Uint8Array(await file.arrayBuffer()));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return err(fault('damaged', `The file can't be read any more (${why}). Was it moved? Add it again.`));
  }
};

const cropAll = async (
  { image }: DecodedImage,
  quads: readonly Quad[],
  scope: CallScope,
): Promise<Result<readonly PackedImage[], OcrFault>> => {
  const lines: PackedImage[] = [];
  for (const quad of quads) {
    if (!quad.every(Number.isFinite)) return err(fault('damaged', 'a line box is not a number'));
    lines.push(await packImage(cropLine(image, quad)));
    await scope.step();
    if (scope.signal.aborted) return err(cancelled());
  }
  return ok(lines);
};

const cancelled = () => fault('cancelled' as const, 'cancelled');
