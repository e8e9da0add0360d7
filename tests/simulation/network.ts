import { milliseconds, type PeerId } from '../../src/core/brand.ts';
import type { Bytes } from '../../src/core/bytes.ts';
import { createEmitter } from '../../src/core/events.ts';
import { err, fault, ok } from '../../src/core/result.ts';
import type { PeerIdentity } from '../../src/identity/types.ts';
import type { MessageTransport, OverlayChange } from '../../src/mesh/contracts.ts';
import type { SeededRandom } from './random.ts';
import type { VirtualTime } from './virtualTime.ts';

export type NetworkFaults = {
  readonly latency: readonly [number, number];
  readonly bytesPerMs: number;
  /** Of one message: to break its link, to come late, twice, or before an earlier one. */
  readonly loss: number;
  readonly delay: number;
  readonly duplicate: number;
  readonly reorder: number;
};

export interface SimulatedNetwork {
  join(identity: PeerIdentity): MessageTransport;
  /** Gone, as seen by all the others after a moment. */
  leave(peer: PeerId): void;
  /** Still linked, but neither hears nor says anything. */
  freeze(peer: PeerId): void;
  /** Cuts the links between the two groups for a while. */
  partition(group: ReadonlySet<PeerId>, forMs: number): void;
  identityOf(of: PeerId, peer: PeerId): PeerIdentity | undefined;
  /** Bytes from nowhere: what a hostile peer puts on the wire. */
  inject(from: PeerId, to: PeerId, bytes: Uint8Array): void;
  readonly messages: () => number;
}

type Member = {
  readonly identity: PeerIdentity;
  readonly messages: ReturnType<typeof createEmitter<{ readonly from: PeerId; readonly bytes: Bytes }>>;
  readonly changes: ReturnType<typeof createEmitter<OverlayChange>>;
  frozen: boolean;
};

/**
 * A room in memory: links between all members, messages that take time. Losing a message breaks the link, as a reliable
 * channel does; repeating and reordering go beyond what a channel does, because the code above must stand it too.
 */
export const createSimulatedNetwork = (
  time: VirtualTime,
  random: SeededRandom,
  faults: NetworkFaults,
): SimulatedNetwork => {
  const members = new Map<PeerId, Member>();
  const links = new Set<string>();
  const banned = new Set<string>();
  const cutUntil = new Map<string, number>();
  const lastArrival = new Map<string, number>();
  let messages = 0;

  const later = (delay: number, run: () => void) => void time.timers.after(milliseconds(delay), run);
  const disconnect = (a: PeerId, b: PeerId, reason: string) => {
    if (!links.delete(linkName(a, b))) return;
    for (const [here, there] of [
      [a, b],
      [b, a],
    ] as const) {
      const change = { kind: 'down', peer: there, reason: fault('failed', reason) } as const;
      members.get(here)?.changes.emit(change);
    }
  };
  const connect = (a: PeerId, b: PeerId) => {
    const [first, second] = [members.get(a), members.get(b)];
    const name = linkName(a, b);
    if (!first || !second || links.has(name) || banned.has(name)) return;
    if ((cutUntil.get(name) ?? 0) > time.now()) return;
    links.add(name);
    first.changes.emit({ kind: 'up', peer: second.identity });
    second.changes.emit({ kind: 'up', peer: first.identity });
  };
  const deliver = (from: PeerId, to: PeerId, bytes: Uint8Array) => {
    const target = members.get(to);
    if (!target || target.frozen || members.get(from)?.frozen || !links.has(linkName(from, to))) return;
    messages++;
    target.messages.emit({ from, bytes: new Uint8Array(bytes) });
  };
  const send = (from: PeerId, to: PeerId, bytes: Uint8Array) => {
    if (random.chance(faults.loss)) {
      disconnect(from, to, 'the path was lost');
      later(random.between(500, 5_000), () => connect(from, to));
      return;
    }
    const lane = `${from}>${to}`;
    const late = random.chance(faults.delay) ? random.between(200, 2_500) : 0;
    const travel = random.between(...faults.latency) + bytes.byteLength / faults.bytesPerMs + late;
    const ordered = Math.max(time.now() + travel, lastArrival.get(lane) ?? 0);
    const arrival = random.chance(faults.reorder) ? time.now() + travel / 4 : ordered;
    lastArrival.set(lane, Math.max(ordered, arrival));
    later(arrival - time.now(), () => deliver(from, to, bytes));
    if (random.chance(faults.duplicate)) {
      later(arrival - time.now() + random.between(1, 300), () => deliver(from, to, bytes));
    }
  };

  const leave = (peer: PeerId) => {
    const others = [...members.keys()].filter((other) => other !== peer);
    if (!members.delete(peer)) return;
    later(random.between(5, 50), () => {
      for (const other of others) disconnect(other, peer, 'the tab was closed');
    });
  };

  return {
    join(identity) {
      const self = identity.peer;
      const member: Member = { identity, messages: createEmitter(), changes: createEmitter(), frozen: false };
      members.set(self, member);
      later(random.between(1, 100), () => {
        for (const other of members.keys()) if (other !== self) connect(self, other);
      });
      return {
        self,
        reach: async () => ok(undefined),
        messages: member.messages.subscribe,
        changes: member.changes.subscribe,
        async send(to, message) {
          if (members.get(self) !== member || !links.has(linkName(self, to))) {
            return err(fault('unknown-peer', 'no link to this peer'));
          }
          if (!member.frozen) send(self, to, message);
          return ok(undefined);
        },
        expel(peer, reason) {
          banned.add(linkName(self, peer));
          disconnect(self, peer, reason);
        },
      };
    },
    leave,
    freeze(peer) {
      const member = members.get(peer);
      if (member) member.frozen = true;
    },
    partition(group, forMs) {
      const peers = [...members.keys()];
      for (const a of peers.filter((peer) => group.has(peer))) {
        for (const b of peers.filter((peer) => !group.has(peer))) {
          cutUntil.set(linkName(a, b), time.now() + forMs);
          disconnect(a, b, 'the network was cut');
          later(forMs + 1, () => connect(a, b));
        }
      }
    },
    identityOf: (of, peer) => (links.has(linkName(of, peer)) ? members.get(peer)?.identity : undefined),
    inject: deliver,
    messages: () => messages,
  };
};

const linkName = (a: PeerId, b: PeerId): string => (a < b ? `${a}|${b}` : `${b}|${a}`);
