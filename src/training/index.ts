/** Training on this device. */
export { createTrainStep, type TrainingFault, type TrainStep } from './trainStep.ts';
