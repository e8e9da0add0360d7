export { createKeeper, proposalOf, restoreKeeper, step as stepKeeper } from './machine.ts';
export type { RecordFault, StoredRecords } from './records.ts';
export type { KeeperState, KeeperStepped } from './state.ts';
export type * from './types.ts';
export { keeperDefaults } from './types.ts';
