export { type Candidate, choosePeer, expectedFinish, type Routing, type TaskShape } from './choosePeer.ts';
export type * from './contracts.ts';
export {
  type CoordinatorDeps,
  type CoordinatorOptions,
  coordinatorDefaults,
  createFederatedInferenceCoordinator,
} from './coordinator.ts';
export { creditsFor, macsPerPixel } from './cost.ts';
export { createMemoryJobStore, type JobStore, type StoredJob, type StoredResult } from './jobStore.ts';
export { inferenceProtocol, statusMethod } from './protocol.ts';
export {
  createMemoryReceiptOutboxStore,
  type OutboxEntry,
  type ReceiptOutboxStore,
} from './receiptStore.ts';
export { receiptBytes, receiptIdOf, verifyReceipt } from './receipts.ts';
export { inferenceLimits, nodeStatusSchema, receiptSchema } from './schemas.ts';
