/** The OCR pipeline as pure functions over an injected model runner: no DOM, no runtime. */
export { cropLimits, cropLine } from './crop.ts';
export { isSupported, parseDictionary, recognizerClasses, supportedCharacters } from './dictionary.ts';
export { quadToRect, scaleQuad } from './geometry.ts';
export { assembleText, type PageLine } from './layout.ts';
export { createOcrPipeline, type OcrPipeline, type OcrPipelineDeps } from './pipeline.ts';
export { type BatchOptions, batchDefaults, paddedWidth, planRecognizeBatches } from './recognizer.ts';
export { detectorLimits, detectorSize, scaleForDetector } from './resize.ts';
export type { RunModel, Tensor } from './tensor.ts';
export * from './types.ts';
export { type ValidationFault, validateDetectOutput, validateRecognizeOutput } from './validate.ts';
