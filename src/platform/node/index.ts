export { type AtomicFiles, createAtomicFiles } from './atomicFiles.ts';
export { type BesideFiles, createBesideFiles } from './besideFiles.ts';
export { createFileSource } from './byteSource.ts';
export { createNodeClock } from './clock.ts';
export { createNodeCrypto } from './crypto.ts';
export { type OrderedStore, openLevelStore, type StoreChange, type StoreOpenFault } from './levelStore.ts';
export { createNodeRandom } from './random.ts';
export { createJsonLinesTelemetry } from './telemetry.ts';
export { createNodeTimers } from './timers.ts';
