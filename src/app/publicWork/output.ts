import { ocrModelFiles } from '../../compute/models/manifest.ts';
import { runtimeVersion } from '../../compute/runtimes/assets.ts';
import { type Bytes, concatBytes, utf8 } from '../../core/bytes.ts';
import { encodeCbor } from '../../core/codec.ts';
import { sha256Bytes } from '../../core/hash.ts';

/**
 * What a unit of public reading is, for everybody who compares: one page, read alone on one device, and the hash of its text.
 *
 * Text alone: boxes and confidences are floats. Always on WebAssembly with one thread (`exact`): its arithmetic is specified to
 * the bit, while GPUs round as they like, and each number of threads sums in an order of its own.
 * What is left: where a float decides (a box's edge, a column's gutter), JavaScript's `Math.cos` and the decoders of JPEG and
 * WebP may differ by a shade between browsers; text seldom notices.
 */
export const workClass = 'ocr';

/** Raised with every change of what is read out of a page: of boxes, cutting, order, or how a line is written. */
const readingVersion = 1;

/** Everything that text depends on besides the page. Who has other files or another runtime has another model. */
export const readingModel: Bytes = sha256Bytes(
  concatBytes(
    utf8('vc1.reading-model'),
    encodeCbor({
      reading: readingVersion,
      detector: ocrModelFiles.detector.sha256,
      recognizer: ocrModelFiles.recognizer.sha256,
      dictionary: ocrModelFiles.dictionary.sha256,
      runtime: `${runtimeVersion}, wasm`,
    }),
  ),
);

/** `lines`: the page's text in reading order. Empty ones don't count: whether there is a box around nothing says nothing. */
export const outputOf = (lines: readonly string[]): Bytes => {
  const text = lines.map((line) => line.trim()).filter((line) => line !== '');
  return sha256Bytes(concatBytes(utf8('vc1.reading'), encodeCbor(text)));
};
