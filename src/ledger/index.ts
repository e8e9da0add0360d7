export type * from './access.ts';
export * from './amounts.ts';
export { type Applied, applyBlock, validEpochs } from './apply.ts';
export { type AuditFault, audit, type Holdings, holdingsOf } from './audit.ts';
export {
  type BlockFault,
  blockBytes,
  blockLimits,
  certifiedBlockBytes,
  keeperSchema,
  readBlock,
  readCertifiedBlock,
} from './block.ts';
export { buildEpochBlock, buildOperationsBlock } from './build.ts';
export { checkCertificate, faultsOf, quorumOf } from './certificate.ts';
export { genesisBlockId, genesisBytes, initialState, netIdOf } from './genesis.ts';
export type * from './keeper/types.ts';
export * from './merkle.ts';
export { consensusBytes, contradictionOf, readConsensusMessage } from './messages.ts';
export {
  operationBytes,
  operationIdOf,
  operationLimits,
  operationMessage,
  readOperation,
  signedOperationBytes,
  signOperation,
} from './operation.ts';
export * from './parameters.ts';
export * from './protocol.ts';
export { checkSignatures, signatureChecksOf } from './signatures.ts';
export { contentOf, stateRootOf } from './stateRoot.ts';
export * from './table/index.ts';
export type * from './transition/core/bodies.ts';
export * from './transition/governance/queries.ts';
export type * from './transition/governance/types.ts';
export type * from './transition/market/types.ts';
export {
  type Assignment,
  assignmentsOf,
  commitmentOf,
  type Earnings,
  earningsOf,
  gridQuantise,
  isInputOf,
  type ListingTerms,
  listingIdOf,
  mintForReceipt,
  mintIdOf,
  openingsFor,
  outputRoot,
} from './transition/mint/index.ts';
export type * from './transition/mint/types.ts';
export { accountOf, settledBalance } from './transition/purse.ts';
export type * from './types.ts';
