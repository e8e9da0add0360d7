export { type Broadcast, createBroadcast } from './broadcast/broadcast.ts';
export type * from './contracts.ts';
export { createDirectory, type Directory, type PeerRecord } from './directory/directory.ts';
export type { Capabilities, NeighborLink } from './directory/record.ts';
export { meshProtocol } from './handshake/greeting.ts';
export { createPost } from './letters/post.ts';
export { createOverlay, type OverlayDeps, type OverlayOptions } from './overlay/overlay.ts';
export { createP2PCoordinator, meshTopics, type NetworkStatistics, type P2PCoordinator } from './p2p.ts';
export type * from './ports.ts';
export { createRpc, type RpcDeps, type RpcOptions } from './rpc/rpc.ts';
export {
  createSignalingClient,
  type SignalingClient,
  type SignalingState,
} from './signaling/client.ts';
