import { createBoundedMap } from '../src/core/boundedMap.ts';
import type { PeerId, RoomId } from '../src/core/brand.ts';
import type { Unsubscribe } from '../src/core/events.ts';
import type { Clock } from '../src/core/ports/clock.ts';
import type { Random } from '../src/core/ports/random.ts';
import type { Timers } from '../src/core/ports/timers.ts';
import type { Bus, BusState } from './bus.ts';
import {
  type BusMessage,
  type BusMessageOf,
  busProtocolLimits,
  decodeBusMessage,
  encodeBusMessage,
  type ProcessId,
  subjects,
} from './busProtocol.ts';
import { type Holds, longestHoldMs } from './holds.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { SharedNetworkNames } from './networks.ts';
import { createOtherProcesses, processLimits } from './otherProcesses.ts';
import { createPresence, type PresenceDeps, type Unsigned } from './presence.ts';
import type { Rooms } from './rooms.ts';

export type FederationDeps = {
  readonly bus: Bus;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Pick<Random, 'bytes'>;
  readonly rooms: Rooms;
  readonly holds: Holds;
  readonly networks: SharedNetworkNames;
};

/** What the hub does for those who come over the bus. */
export type FederationHost = Pick<PresenceDeps, 'joinedAt' | 'replaced' | 'met'> & {
  /** To a tab of this process; false: it is not here. */
  deliver(message: Passed): boolean;
  /** Tells a tab of this process that another one can't be reached. */
  gone(room: RoomId, to: PeerId, peer: PeerId): void;
  /** Whether a tab of this process doesn't read what it is sent. */
  isBehind(room: RoomId, peer: PeerId): boolean;
};

/** What is passed on from a tab of one process to a tab of another. */
export type Passed = Unsigned<BusMessageOf<'relay' | 'carry'>>;

export interface Federation {
  joined(room: RoomId, peer: PeerId): void;
  left(room: RoomId, peer: PeerId): void;
  /** False: the bus does not take it. */
  pass(process: ProcessId, message: Passed): boolean;
  /** Whether frames for this tab of another process should wait. */
  isFull(room: RoomId, peer: PeerId): boolean;
  status(): { readonly bus: BusState; readonly processes: number };
  /** Tells the others that this process goes. The bus stays open. */
  close(): void;
}

export const federationLimits = {
  /** So much on its way into the bus, and frames wait. */
  fullAtWaitingBytes: 1024 * 1024,
  /** Every room is summed up within so long. */
  tellRoomsWithinMs: 30_000,
  /** Frames of this age may have been on their way when the bus broke. */
  lostWithinMs: 20_000,
  maxLines: 10_000,
} as const;
const limits = federationLimits;

/**
 * One of several server processes that share rooms: what their tabs send each other goes over the bus to that one process.
 * While the bus is away its own tabs go on as before. Knows peers, rooms and processes; doesn't know sockets, and nothing
 * of NATS.
 */
export const createFederation = (deps: FederationDeps, host: FederationHost): Federation => {
  const { bus, clock, metrics, rooms } = deps;
  const self = Buffer.from(deps.random.bytes(busProtocolLimits.processIdBytes)).toString(
    'base64url',
  ) as ProcessId;
  let closed = false;
  const unsubscribeByRoom = new Map<RoomId, Unsubscribe>();
  /** Tabs of other processes that don't read, until when that is believed. */
  const fullUntil = createBoundedMap<string, number>(limits.maxLines);
  /** Over which lines frames went lately: [room, tab of this process, tab of another]. */
  const lines = createLines();

  const publish = (subject: string, message: Unsigned<BusMessage>): boolean => {
    if (closed) return false;
    const taken = bus.publish(subject, encodeBusMessage({ ...message, process: self } as BusMessage));
    metrics.count(taken ? 'aivillage_bus_published_total' : 'aivillage_bus_not_taken_total');
    return taken;
  };
  const toProcess = (process: ProcessId, message: Unsigned<BusMessage>) =>
    publish(subjects.process(process), message);

  const onBytes = (bytes: Uint8Array) => {
    const decoded = decodeBusMessage(bytes);
    if (!decoded.ok) return metrics.count('aivillage_bus_malformed_total');
    metrics.count('aivillage_bus_received_total');
    const message = decoded.value;
    if (message.process === self) return undefined;
    if (message.t === 'leaving') return processes.left(message.process);
    return processes.heard(message.process) ? receive(message) : undefined;
  };

  const presence = createPresence({
    clock,
    rooms,
    toRoom: (message) => void publish(subjects.room(message.room), message),
    toProcess,
    opened: (room) => void unsubscribeByRoom.set(room, bus.subscribe(subjects.room(room), onBytes)),
    closed(room) {
      unsubscribeByRoom.get(room)?.();
      unsubscribeByRoom.delete(room);
    },
    joinedAt: host.joinedAt,
    replaced: host.replaced,
    met: host.met,
  });

  const beat = () => void publish(subjects.all, { t: 'beat', key: keyOf(deps.networks) });
  const processes = createOtherProcesses(deps, {
    appeared(process) {
      deps.log('info', 'another server process', { process: process.slice(0, 6) });
      beat();
      presence.tellAll();
    },
    vanished(process) {
      deps.log('warn', 'a server process is gone', { process: process.slice(0, 6) });
      presence.vanished(process);
    },
    beat() {
      beat();
      presence.tidy();
      presence.tellSome(processLimits.beatEveryMs / limits.tellRoomsWithinMs);
    },
  });

  const onPassed = (message: BusMessageOf<'relay' | 'carry'>) => {
    const { process, room, from, to } = message;
    if (!host.deliver(message)) return void toProcess(process, { t: 'gone', room, to: from, peer: to });
    if (message.t === 'relay') return;
    lines.used(room, to, from, clock.monotonic());
    if (host.isBehind(room, to)) slowDown(process, room, to);
  };

  /** Its senders wait until it reads; that they may go on is told even if it never does. */
  const slowDown = (process: ProcessId, room: RoomId, peer: PeerId) => {
    const full = { name: peer, isFull: () => host.isBehind(room, peer) };
    deps.holds.hold(
      `${process} ${room} ${peer}`,
      { until: 0, full },
      {
        begin: () => void toProcess(process, { t: 'full', room, peer }),
        end: () => void toProcess(process, { t: 'free', room, peer }),
      },
    );
  };

  const onGone = ({ process, room, to, peer }: BusMessageOf<'gone'>) => {
    presence.missed(room, peer, process);
    host.gone(room, to, peer);
  };

  const receive = (message: Exclude<BusMessage, { t: 'leaving' }>) => {
    switch (message.t) {
      case 'beat':
        return deps.networks.offer(message.key);
      case 'relay':
      case 'carry':
        return onPassed(message);
      case 'gone':
        return onGone(message);
      case 'full':
        return fullUntil.set(`${message.room} ${message.peer}`, clock.monotonic() + longestHoldMs);
      case 'free':
        return void fullUntil.delete(`${message.room} ${message.peer}`);
      case 'joined':
      case 'left':
      case 'at':
      case 'ask':
      case 'want':
      case 'list':
        return presence.receive(message.process, message);
      default:
        return message satisfies never;
    }
  };

  const onState = (state: BusState) => {
    processes.setAway(state === 'away');
    if (state === 'connected') {
      beat();
      presence.askAll();
      return;
    }
    // Frames that were on their way are lost: a line with a gap must end, so that its tabs can make a new one.
    for (const { room, here, there } of lines.takeSince(clock.monotonic() - limits.lostWithinMs))
      host.gone(room, here, there);
  };

  const stops = [
    bus.subscribe(subjects.all, onBytes),
    bus.subscribe(subjects.process(self), onBytes),
    bus.state.subscribe(onState),
  ];
  if (bus.state.get() === 'connected') beat();
  else processes.setAway(true);

  return {
    joined: presence.joined,
    left: presence.left,
    pass(process, message) {
      if (!toProcess(process, message)) return false;
      if (message.t === 'carry') lines.used(message.room, message.from, message.to, clock.monotonic());
      return true;
    },
    isFull: (room, peer) =>
      bus.waitingBytes() > limits.fullAtWaitingBytes ||
      (fullUntil.get(`${room} ${peer}`) ?? 0) > clock.monotonic(),
    status: () => ({ bus: bus.state.get(), processes: processes.ids().length }),
    close() {
      processes.close();
      publish(subjects.all, { t: 'leaving' });
      closed = true; // a later word would bring this process back to life at the others
      for (const stop of [...stops.splice(0), ...unsubscribeByRoom.values()]) stop();
      unsubscribeByRoom.clear();
    },
  };
};

const keyOf = (networks: SharedNetworkNames) => {
  const { born, bytes } = networks.key();
  return { born, bytes: new Uint8Array(bytes) };
};

type Line = { readonly room: RoomId; readonly here: PeerId; readonly there: PeerId; usedAt: number };

/** Bounded: the ones made longest ago are forgotten first. */
const createLines = () => {
  const linesByKey = new Map<string, Line>();
  return {
    used(room: RoomId, here: PeerId, there: PeerId, usedAt: number) {
      const key = `${room} ${here} ${there}`;
      const line = linesByKey.get(key);
      if (line) line.usedAt = usedAt;
      else linesByKey.set(key, { room, here, there, usedAt });
      const [oldest] = linesByKey.size > limits.maxLines ? linesByKey.keys() : [];
      if (oldest !== undefined) linesByKey.delete(oldest);
    },
    takeSince(since: number): readonly Line[] {
      const taken = [...linesByKey.values()].filter(({ usedAt }) => usedAt >= since);
      linesByKey.clear();
      return taken;
    },
  };
};
