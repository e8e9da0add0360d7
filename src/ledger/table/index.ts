export { defaultChunkBytes, treeFromChunks, treeToChunks } from './chunks.ts';
export { type HashTree, treeRoot } from './hashTree.ts';
export { isTableKey } from './place.ts';
export { tableProofSchema, verifyTableProof } from './proof.ts';
export { emptyTable, isTable, tableFromEntries } from './table.ts';
export type * from './types.ts';
