export type * from './contracts.ts';
export { meshProtocol } from './handshake/greeting.ts';
export { createFullMesh, type FullMeshDeps, type FullMeshOptions } from './overlay/fullMesh.ts';
export type * from './ports.ts';
export { createRpc, type RpcDeps, type RpcOptions } from './rpc/rpc.ts';
export {
  createSignalingClient,
  type SignalingClient,
  type SignalingState,
} from './signaling/client.ts';
