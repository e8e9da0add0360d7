import type { PeerId, RoomId } from '../src/core/brand.ts';
import type { Random } from '../src/core/ports/random.ts';
import type { ProcessId } from './busProtocol.ts';

/** A connection's number, unique for the life of the process. */
export type ConnectionId = number;
/** Where a peer is reached: over a connection of this process, or at another one. */
export type Place = ConnectionId | ProcessId;

export type JoinOutcome =
  | { readonly kind: 'joined'; readonly replaced?: Place }
  | { readonly kind: 'full'; readonly limit: number };

/** A room exists as long as a connection of this process is in it. */
export interface Rooms {
  /**
   * A peer that joins again replaces its old connection: after a change of network the holder of the key is back before
   * the server has noticed that the old socket is dead.
   */
  join(room: RoomId, peer: PeerId, connection: ConnectionId): JoinOutcome;
  /**
   * A peer that is at another process; `undefined` if the room does not exist or there is no space to remember it. Rooms
   * that were full on both sides of a partition have more than their limit afterwards: twice is remembered.
   */
  admit(room: RoomId, peer: PeerId, process: ProcessId): { readonly replaced?: Place } | undefined;
  /** A place that was replaced leaves nothing: the peer is there through its new one. False if there was nothing. */
  leave(room: RoomId, peer: PeerId, place: Place): boolean;
  /** Where a message for `to` goes: only within the sender's own room. */
  find(room: RoomId, to: PeerId): Place | undefined;
  /** Up to `count` different others in random order, each as likely as any. */
  sample(room: RoomId, count: number, except: PeerId): readonly PeerId[];
  size(room: RoomId): number;
  exists(room: RoomId): boolean;
  /** The peers of a room whose place is one that is asked for. */
  peersAt(room: RoomId, isAsked: (place: Place) => boolean): readonly PeerId[];
  /** Peers of this process, and those it knows of others. */
  load(): { readonly rooms: number; readonly peers: number; readonly elsewhere: number };
}

export type RoomsOptions = {
  readonly maxPeersPerRoom: number;
  /** Peers of other processes, in all rooms together. */
  readonly maxPeersElsewhere?: number;
};

export const isHere = (place: Place): place is ConnectionId => typeof place === 'number';

type Member = { place: Place; index: number };
type RoomState = { readonly members: Map<PeerId, Member>; readonly order: PeerId[]; here: number };

/**
 * Who is in which room. Coming, going and drawing a sample cost the same in a room of five and of five thousand: beside
 * the map there is a list without gaps, in which the last takes the place of whoever leaves.
 */
export const createRooms = (
  deps: { readonly random: Pick<Random, 'next'> },
  { maxPeersPerRoom, maxPeersElsewhere = 200_000 }: RoomsOptions,
): Rooms => {
  const rooms = new Map<RoomId, RoomState>();
  let peers = 0;
  let elsewhere = 0;

  /** A room without anybody of this process is forgotten, with all that was known of it. */
  const count = (room: RoomId, state: RoomState, place: Place, by: 1 | -1) => {
    if (!isHere(place)) {
      elsewhere += by;
      return;
    }
    peers += by;
    state.here += by;
    if (state.here > 0) return;
    rooms.delete(room);
    elsewhere -= state.order.length;
  };

  const put = (room: RoomId, state: RoomState, peer: PeerId, place: Place): Place | undefined => {
    const member = state.members.get(peer);
    if (!member) {
      state.members.set(peer, { place, index: state.order.length });
      state.order.push(peer);
      count(room, state, place, 1);
      return undefined;
    }
    const replaced = member.place;
    if (replaced === place) return undefined;
    member.place = place;
    count(room, state, place, 1); // first, so that the room outlives the change
    count(room, state, replaced, -1);
    return replaced;
  };

  return {
    join(room, peer, connection) {
      const state = rooms.get(room) ?? { members: new Map<PeerId, Member>(), order: [], here: 0 };
      if (!state.members.has(peer) && state.order.length >= maxPeersPerRoom)
        return { kind: 'full', limit: maxPeersPerRoom };
      rooms.set(room, state);
      const replaced = put(room, state, peer, connection);
      return { kind: 'joined', ...(replaced === undefined ? {} : { replaced }) };
    },
    admit(room, peer, process) {
      const state = rooms.get(room);
      if (!state) return undefined;
      const isNew = !state.members.has(peer);
      if (isNew && (state.order.length >= 2 * maxPeersPerRoom || elsewhere >= maxPeersElsewhere))
        return undefined;
      const replaced = put(room, state, peer, process);
      return replaced === undefined ? {} : { replaced };
    },
    leave(room, peer, place) {
      const state = rooms.get(room);
      const member = state?.members.get(peer);
      if (!state || member?.place !== place) return false;
      state.members.delete(peer);
      const last = state.order.pop();
      const moved = last === undefined || last === peer ? undefined : state.members.get(last);
      if (last !== undefined && moved) {
        state.order[member.index] = last;
        moved.index = member.index;
      }
      count(room, state, place, -1);
      return true;
    },
    find: (room, to) => rooms.get(room)?.members.get(to)?.place,
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
    exists: (room) => rooms.has(room),
    peersAt: (room, isAsked) =>
      [...(rooms.get(room)?.members ?? [])].filter(([, { place }]) => isAsked(place)).map(([peer]) => peer),
    load: () => ({ rooms: rooms.size, peers, elsewhere }),
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
