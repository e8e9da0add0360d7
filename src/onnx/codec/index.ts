/** ONNX models and safetensors: from bytes to values and back, whole or streamed. */
export { bytesSource } from './bytesSource.ts';
export { decodeModel } from './decode.ts';
export { encodeModel, joinChunks } from './encode.ts';
export {
  locationFault,
  type OpenExternal,
  resolveTensor,
  type SplitModel,
  type SplitOptions,
  splitExternal,
} from './external.ts';
export { codecLimits, defaultLazyAbove } from './limits.ts';
export { inReferenceOrder, readSafetensors, type Safetensors, writeSafetensors } from './safetensors.ts';
export type { Write } from './sourceReading.ts';
export { type ReadOptions, readModel, writeModel } from './streams.ts';
