/** Models as values: read, checked, printed, built, differentiated, quantised, cut, merged. Pure; what runs them is elsewhere. */

export { adapterOf, addLora, isDecoderLayer, type LoraOptions } from './autodiff/addLora.ts';
export { differentiate } from './autodiff/differentiate.ts';
export { knownValues } from './autodiff/emitter.ts';
export { type LinearLayer, linearLayersOf } from './autodiff/linearLayers.ts';
export { demandOrder, peakBytes } from './autodiff/memory.ts';
export type { PerExample } from './autodiff/perExample/clippedGradients.ts';
export { type Recompute, recompute } from './autodiff/recompute.ts';
export { differentiableOps } from './autodiff/rules.ts';
export { buildTrainingGraph, type TrainingGraph, type TrainingSpec } from './autodiff/trainingGraph.ts';
export {
  buildTrainingModel,
  type TrainingModel,
  type TrainingModelSpec,
} from './autodiff/trainingModel.ts';
export { bindDims } from './bindDims.ts';
export { createStream } from './build/random.ts';
export * from './codec/index.ts';
export type { OnnxFault } from './fault.ts';
export { hoistConstants } from './hoistConstants.ts';
export { inferModel, inferTypes } from './infer.ts';
export { inspectModel, type ModelSummary } from './inspect.ts';
export { bytesOf } from './ir/tensor.ts';
export type { Attribute, ByteSource, Graph, Model, Node, Tensor } from './ir/types.ts';
export { bakeAdapter } from './lora/bakeAdapter.ts';
export { type AdapterMerge, mergeAdapters } from './lora/mergeAdapters.ts';
export { fromPeft, modulePathOf, type PeftAdapter, toPeft, weightNameOf } from './lora/peft.ts';
export type { PeftConfig } from './lora/peftConfig.ts';
export type { LoraAdapter, LoraFactors } from './lora/types.ts';
export { tryTensors } from './merge/computedTensor.ts';
export { type MergeCheckpointsOptions, mergeCheckpoints } from './merge/mergeCheckpoints.ts';
export { type MergeModelsOptions, mergeModels } from './merge/mergeModels.ts';
export { mergeTensors, type TensorPlace } from './merge/mergeTensors.ts';
export { checkMethod, type MergeMethod, needsBase, type TensorOverride } from './merge/methods.ts';
export type { OpenModel } from './merge/sameStructure.ts';
export { type LayerSlice, type StackedCheckpoint, stackCheckpoints } from './merge/stackCheckpoints.ts';
export { type BuiltDecoder, decoderWeights, stackDecoders } from './merge/stackDecoders.ts';
export { type AssembleOptions, assembleStage, type RunnableStage } from './partition/assembleStage.ts';
export { hashPlan, stageGraph } from './partition/hashPlan.ts';
export { planStages } from './partition/planStages.ts';
export type * from './partition/types.ts';
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
export { withWeights } from './withWeights.ts';
