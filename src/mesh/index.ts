export type * from './contracts.ts';
export { meshProtocol } from './handshake/greeting.ts';
export { createOverlay, type OverlayDeps, type OverlayOptions } from './overlay/overlay.ts';
export type * from './ports.ts';
export { createRpc, type RpcDeps, type RpcOptions } from './rpc/rpc.ts';
export {
  createSignalingClient,
  type SignalingClient,
  type SignalingState,
} from './signaling/client.ts';
