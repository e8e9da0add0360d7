import { milliseconds, type PeerId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type {
  Channel,
  LinkEnd,
  MessageTransport,
  NeighborChange,
  OpenError,
  Overlay,
  OverlayChange,
} from '../contracts.ts';
import { createDialer, type DialerDeps, type DialerEvent, type DialerOptions } from '../links/dialer.ts';
import { createSelfHealth } from '../selfHealth.ts';
import type { SignalingClient, SignalingEvent } from '../signaling/client.ts';
import { createDirectLinks } from './directLinks.ts';
import { stepMembership } from './membership.ts';
import { initialMembership, type MembershipEffect, type MembershipEvent } from './membershipTypes.ts';
import { decodeOverlayMessage, encodeOverlayMessage, type OverlayMessage } from './protocol.ts';
import { decay, isUnbearable, noScores, type Observation, observe, scoreOf } from './scores.ts';

export type OverlayDeps = Omit<DialerDeps, 'health' | 'signaling'> & {
  readonly signaling: Pick<SignalingClient, 'events' | 'relay' | 'find' | 'carry' | 'unsentBytes'>;
};
export type OverlayOptions = DialerOptions;

/** The membership's heartbeat, give or take a tenth, so that a swarm doesn't beat as one. */
const tickEvery = 5_000;
/** What a link is for is said within this, or it is closed. */
const agreeWithin = 10_000;
/** The server is asked for contacts at most so often. */
const findEvery = 1_000;

/**
 * This tab's place in the swarm: the membership's steps over real links. Knows who is a neighbour, who is only linked for
 * work, and who served how well; doesn't know how a link is made, nor what messages mean.
 */
export const createOverlay = (deps: OverlayDeps, options: OverlayOptions): Overlay => {
  const { identity, signaling, clock, timers, random, telemetry } = deps;
  const self = identity.peer;
  const health = createSelfHealth(deps);
  const dialer = createDialer({ ...deps, health }, options);
  const changes = createEmitter<OverlayChange>();
  const neighborChanges = createEmitter<NeighborChange>();
  const messages = createEmitter<{ channel: Channel; from: PeerId; bytes: Bytes }>();
  /** Those whom the layers above may talk to. A link that is still being agreed on is not among them. */
  const admitted = new Set<PeerId>();
  let membership = initialMembership(self);
  let scores = noScores;
  let askedServerAt = Number.NEGATIVE_INFINITY;
  let closed = false;

  const send = (to: PeerId, message: OverlayMessage): void => {
    void dialer.linked(to)?.link.send(encodeOverlayMessage(message), 'control', 'overlay');
  };

  const admit = (peer: PeerId) => {
    const linked = dialer.linked(peer);
    if (!linked || admitted.has(peer)) return;
    admitted.add(peer);
    changes.emit({ kind: 'up', peer: linked.identity });
  };

  const direct = createDirectLinks({
    clock,
    timers,
    connect: dialer.connect,
    isLinked: (peer) => dialer.linked(peer) !== undefined,
    send,
    admit,
  });

  /** An effect may have another event in its train; they are taken one after the other. */
  const waiting: MembershipEvent[] = [];
  let stepping = false;
  const take = (event: MembershipEvent): void => {
    waiting.push(event);
    if (stepping) return;
    stepping = true;
    for (let next = waiting.shift(); next && !closed; next = waiting.shift()) {
      const [state, effects] = stepMembership(membership, next, {
        random,
        score: (peer) => scoreOf(scores, peer),
        cost,
      });
      membership = state;
      for (const effect of effects) carryOut(effect);
    }
    stepping = false;
  };

  const carryOut = (effect: MembershipEffect) => {
    switch (effect.t) {
      case 'send':
        return send(effect.to, effect.message);
      case 'connect':
        // Linked already, for work: then all that is missing is to agree.
        if (dialer.linked(effect.peer)) return take({ t: 'link-up', peer: effect.peer });
        return dialer.connect(effect.peer);
      case 'close':
        // Work goes on over a link that is no neighbour's any more.
        if (!direct.isWorking(effect.peer)) dialer.hangUp(effect.peer, noNeighbor);
        return undefined;
      case 'neighbor-up':
        admit(effect.peer);
        return neighborChanges.emit({ peer: effect.peer, up: true });
      case 'neighbor-down':
        return neighborChanges.emit({ peer: effect.peer, up: false });
      case 'find-contacts':
        if (clock.monotonic() - askedServerAt < findEvery) return undefined;
        askedServerAt = clock.monotonic();
        return void signaling.find();
      default:
        return effect satisfies never;
    }
  };

  /** Among equals: the nearer, and of another network than those who are there. */
  const cost = (peer: PeerId): number => {
    const rtt = dialer.linked(peer)?.link.stats().rtt ?? 1_000;
    const network = dialer.network(peer);
    const isKnown =
      network !== undefined &&
      membership.active.some((other) => other !== peer && dialer.network(other) === network);
    return Math.min(1, rtt / 1_000) / 2 + (isKnown ? 0.5 : 0);
  };

  const onOverlayMessage = (from: PeerId, bytes: Bytes) => {
    const decoded = decodeOverlayMessage(bytes);
    if (!decoded.ok) return expel(from, `it sent an unreadable message: ${decoded.error.message}`);
    const message = decoded.value;
    switch (message.t) {
      case 'direct':
      case 'direct-accepted':
      case 'direct-declined':
        return direct.received(from, message);
      default:
        return take({ t: 'received', from, message });
    }
  };

  const onDialerEvent = (event: DialerEvent) => {
    switch (event.kind) {
      case 'up':
        direct.linkUp(event.peer.peer);
        return take({ t: 'link-up', peer: event.peer.peer });
      case 'message':
        if (event.message.channel === 'overlay') return onOverlayMessage(event.from, event.message.bytes);
        if (!admitted.has(event.from)) return telemetry.count('mesh_unadmitted_messages_total');
        if (event.message.channel === 'rpc') direct.used(event.from);
        return messages.emit({ ...event.message, from: event.from });
      case 'down':
        return onDown(event.peer, event.reason);
      case 'failed':
        direct.lost(event.peer, event.reason.message);
        return take({ t: 'link-failed', peer: event.peer });
      case 'refused':
        direct.lost(event.peer, event.reason.message);
        changes.emit({ kind: 'refused', peer: event.peer, reason: event.reason });
        return take({ t: 'expel', peer: event.peer });
      default:
        return event satisfies never;
    }
  };

  const onDown = (peer: PeerId, reason: Fault<LinkEnd>) => {
    const wasNeighbor = membership.active.includes(peer);
    direct.lost(peer, reason.message);
    take({ t: reason.code === 'misbehaved' ? 'expel' : 'link-down', peer });
    // A link that broke is no goodbye: in a small room there is nobody else to take its place.
    if (wasNeighbor && (reason.code === 'failed' || reason.code === 'stalled'))
      take({ t: 'contacts', peers: [peer], others: membership.others });
    if (admitted.delete(peer)) changes.emit({ kind: 'down', peer, reason });
  };

  const onSignalingEvent = (event: SignalingEvent): void => {
    if (event.kind === 'welcome' || event.kind === 'found')
      take({ t: 'contacts', peers: event.peers.filter((peer) => peer !== self), others: event.others });
  };

  const tick = () => {
    scores = decay(scores);
    take({ t: 'tick' });
    // Links that were opened, by us or to us, and serve nothing.
    for (const { identity: other, since } of dialer.all()) {
      const { peer } = other;
      if (clock.monotonic() - since < agreeWithin) continue;
      if (membership.active.includes(peer) || membership.pending.has(peer) || direct.isWorking(peer))
        continue;
      dialer.hangUp(peer, idle);
    }
    cancelTick = timers.after(milliseconds(tickEvery * (0.9 + 0.2 * random.next())), tick);
  };
  let cancelTick = timers.after(milliseconds(tickEvery * random.next()), tick);
  const stopDialer = dialer.events(onDialerEvent);
  const stopSignaling = signaling.events(onSignalingEvent);

  const expel = (peer: PeerId, reason: string): void => {
    if (peer === self) return;
    dialer.ban(peer, fault('misbehaved', reason));
    take({ t: 'expel', peer });
  };

  const reach = (peer: PeerId): Promise<Result<void, OpenError>> =>
    admitted.has(peer) ? Promise.resolve(ok(undefined)) : direct.open(peer);

  const transport = (channel: Channel): MessageTransport => ({
    self,
    reach,
    messages: (listener) =>
      messages.subscribe((message) => {
        if (message.channel === channel) listener({ from: message.from, bytes: message.bytes });
      }),
    changes: changes.subscribe,
    expel,
    async send(to, message, priority) {
      const linked = admitted.has(to) ? dialer.linked(to) : undefined;
      if (!linked) return err(fault('unknown-peer', `there is no link to ${to.slice(0, 8)}… now`));
      if (channel === 'rpc') direct.used(to);
      return linked.link.send(message, priority, channel);
    },
  });

  return {
    self,
    changes: changes.subscribe,
    neighborChanges: neighborChanges.subscribe,
    neighbors: () => membership.active,
    peers: () =>
      dialer.all().flatMap((linked) => (admitted.has(linked.identity.peer) ? [linked.identity] : [])),
    stats(peer) {
      const linked = admitted.has(peer) ? dialer.linked(peer) : undefined;
      if (!linked) return undefined;
      const { link, way } = linked;
      return { ...link.stats(), way: way === 'direct' && link.relayed() ? 'relayed' : way };
    },
    transport,
    observe(peer: PeerId, observation: Observation) {
      scores = observe(scores, peer, observation);
      if (isUnbearable(scores, peer)) expel(peer, `it served too badly (${observation})`);
    },
    expel,
    networkChanged: dialer.networkChanged,
    close() {
      if (closed) return;
      cancelTick();
      stopSignaling();
      dialer.close(); // tells of every link that goes
      closed = true;
      stopDialer();
      direct.close();
      health.close();
    },
  };
};

const noNeighbor: Fault<LinkEnd> = fault('closed-here', 'the two are not neighbours any more');
const idle: Fault<LinkEnd> = fault('closed-here', 'nothing was sent over this link for a while');
