/** Training on this device: a step, what it is fed with, and when to stop. */
export { type Batches, type Column, createBatches, createWindows, type Examples } from './batches.ts';
export { createEvaluator, type Evaluation, type Evaluator } from './evaluate.ts';
export { constantRate, cosineRate, type Schedule } from './schedule.ts';
export { type Progress, type TrainFault, type TrainOptions, train } from './train.ts';
export { createTrainStep, type TrainingFault, type TrainStep } from './trainStep.ts';
