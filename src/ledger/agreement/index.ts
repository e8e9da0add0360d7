export { restore, startHeight, step } from './agreement.ts';
export { leaderOf, quorumOf, toleratedLiars } from './committee.ts';
export { messagesFor } from './gossip.ts';
export type * from './types.ts';
