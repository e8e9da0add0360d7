import type { PeerId, RoomId } from '../src/core/brand.ts';
import type { Clock } from '../src/core/ports/clock.ts';
import { type BusMessage, type BusMessageOf, busProtocolLimits, type ProcessId } from './busProtocol.ts';
import { type ConnectionId, isHere, type Rooms } from './rooms.ts';

export type PresenceMessage = Extract<BusMessage, { t: 'joined' | 'left' | 'at' | 'ask' | 'want' | 'list' }>;
/** A message before its sender is written into it. */
export type Unsigned<M extends BusMessage> = M extends BusMessage ? Omit<M, 'process'> : never;

export type PresenceDeps = {
  readonly clock: Pick<Clock, 'monotonic' | 'now'>;
  readonly rooms: Rooms;
  /** To all processes with this room. */
  toRoom(message: Unsigned<PresenceMessage>): void;
  toProcess(process: ProcessId, message: Unsigned<PresenceMessage>): void;
  /** The first tab of a room came to this process, or the last went. */
  opened(room: RoomId): void;
  closed(room: RoomId): void;
  /** Unix ms. */
  joinedAt(connection: ConnectionId): number | undefined;
  /** The tab behind this connection is at another process now. */
  replaced(connection: ConnectionId): void;
  /** Others were found that nobody here had been told of. */
  met(room: RoomId): void;
};

export interface Presence {
  joined(room: RoomId, peer: PeerId): void;
  left(room: RoomId, peer: PeerId): void;
  receive(process: ProcessId, message: PresenceMessage): void;
  /** A message for this peer did not find it at this process. */
  missed(room: RoomId, peer: PeerId, process: ProcessId): void;
  vanished(process: ProcessId): void;
  /** After an absence: tells all, and asks all. */
  askAll(): void;
  /** Somebody is new: if it knows less or more than was told, it will ask. */
  tellAll(): void;
  /** The same for this part of the rooms (0 to 1), and other ones with each call. */
  tellSome(part: number): void;
  /** Every few seconds: asks again who did not answer. */
  tidy(): void;
  /** Rooms of which something is kept. */
  size(): number;
}

/** A list that arrives in parts. */
type Arriving = { readonly n: number; readonly parts: number; readonly peers: PeerId[]; next: number };
type RoomState = {
  /** What was told last. */
  n: number;
  readonly knownByProcess: Map<ProcessId, number>;
  readonly arrivingByProcess: Map<ProcessId, Arriving>;
  readonly wantedAtByProcess: Map<ProcessId, number>;
  metAt: number;
  askedAt: number;
  /** Since all were asked: who answered, or told something that fits what is known of it. */
  confirmed: Set<ProcessId> | undefined;
};

/** A list that was asked for takes that long at most; then it is asked for again. */
const wantAgainAfterMs = 1_000;
const askAgainAfterMs = 5_000;
/** A list of thousands takes its time. */
const answerWithinMs = 3_000;
const meetAgainAfterMs = 1_000;

/**
 * Who is in the rooms of this process at other ones: what is told and asked so that all come to know the same, whatever was
 * lost between. Writes into `rooms`. Doesn't know the bus, nor which processes live.
 */
export const createPresence = (deps: PresenceDeps): Presence => {
  const { rooms } = deps;
  const statesByRoom = new Map<RoomId, RoomState>();
  let lastN = 0;
  let cursor: Iterator<RoomId> = statesByRoom.keys();

  const tell = (room: RoomId, state: RoomState, t: 'joined' | 'left', peer: PeerId) => {
    const after = state.n;
    state.n = ++lastN;
    const change = { room, n: state.n, after, peer };
    deps.toRoom(t === 'joined' ? { t, ...change, at: deps.clock.now() } : { t, ...change });
  };

  const forgetIfEmpty = (room: RoomId) => {
    if (rooms.exists(room) || !statesByRoom.delete(room)) return;
    deps.closed(room);
  };

  const want = (room: RoomId, state: RoomState, process: ProcessId) => {
    const now = deps.clock.monotonic();
    const wantedAt = state.wantedAtByProcess.get(process);
    if (wantedAt !== undefined && now - wantedAt < wantAgainAfterMs) return;
    state.wantedAtByProcess.set(process, now);
    deps.toProcess(process, { t: 'want', room });
  };

  /** Says whether the change is the next one of this process; if something is missing, asks. */
  const isNext = (state: RoomState, process: ProcessId, change: BusMessageOf<'joined' | 'left'>): boolean => {
    const known = state.knownByProcess.get(process) ?? 0;
    if (change.n <= known) return false;
    if (change.after === known) {
      state.knownByProcess.set(process, change.n);
      state.confirmed?.add(process);
      return true;
    }
    want(change.room, state, process);
    return false;
  };

  const admit = (room: RoomId, peer: PeerId, process: ProcessId): boolean => {
    const before = rooms.size(room);
    const outcome = rooms.admit(room, peer, process);
    if (outcome?.replaced !== undefined && isHere(outcome.replaced)) deps.replaced(outcome.replaced);
    return rooms.size(room) > before;
  };

  const onJoined = (state: RoomState, process: ProcessId, message: BusMessageOf<'joined'>) => {
    const { room, peer, at } = message;
    if (!isNext(state, process, message)) return;
    const place = rooms.find(room, peer);
    // It has connected here since: that news was on the way when this one was.
    if (place !== undefined && isHere(place) && (deps.joinedAt(place) ?? 0) > at) return;
    admit(room, peer, process);
    forgetIfEmpty(room);
  };

  const onLeft = (state: RoomState, process: ProcessId, message: BusMessageOf<'left'>) => {
    const { room, peer } = message;
    if (!isNext(state, process, message)) return;
    rooms.leave(room, peer, process);
    const place = rooms.find(room, peer);
    // Both had it; who heard of the other one last now believes that it is gone.
    if (place !== undefined && isHere(place)) tell(room, state, 'joined', peer);
  };

  const sendList = (room: RoomId, state: RoomState, to: ProcessId) => {
    const peers = rooms.peersAt(room, isHere);
    const size = busProtocolLimits.peersInPart;
    const parts = Math.max(1, Math.ceil(peers.length / size));
    for (let part = 0; part < parts; part++) {
      const some = peers.slice(part * size, (part + 1) * size);
      deps.toProcess(to, { t: 'list', room, n: state.n, part, parts, peers: some });
    }
  };

  /** This process has closed the room, and the other one has not heard of it. */
  const sayNobody = (process: ProcessId, { t, room }: PresenceMessage) => {
    if (t === 'want') deps.toProcess(process, { t: 'list', room, n: lastN, part: 0, parts: 1, peers: [] });
  };

  const onList = (state: RoomState, process: ProcessId, list: BusMessageOf<'list'>) => {
    if (list.n < (state.knownByProcess.get(process) ?? 0)) return;
    const { n, part, parts } = list;
    const known = state.arrivingByProcess.get(process);
    const arriving = part === 0 ? { n, parts, peers: [], next: 0 } : known;
    if (!arriving || arriving.n !== n || arriving.parts !== parts || arriving.next !== part) {
      return void state.arrivingByProcess.delete(process);
    }
    arriving.peers.push(...list.peers);
    arriving.next++;
    if (arriving.next < parts) return void state.arrivingByProcess.set(process, arriving);
    state.arrivingByProcess.delete(process);
    state.wantedAtByProcess.delete(process);
    state.knownByProcess.set(process, n);
    state.confirmed?.add(process);
    return believe(list.room, state, process, arriving.peers);
  };

  const believe = (room: RoomId, state: RoomState, process: ProcessId, peers: readonly PeerId[]) => {
    const listed = new Set(peers);
    for (const peer of rooms.peersAt(room, (place) => place === process)) {
      if (!listed.has(peer)) rooms.leave(room, peer, process);
    }
    let found = false;
    for (const peer of listed) {
      const place = rooms.find(room, peer);
      // A list doesn't say since when: a connection that lives here is not ended by it, a dead one ends by itself.
      if (place !== undefined && isHere(place)) continue;
      found = admit(room, peer, process) || found;
    }
    const now = deps.clock.monotonic();
    if (!found || now - state.metAt < meetAgainAfterMs) return;
    state.metAt = now;
    deps.met(room);
  };

  const ask = (room: RoomId, state: RoomState) => {
    state.askedAt = deps.clock.monotonic();
    state.confirmed = new Set();
    deps.toRoom({ t: 'ask', room, n: state.n });
  };

  const forget = (room: RoomId, state: RoomState, process: ProcessId) => {
    state.knownByProcess.delete(process);
    state.arrivingByProcess.delete(process);
    state.wantedAtByProcess.delete(process);
    for (const peer of rooms.peersAt(room, (place) => place === process)) rooms.leave(room, peer, process);
  };

  /** Who was asked and is silent may have closed the room: it is asked again by name, until it has answered. */
  const askSilent = (room: RoomId, state: RoomState, now: number) => {
    const { confirmed } = state;
    if (!confirmed || now - state.askedAt < answerWithinMs) return;
    const silent = [...state.knownByProcess.keys()].filter((process) => !confirmed.has(process));
    if (silent.length === 0) state.confirmed = undefined;
    for (const process of silent) want(room, state, process);
  };

  const onSummary = (state: RoomState, process: ProcessId, message: BusMessageOf<'at' | 'ask'>) => {
    if (message.n === (state.knownByProcess.get(process) ?? 0)) state.confirmed?.add(process);
    else want(message.room, state, process);
    if (message.t === 'ask') sendList(message.room, state, process);
  };

  const open = (room: RoomId): RoomState => {
    const never = Number.NEGATIVE_INFINITY;
    const [knownByProcess, wantedAtByProcess] = [new Map<ProcessId, number>(), new Map<ProcessId, number>()];
    const arrivingByProcess = new Map<ProcessId, Arriving>();
    const state: RoomState = {
      n: 0,
      knownByProcess,
      wantedAtByProcess,
      arrivingByProcess,
      metAt: never,
      askedAt: never,
      confirmed: undefined,
    };
    statesByRoom.set(room, state);
    deps.opened(room);
    return state;
  };

  return {
    joined(room, peer) {
      const known = statesByRoom.get(room);
      const state = known ?? open(room);
      tell(room, state, 'joined', peer);
      if (!known) ask(room, state);
    },
    left(room, peer) {
      const state = statesByRoom.get(room);
      if (!state) return;
      tell(room, state, 'left', peer);
      forgetIfEmpty(room);
    },
    receive(process, message) {
      const state = statesByRoom.get(message.room);
      if (!state) return sayNobody(process, message);
      switch (message.t) {
        case 'joined':
          return onJoined(state, process, message);
        case 'left':
          return onLeft(state, process, message);
        case 'list':
          return onList(state, process, message);
        case 'want':
          return sendList(message.room, state, process);
        case 'ask':
        case 'at':
          return onSummary(state, process, message);
        default:
          return message satisfies never;
      }
    },
    missed(room, peer, process) {
      const state = statesByRoom.get(room);
      if (!state || !rooms.leave(room, peer, process)) return;
      // Its process has not told that it left: it may be at a third one.
      if (deps.clock.monotonic() - state.askedAt >= askAgainAfterMs) ask(room, state);
    },
    vanished(process) {
      for (const [room, state] of statesByRoom) forget(room, state, process);
    },
    askAll() {
      for (const [room, state] of statesByRoom) ask(room, state);
    },
    tellAll() {
      for (const [room, { n }] of statesByRoom) deps.toRoom({ t: 'at', room, n });
    },
    tidy() {
      const now = deps.clock.monotonic();
      for (const [room, state] of statesByRoom) askSilent(room, state, now);
    },
    tellSome(part) {
      for (let i = Math.ceil(statesByRoom.size * part); i > 0; i--) {
        let next = cursor.next();
        if (next.done) {
          cursor = statesByRoom.keys();
          next = cursor.next();
        }
        const state = next.done ? undefined : statesByRoom.get(next.value);
        if (!next.done && state) deps.toRoom({ t: 'at', room: next.value, n: state.n });
      }
    },
    size: () => statesByRoom.size,
  };
};
