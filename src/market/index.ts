export { type AuctionResult, type Bid, runBatchAuction } from './auction.ts';
export type * from './contracts.ts';
export { createMarketOrchestrator } from './orchestrator.ts';
export { createPriceGate, type PriceGateOptions } from './priceGate.ts';
export {
  type Allocation,
  isStrategy,
  type Share,
  type Strategy,
  strategyTable,
  type Worker,
} from './strategies.ts';
