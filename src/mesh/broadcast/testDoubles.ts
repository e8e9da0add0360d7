import type { PeerId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import { unwrap } from '../../core/result.ts';
import type { Observation } from '../overlay/scores.ts';
import type { Neighborhood } from './broadcast.ts';
import { type BroadcastMessage, decodeBroadcastMessage, encodeBroadcastMessage } from './wire.ts';

/** Neighbourhoods in memory: who is linked hears each other in order, and at once. */
export const createNeighborhoodHub = () => {
  const members = new Map<PeerId, ReturnType<typeof createMember>>();
  const linked = new Set<string>();
  const isLinked = (a: PeerId, b: PeerId) => linked.has(`${a} ${b}`);
  const createMember = (self: PeerId) => {
    const messages = createEmitter<{ from: PeerId; bytes: Bytes }>();
    const neighbors = createEmitter<{ peer: PeerId; up: boolean }>();
    const observed: (readonly [PeerId, Observation])[] = [];
    const sent: { readonly to: PeerId; readonly message: BroadcastMessage }[] = [];
    const received: { readonly from: PeerId; readonly message: BroadcastMessage }[] = [];
    messages.subscribe(({ from, bytes }) => {
      const message = decodeBroadcastMessage(bytes);
      if (message.ok) received.push({ from, message: message.value });
    });
    const neighborhood: Neighborhood = {
      self,
      messages: messages.subscribe,
      neighbors: neighbors.subscribe,
      observe: (peer, observation) => void observed.push([peer, observation]),
      rtt: () => undefined,
      send(to, bytes) {
        sent.push({ to, message: unwrap(decodeBroadcastMessage(bytes)) });
        const copy = new Uint8Array(bytes);
        queueMicrotask(() => {
          if (isLinked(self, to)) members.get(to)?.messages.emit({ from: self, bytes: copy });
        });
      },
    };
    return {
      neighborhood,
      messages,
      neighbors,
      sent,
      received,
      observed,
      /** What it has seen of others that speaks against them. */
      blamed: () => observed.filter(([, observation]) => observation !== 'delivered'),
      /** Says something of its own, as a tab whose program is another. */
      say: (to: PeerId, message: BroadcastMessage) =>
        void neighborhood.send(to, encodeBroadcastMessage(message), 'control'),
      saw: (t: BroadcastMessage['t']) => received.filter(({ message }) => message.t === t),
    };
  };
  const change = (a: PeerId, b: PeerId, up: boolean) => {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      if (up) linked.add(`${one} ${other}`);
      else linked.delete(`${one} ${other}`);
    }
    members.get(a)?.neighbors.emit({ peer: b, up });
    members.get(b)?.neighbors.emit({ peer: a, up });
  };
  return {
    link: (a: PeerId, b: PeerId) => change(a, b, true),
    cut: (a: PeerId, b: PeerId) => change(a, b, false),
    join(self: PeerId) {
      const member = createMember(self);
      members.set(self, member);
      return member;
    },
  };
};
