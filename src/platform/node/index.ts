export { createNodeClock } from './clock.ts';
export { createNodeCrypto } from './crypto.ts';
export { createNodeRandom } from './random.ts';
export { createJsonLinesTelemetry } from './telemetry.ts';
export { createNodeTimers } from './timers.ts';
