import type { PeerId, RoomId } from '../src/core/brand.ts';
import type { ServerMessage } from '../src/mesh/signaling/protocol.ts';
import type { Bus } from './bus.ts';
import { carryLimits } from './carrying.ts';
import { type Client, isJoined, type Joined } from './clients.ts';
import { createFederation, type Federation, type FederationDeps, type Passed } from './federation.ts';
import { type ConnectionId, isHere } from './rooms.ts';

export type PassingDeps = Omit<FederationDeps, 'bus'> & {
  readonly bus?: Bus | undefined;
  readonly clientsById: ReadonlyMap<ConnectionId, Client>;
  send(client: Client, message: ServerMessage): void;
  /** This tab is at another process now. */
  replaced(client: Client): void;
  /** Others came into the room of this tab, of which it was not told. */
  met(client: Joined): void;
};

export interface Passing {
  /** Undefined: there are no other processes. */
  readonly federation: Federation | undefined;
  /** To a tab of this process, or on to the one where it is. False: its sender has been told that it is gone. */
  pass(sender: Client, message: Passed): boolean;
  /** Whether frames for this tab should wait. */
  isFull(room: RoomId, peer: PeerId): boolean;
}

/** Brings a message to the tab it is for, wherever that is connected. Doesn't know who may send how much. */
export const createPassing = (deps: PassingDeps): Passing => {
  const { rooms, clientsById, metrics, send } = deps;

  /** A tab of this process. */
  const clientOf = (room: RoomId, peer: PeerId): Client | undefined => {
    const place = rooms.find(room, peer);
    return place !== undefined && isHere(place) ? clientsById.get(place) : undefined;
  };

  const deliver = (message: Passed): boolean => {
    const receiver = clientOf(message.room, message.to);
    if (receiver) send(receiver, toTab(message));
    return receiver !== undefined;
  };

  const sayGone = (client: Client, peer: PeerId) => {
    metrics.count('aivillage_signaling_gone_total');
    send(client, { t: 'gone', peer });
  };

  const isBehind = (room: RoomId, peer: PeerId): boolean =>
    (clientOf(room, peer)?.wire.bufferedBytes() ?? 0) > carryLimits.fullAtBytes;

  const openFederation = (bus: Bus): Federation =>
    createFederation(
      { ...deps, bus },
      {
        deliver,
        isBehind,
        joinedAt(connection) {
          const client = clientsById.get(connection);
          return client && isJoined(client) ? client.phase.at : undefined;
        },
        replaced(connection) {
          const client = clientsById.get(connection);
          if (client) deps.replaced(client);
        },
        gone(room, to, peer) {
          const client = clientOf(room, to);
          if (client) sayGone(client, peer);
        },
        met(room) {
          for (const peer of rooms.peersAt(room, isHere)) {
            const client = clientOf(room, peer);
            if (client && isJoined(client)) deps.met(client);
          }
        },
      },
    );
  const federation = deps.bus && openFederation(deps.bus);

  return {
    federation,
    pass(sender, message) {
      const place = rooms.find(message.room, message.to);
      const isTaken =
        place !== undefined &&
        (isHere(place) ? deliver(message) : (federation?.pass(place, message) ?? false));
      if (!isTaken) sayGone(sender, message.to);
      return isTaken;
    },
    isFull(room, peer) {
      const place = rooms.find(room, peer);
      if (place === undefined) return false;
      return isHere(place) ? isBehind(room, peer) : (federation?.isFull(room, peer) ?? false);
    },
  };
};

const toTab = (message: Passed): ServerMessage => {
  const { t, from, payload } = message;
  if (t === 'carry') return { t, from, payload };
  const { network } = message;
  return { t, from, payload, ...(network === undefined ? {} : { network }) };
};
