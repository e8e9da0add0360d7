/** Models as values: read, checked, printed, built, differentiated. Pure; what runs them is elsewhere. */

export { differentiate } from './autodiff/differentiate.ts';
export { knownValues } from './autodiff/emitter.ts';
export { differentiableOps } from './autodiff/rules.ts';
export { buildTrainingGraph, type TrainingGraph, type TrainingSpec } from './autodiff/trainingGraph.ts';
export { bindDims } from './bindDims.ts';
export * from './codec/index.ts';
export type { OnnxFault } from './fault.ts';
export { inferModel, inferTypes } from './infer.ts';
export { inspectModel, type ModelSummary } from './inspect.ts';
export type { ByteSource, Graph, Model, Node, Tensor } from './ir/types.ts';
export { printModel, printType } from './print.ts';
export { type Quantization, runQuantization } from './quantize/prepare.ts';
export { prepareQuantization, quantizeModel } from './quantize/quantize.ts';
export { prepareReencoding, type ReencodeTarget, reencodeModel } from './quantize/reencode.ts';
export type {
  QuantizationReport,
  QuantizeFault,
  QuantizeOptions,
  QuantizeSpec,
  Scheme,
} from './quantize/scheme.ts';
export { verifyModel } from './verify.ts';
