/**
 * A swarm in virtual time: the production steps of membership, broadcast and scores, and around them what tabs have —
 * links that take time to open, latency by pair, crashes that are noticed after seconds of silence, and a signaling server
 * that hands out samples of the room. Signatures are a port: here a message is genuine or forged, and every honest node
 * checks it before its steps see it. How long things take is what `paths.ts` says.
 */
import type { PeerId } from '../../../src/core/brand.ts';
import { initialPlumtree, stepPlumtree } from '../../../src/mesh/broadcast/plumtree.ts';
import type {
  BroadcastItem,
  PlumtreeEvent,
  PlumtreeMessage,
  PlumtreeState,
} from '../../../src/mesh/broadcast/plumtreeTypes.ts';
import { stepMembership } from '../../../src/mesh/overlay/membership.ts';
import {
  initialMembership,
  type MembershipEvent,
  type MembershipMessage,
  type MembershipState,
} from '../../../src/mesh/overlay/membershipTypes.ts';
import { decay, isUnbearable, type Observation, observe, scoreOf } from '../../../src/mesh/overlay/scores.ts';
import { createSeededRandom, type SeededRandom } from '../random.ts';
import { createPaths, type PathsOptions } from './paths.ts';
import { createEventQueue } from './queue.ts';

export type Payload = BroadcastItem & { readonly origin: PeerId; readonly genuine: boolean };

type Frame =
  | { readonly layer: 'membership'; readonly message: MembershipMessage }
  | { readonly layer: 'broadcast'; readonly message: PlumtreeMessage<Payload> };

type SimEvent =
  | { readonly t: 'frame'; readonly from: PeerId; readonly to: PeerId; readonly frame: Frame }
  | { readonly t: 'linked'; readonly by: PeerId; readonly to: PeerId }
  | { readonly t: 'unlinked'; readonly at: PeerId; readonly from: PeerId }
  | { readonly t: 'handled'; readonly at: PeerId; readonly from: PeerId; readonly frame: Frame }
  | { readonly t: 'broken'; readonly at: PeerId; readonly peer: PeerId }
  | { readonly t: 'overdue'; readonly at: PeerId; readonly id: string }
  | { readonly t: 'announce'; readonly at: PeerId }
  | { readonly t: 'contacts'; readonly at: PeerId }
  | { readonly t: 'tick'; readonly at: PeerId }
  | { readonly t: 'run'; readonly run: () => void };

export type SimNode = {
  readonly id: PeerId;
  readonly random: SeededRandom;
  readonly malicious: boolean;
  alive: boolean;
  membership: MembershipState;
  broadcast: PlumtreeState<Payload>;
  scores: ReadonlyMap<PeerId, number>;
  readonly links: Set<PeerId>;
};

type Sent = {
  readonly from: PeerId;
  readonly at: number;
  readonly audience: ReadonlySet<PeerId>;
  readonly delays: Map<PeerId, number>;
};

export type WorldOptions = PathsOptions & {
  readonly tickMs: number;
  readonly sampleSize: number;
};

export const worldDefaults = { latency: [10, 100], tickMs: 5_000, sampleSize: 8 } as const;

export const createWorld = (options: WorldOptions) => {
  const random = createSeededRandom(options.seed);
  const queue = createEventQueue<SimEvent>();
  const nodes = new Map<PeerId, SimNode>();
  const alive: SimNode[] = [];
  const conspirators: SimNode[] = [];
  const sent = new Map<string, Sent>();
  /** `handshakes`: links that were made, wanted or not; what they cost a browser is not felt here. */
  const counts = { frames: 0, payloads: 0, announcements: 0, forgedDelivered: 0, handshakes: 0, broken: 0 };
  /** Who can't reach whom; nobody, unless a scene says so. */
  let separated: (a: PeerId, b: PeerId) => boolean = () => false;
  let now = 0;
  let names = 0;

  const paths = createPaths(options, random);
  const { latency, jitter } = paths;

  const transmit = (from: SimNode, to: PeerId, frame: Frame) => {
    if (!from.links.has(to) || separated(from.id, to)) return;
    counts.frames++;
    if (frame.message.t === 'ihave') counts.announcements++;
    if (frame.layer === 'broadcast' && frame.message.t === 'gossip') counts.payloads++;
    const arrives = paths.arrival(from.id, to, now, 'message' in frame.message);
    if (arrives === undefined) return breakLink(from, to);
    queue.push(arrives, { t: 'frame', from: from.id, to, frame });
  };

  /** Silent from now on, which both notice after five to six seconds; then they try to meet again. */
  const breakLink = (node: SimNode, peer: PeerId) => {
    counts.broken++;
    node.links.delete(peer);
    nodes.get(peer)?.links.delete(node.id);
    queue.push(now + random.between(5_000, 6_500), { t: 'broken', at: node.id, peer });
    queue.push(now + random.between(5_000, 6_500), { t: 'broken', at: peer, peer: node.id });
  };

  const membershipEvent = (node: SimNode, event: MembershipEvent) => {
    const [next, effects] = stepMembership(node.membership, event, {
      random: node.random,
      score: (peer) => scoreOf(node.scores, peer),
      cost: (peer) => Math.min(1, paths.roundTrip(node.id, peer) / 1_000),
    });
    node.membership = next;
    for (const effect of effects) {
      switch (effect.t) {
        case 'send':
          transmit(node, effect.to, { layer: 'membership', message: effect.message });
          break;
        case 'connect':
          // Offer, answer and checks: about three one-way trips. The server says at once if nobody is there.
          queue.push(now + 3 * latency(node.id, effect.peer), { t: 'linked', by: node.id, to: effect.peer });
          break;
        case 'close':
          // What was sent before the end still arrives: a data channel closes after its queue.
          unlink(node, effect.peer);
          break;
        case 'neighbor-up':
        case 'neighbor-down':
          broadcastEvent(node, effect);
          break;
        case 'find-contacts':
          queue.push(now + 50, { t: 'contacts', at: node.id });
      }
    }
  };

  const broadcastEvent = (node: SimNode, event: PlumtreeEvent<Payload>) => {
    const [next, effects] = stepPlumtree(node.broadcast, event, {
      random: node.random,
      rtt: (peer) => paths.roundTrip(node.id, peer),
    });
    node.broadcast = next;
    for (const effect of effects) {
      switch (effect.t) {
        case 'send':
          if (node.malicious && drops(effect.message)) break;
          transmit(node, effect.to, { layer: 'broadcast', message: effect.message });
          break;
        case 'deliver': {
          const record = sent.get(effect.id);
          if (!effect.message.genuine && !node.malicious) counts.forgedDelivered++;
          if (record?.audience.has(node.id)) record.delays.set(node.id, now - record.at);
          if (effect.from !== undefined) note(node, effect.from, 'delivered');
          break;
        }
        case 'wait':
          queue.push(now + effect.ms, { t: 'overdue', at: node.id, id: effect.id });
          break;
        case 'announce-after':
          queue.push(now + effect.ms, { t: 'announce', at: node.id });
          break;
        case 'broken-promise':
          note(node, effect.peer, 'broken-promise');
      }
    }
  };
  /** Takes everything, announces everything, sends nothing on. */
  const drops = (message: PlumtreeMessage<Payload>) => message.t === 'gossip';

  const note = (node: SimNode, peer: PeerId, observation: Observation) => {
    node.scores = observe(node.scores, peer, observation);
    if (isUnbearable(node.scores, peer) && !node.malicious) membershipEvent(node, { t: 'expel', peer });
  };

  const unlink = (node: SimNode, peer: PeerId) => {
    if (!node.links.delete(peer)) return;
    queue.push(now + latency(node.id, peer) * 1.2, { t: 'unlinked', at: peer, from: node.id });
  };

  const linked = (by: SimNode | undefined, to: SimNode | undefined, toId: PeerId) => {
    if (!by?.alive) return;
    if (!to?.alive || separated(by.id, to.id)) return membershipEvent(by, { t: 'link-failed', peer: toId });
    counts.handshakes++;
    by.links.add(to.id);
    to.links.add(by.id);
    membershipEvent(to, { t: 'link-up', peer: by.id });
    membershipEvent(by, { t: 'link-up', peer: to.id });
  };

  const receive = (node: SimNode, from: PeerId, frame: Frame) => {
    if (frame.layer === 'membership') {
      if (node.malicious && frame.message.t === 'shuffle') {
        const peers = frame.message.peers.map(() => node.random.pick(conspirators).id);
        transmit(node, from, {
          layer: 'membership',
          message: { t: 'shuffle-reply', peers, path: frame.message.path },
        });
        return;
      }
      return membershipEvent(node, { t: 'received', from, message: frame.message });
    }
    const { message } = frame;
    if (message.t === 'gossip' && !message.message.genuine && !node.malicious)
      return note(node, from, 'invalid');
    broadcastEvent(node, { t: 'received', from, message });
  };

  const tick = (node: SimNode) => {
    node.scores = decay(node.scores);
    membershipEvent(node, { t: 'tick' });
    broadcastEvent(node, { t: 'tick', now });
    if (node.malicious) attack(node);
    queue.push(now + options.tickMs * jitter(), { t: 'tick', at: node.id });
  };

  /** Forges and floods its neighbours, and urges strangers to take it in. */
  const attack = (node: SimNode) => {
    for (const peer of node.membership.active.slice(0, 2))
      for (let copy = 0; copy < 3; copy++)
        transmit(node, peer, {
          layer: 'broadcast',
          message: {
            t: 'gossip',
            id: `forged ${node.id} ${now} ${copy}`,
            hops: 0,
            message: { origin: random.pick(alive).id, genuine: false, at: now, critical: false },
            repair: false,
          },
        });
    const victim = random.pick(alive);
    if (victim.id === node.id || node.links.has(victim.id)) return;
    node.links.add(victim.id);
    victim.links.add(node.id);
    transmit(node, victim.id, { layer: 'membership', message: { t: 'neighbor', urgent: true } });
  };

  const handle = (event: SimEvent) => {
    if (event.t === 'run') return event.run();
    if (event.t === 'linked') return linked(nodes.get(event.by), nodes.get(event.to), event.to);
    const node = nodes.get(event.t === 'frame' ? event.to : event.at);
    if (!node?.alive) return;
    switch (event.t) {
      case 'frame': {
        const handled = paths.handling(node.id, now);
        if (handled > now)
          queue.push(handled, { t: 'handled', at: node.id, from: event.from, frame: event.frame });
        else if (node.links.has(event.from)) receive(node, event.from, event.frame);
        break;
      }
      case 'handled':
        if (node.links.has(event.from)) receive(node, event.from, event.frame);
        break;
      case 'broken':
        if (node.links.has(event.peer)) break; // made anew meanwhile
        membershipEvent(node, { t: 'link-down', peer: event.peer });
        membershipEvent(node, { t: 'contacts', peers: [event.peer], others: alive.length - 1 });
        break;
      case 'unlinked':
        node.links.delete(event.from);
        membershipEvent(node, { t: 'link-down', peer: event.from });
        break;
      case 'overdue':
        broadcastEvent(node, { t: 'overdue', id: event.id });
        break;
      case 'announce':
        broadcastEvent(node, { t: 'announce' });
        break;
      case 'contacts': {
        const peers = Array.from({ length: options.sampleSize }, () => random.pick(alive).id);
        membershipEvent(node, {
          t: 'contacts',
          peers: peers.filter((peer) => peer !== node.id),
          others: alive.length - 1,
        });
        break;
      }
      case 'tick':
        tick(node);
    }
  };

  const world = {
    counts,
    isSlow: (node: SimNode) => paths.isSlow(node.id),
    now: () => now,
    alive: (): readonly SimNode[] => alive,
    at: (delay: number, run: () => void) => queue.push(now + delay, { t: 'run', run }),
    join(malicious = false): SimNode {
      const id = `n${names++}` as PeerId;
      const node: SimNode = {
        id,
        random: random.fork(id),
        malicious,
        alive: true,
        membership: initialMembership(id),
        broadcast: initialPlumtree(),
        scores: new Map(),
        links: new Set(),
      };
      nodes.set(id, node);
      queue.push(now + 50, { t: 'contacts', at: id });
      queue.push(now + options.tickMs * random.next(), { t: 'tick', at: id });
      alive.push(node);
      if (malicious) conspirators.push(node);
      return node;
    },
    /** Nobody is told; neighbours notice after five to six seconds of silence. */
    crash(node: SimNode) {
      node.alive = false;
      alive.splice(alive.indexOf(node), 1);
      for (const peer of node.links)
        queue.push(now + random.between(5_000, 6_500), { t: 'unlinked', at: peer, from: node.id });
    },
    /** Links between separated nodes fall silent, which is noticed after five to six seconds, and none can be opened. */
    separate(between: (a: PeerId, b: PeerId) => boolean) {
      separated = between;
      for (const node of alive)
        for (const peer of node.links)
          if (between(node.id, peer))
            queue.push(now + random.between(5_000, 6_500), { t: 'unlinked', at: node.id, from: peer });
    },
    /** Its audience is everybody honest who is there now. */
    broadcast(node: SimNode): string {
      const id = `m${sent.size} ${node.id}`;
      const audience = new Set(alive.filter(({ malicious }) => !malicious).map((one) => one.id));
      sent.set(id, { from: node.id, at: now, audience, delays: new Map() });
      const message = { origin: node.id, genuine: true, at: now, critical: false };
      broadcastEvent(node, { t: 'broadcast', id, message });
      return id;
    },
    run(duration: number) {
      const end = now + duration;
      for (;;) {
        const at = queue.nextAt();
        if (at === undefined || at > end) break;
        now = at;
        handle(queue.pop()!.event);
      }
      now = end;
    },
    /** Of those of the audience who are still there: who got it within so many ms, and after how long. */
    reach(
      ids: readonly string[],
      within = Number.POSITIVE_INFINITY,
      counted: (peer: PeerId) => boolean = () => true,
    ) {
      let expected = 0;
      const delays: number[] = [];
      for (const id of ids) {
        const { audience, delays: of } = sent.get(id)!;
        for (const peer of audience) {
          if (!nodes.get(peer)?.alive || !counted(peer)) continue;
          expected++;
          const delay = of.get(peer);
          if (delay !== undefined && delay <= within) delays.push(delay);
        }
      }
      return { share: expected === 0 ? 1 : delays.length / expected, delays };
    },
    /** Of those on the sender's side: who got it. */
    reachOfSide(id: string, side: ReadonlySet<PeerId>): number {
      const { audience, delays, from } = sent.get(id)!;
      const same = [...audience].filter(
        (peer) => side.has(peer) === side.has(from) && nodes.get(peer)?.alive,
      );
      return same.filter((peer) => delays.has(peer)).length / same.length;
    },
    /** How many of the honest can be reached over links between honest neighbours, from the first of them, 0…1. */
    connected(): number {
      const honest = alive.filter(({ malicious }) => !malicious);
      const [first] = honest;
      if (!first) return 1;
      const reached = new Set([first.id]);
      for (const id of reached)
        for (const peer of nodes.get(id)!.membership.active) {
          const other = nodes.get(peer);
          if (other?.alive && !other.malicious) reached.add(peer);
        }
      return reached.size / honest.length;
    },
  };
  return world;
};

export type World = ReturnType<typeof createWorld>;
