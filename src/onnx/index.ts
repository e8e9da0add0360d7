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
export { type AssembleOptions, assembleStage, type RunnableStage } from './partition/assembleStage.ts';
export { hashPlan, stageGraph } from './partition/hashPlan.ts';
export { planStages } from './partition/planStages.ts';
export type * from './partition/types.ts';
export { printModel, printType } from './print.ts';
export { verifyModel } from './verify.ts';
