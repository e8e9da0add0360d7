import type { PeerId, RoomId } from '../src/core/brand.ts';
import { signalingLimits } from '../src/mesh/signaling/protocol.ts';

/** A connection's number, unique for the life of the process. */
export type ConnectionId = number;

export type Rooms = ReadonlyMap<RoomId, ReadonlyMap<PeerId, ConnectionId>>;

export const noRooms: Rooms = new Map();

export type JoinOutcome =
  | {
      readonly kind: 'joined';
      readonly rooms: Rooms;
      readonly others: readonly PeerId[];
      readonly replaced?: ConnectionId;
    }
  | { readonly kind: 'full'; readonly limit: number };

/**
 * Who is in which room. Pure. A peer that joins again replaces its old connection: after a change of network the
 * holder of the key is back before the server has noticed that the old socket is dead.
 */
export const joinRoom = (rooms: Rooms, room: RoomId, peer: PeerId, connection: ConnectionId): JoinOutcome => {
  const members = rooms.get(room) ?? new Map<PeerId, ConnectionId>();
  const replaced = members.get(peer);
  if (replaced === undefined && members.size >= signalingLimits.maxPeersPerRoom) {
    return { kind: 'full', limit: signalingLimits.maxPeersPerRoom };
  }
  const others = [...members.keys()].filter((other) => other !== peer);
  const next = new Map(rooms).set(room, new Map(members).set(peer, connection));
  return { kind: 'joined', rooms: next, others, ...(replaced === undefined ? {} : { replaced }) };
};

/** A connection that was replaced leaves nothing: the peer is there through its new one. */
export const leaveRoom = (
  rooms: Rooms,
  room: RoomId,
  peer: PeerId,
  connection: ConnectionId,
): { readonly rooms: Rooms; readonly left: boolean } => {
  const members = rooms.get(room);
  if (members?.get(peer) !== connection) return { rooms, left: false };
  const remaining = new Map(members);
  remaining.delete(peer);
  const next = new Map(rooms);
  if (remaining.size === 0) next.delete(room);
  else next.set(room, remaining);
  return { rooms: next, left: true };
};

/** The connection a message for `to` goes to: only within the sender's own room. */
export const findInRoom = (rooms: Rooms, room: RoomId, to: PeerId): ConnectionId | undefined =>
  rooms.get(room)?.get(to);
