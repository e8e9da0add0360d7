import type { PeerId, RoomId } from '../src/core/brand.ts';
import type { Random } from '../src/core/ports/random.ts';

/** A connection's number, unique for the life of the process. */
export type ConnectionId = number;

export type JoinOutcome =
  | { readonly kind: 'joined'; readonly replaced?: ConnectionId }
  | { readonly kind: 'full'; readonly limit: number };

export interface Rooms {
  /**
   * A peer that joins again replaces its old connection: after a change of network the holder of the key is back before
   * the server has noticed that the old socket is dead.
   */
  join(room: RoomId, peer: PeerId, connection: ConnectionId): JoinOutcome;
  /** A connection that was replaced leaves nothing: the peer is there through its new one. */
  leave(room: RoomId, peer: PeerId, connection: ConnectionId): void;
  /** The connection a message for `to` goes to: only within the sender's own room. */
  find(room: RoomId, to: PeerId): ConnectionId | undefined;
  /** Up to `count` different others in random order, each as likely as any. */
  sample(room: RoomId, count: number, except: PeerId): readonly PeerId[];
  size(room: RoomId): number;
  load(): { readonly rooms: number; readonly peers: number };
}

type Member = { readonly connection: ConnectionId; index: number };
type RoomState = { readonly members: Map<PeerId, Member>; readonly order: PeerId[] };

/**
 * Who is in which room. Coming, going and drawing a sample cost the same in a room of five and of five thousand: beside
 * the map there is a list without gaps, in which the last takes the place of whoever leaves.
 */
export const createRooms = (
  deps: { readonly random: Pick<Random, 'next'> },
  options: { readonly maxPeersPerRoom: number },
): Rooms => {
  const rooms = new Map<RoomId, RoomState>();
  let peers = 0;
  return {
    join(room, peer, connection) {
      const state = rooms.get(room) ?? { members: new Map<PeerId, Member>(), order: [] };
      const old = state.members.get(peer);
      if (old) {
        state.members.set(peer, { connection, index: old.index });
        return { kind: 'joined', replaced: old.connection };
      }
      if (state.order.length >= options.maxPeersPerRoom)
        return { kind: 'full', limit: options.maxPeersPerRoom };
      rooms.set(room, state);
      state.members.set(peer, { connection, index: state.order.length });
      state.order.push(peer);
      peers++;
      return { kind: 'joined' };
    },
    leave(room, peer, connection) {
      const state = rooms.get(room);
      const member = state?.members.get(peer);
      if (!state || member?.connection !== connection) return;
      state.members.delete(peer);
      peers--;
      const last = state.order.pop();
      const moved = last === undefined || last === peer ? undefined : state.members.get(last);
      if (last !== undefined && moved) {
        state.order[member.index] = last;
        moved.index = member.index;
      }
      if (state.order.length === 0) rooms.delete(room);
    },
    find: (room, to) => rooms.get(room)?.members.get(to)?.connection,
    sample: (room, count, except) => {
      const state = rooms.get(room);
      if (!state) return [];
      const self = state.members.get(except)?.index;
      const others = state.order.length - (self === undefined ? 0 : 1);
      return drawIndices(others, count, deps.random).flatMap((drawn) => {
        // The asker's place is left out: who comes after it moves up by one.
        const peer = state.order[self !== undefined && drawn >= self ? drawn + 1 : drawn];
        return peer === undefined ? [] : [peer];
      });
    },
    size: (room) => rooms.get(room)?.order.length ?? 0,
    load: () => ({ rooms: rooms.size, peers }),
  };
};

/**
 * `count` different numbers below `of` in an even order too, so that who takes the first doesn't always take the eldest:
 * the first steps of a Fisher–Yates shuffle (Knuth, TAOCP 2, §3.4.2, algorithm P) that keeps only the places it changed.
 */
const drawIndices = (of: number, count: number, random: Pick<Random, 'next'>): readonly number[] => {
  const changed = new Map<number, number>();
  const valueAt = (place: number) => changed.get(place) ?? place;
  return Array.from({ length: Math.min(of, count) }, (_, place) => {
    const other = place + Math.floor(random.next() * (of - place));
    const drawn = valueAt(other);
    changed.set(other, valueAt(place));
    return drawn;
  });
};
