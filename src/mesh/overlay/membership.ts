import type { PeerId } from '../../core/brand.ts';
import {
  type MembershipDeps,
  type MembershipEvent,
  type MembershipMessage,
  type MembershipOptions,
  type MembershipState,
  membershipDefaults,
  type Stepped,
} from './membershipTypes.ts';
import { Turn } from './turn.ts';

/**
 * HyParView (Leitão, Pereira, Rodrigues, "HyParView: a membership protocol for reliable gossip-based broadcast", DSN
 * 2007) as a pure step. Knows whom this node is linked to, and of whom it has heard; doesn't know how a link is made, what
 * travels over it, nor the time: links and ticks are events. It differs from the paper where tabs differ from servers:
 *
 * - a link is expensive, so a shuffle's answer goes back along its walk instead of over a link of its own;
 * - a newcomer asks a few of the server's sample itself; there are no walks of its name, each of which would end in a link;
 * - who is asked says yes as long as it has room, and a node lets go late and first what it chose beyond its need: a refused
 *   or dismissed link was a WebRTC handshake for nothing, and may make its other side look for another;
 * - nobody but a peer with a bad score is evicted on request, so that strangers can't push out those who serve well;
 * - a node has neighbours of its own choice, out of a sample that nobody can fill by talking more (min-wise sampling:
 *   Bortnikov et al., "Brahms: Byzantine resilient random membership sampling", 2009), and places that those who come by
 *   themselves can't take;
 * - now and then a node links to somebody it merely heard of: two halves of a swarm that lost each other meet again;
 * - in a room of up to a dozen everybody is linked with everybody.
 *
 * Pure but for the draws from `deps.random`.
 */
export const stepMembership = (
  state: MembershipState,
  event: MembershipEvent,
  deps: MembershipDeps,
  options: MembershipOptions = membershipDefaults,
): Stepped => {
  const turn = new Turn(state, deps, options);
  switch (event.t) {
    case 'contacts':
      turn.change({ others: event.others });
      return heardOf(turn, event.peers);
    case 'link-up':
      return greet(turn, event.peer);
    case 'link-failed':
      turn.bury(event.peer);
      turn.fill();
      return turn.end();
    case 'link-down':
      turn.bury(event.peer);
      // The last one: the server knows somebody, and the next tick is far.
      if (turn.leave(event.peer) && turn.state.active.length === 0) turn.emit({ t: 'find-contacts' });
      turn.fill();
      return turn.end();
    case 'received':
      return receive(turn, event.from, event.message);
    case 'expel':
      return expel(turn, event.peer);
    case 'tick':
      return tick(turn);
  }
};

const maxExpelled = 64;
/** An asked peer that has not answered within so many ticks is given up. */
const answerWithin = 3;

const heardOf = (turn: Turn, peers: readonly PeerId[]): Stepped => {
  for (const peer of peers) turn.remember(peer);
  turn.fill();
  return turn.end();
};

const greet = (turn: Turn, peer: PeerId): Stepped => {
  // Else the other side opened it and speaks first.
  if (turn.state.pending.has(peer)) {
    turn.wait(peer, answerWithin);
    turn.send(peer, { t: 'neighbor', urgent: turn.state.active.length === 0 });
  }
  return turn.end();
};

const receive = (turn: Turn, from: PeerId, message: MembershipMessage): Stepped => {
  if (turn.state.expelled.includes(from)) {
    turn.emit({ t: 'close', peer: from });
    return turn.end();
  }
  switch (message.t) {
    case 'neighbor':
      return answerRequest(turn, from, message.urgent);
    case 'accepted':
      // Only if it was asked: nobody makes itself a neighbour by an answer.
      if (turn.state.pending.has(from)) turn.enter(from, true);
      return turn.end();
    case 'declined':
      if (!turn.state.pending.has(from)) return turn.end();
      turn.settle(from);
      turn.emit({ t: 'close', peer: from });
      return heardOf(turn, message.peers.slice(0, turn.options.shuffleActive));
    case 'disconnect':
      if (turn.leave(from)) turn.remember(from);
      turn.settle(from);
      turn.emit({ t: 'close', peer: from });
      turn.fill();
      return turn.end();
    case 'shuffle':
      return shuffle(turn, from, message);
    case 'shuffle-reply':
      return shuffleReply(turn, from, message);
  }
};

const answerRequest = (turn: Turn, from: PeerId, urgent: boolean): Stepped => {
  const { active } = turn.state;
  const accept = active.includes(from) || (urgent ? turn.makeRoom() : turn.hasRoom());
  if (accept) turn.enter(from, false);
  if (accept) turn.send(from, { t: 'accepted' });
  else turn.send(from, { t: 'declined', peers: turn.sample(active, turn.options.shuffleActive) });
  return turn.end();
};

const shuffle = (
  turn: Turn,
  from: PeerId,
  { peers, ttl, path }: Extract<MembershipMessage, { t: 'shuffle' }>,
): Stepped => {
  const { active, passive, self } = turn.state;
  const { walk, shuffleActive, shufflePassive } = turn.options;
  const most = 1 + shuffleActive + shufflePassive;
  if (!active.includes(from) || peers.length > most || path.length > walk) return turn.end();
  const next = turn.pick(active.filter((peer) => peer !== from && !path.includes(peer)));
  const steps = Math.min(ttl, walk) - 1;
  if (steps > 0 && next !== undefined && active.length > 1) {
    turn.send(next, { t: 'shuffle', peers, ttl: steps, path: [...path, from] });
    return turn.end();
  }
  turn.send(from, { t: 'shuffle-reply', peers: turn.sample(passive, peers.length), path });
  for (const peer of peers) if (peer !== self) turn.remember(peer);
  turn.fill();
  return turn.end();
};

const shuffleReply = (
  turn: Turn,
  from: PeerId,
  { peers, path }: Extract<MembershipMessage, { t: 'shuffle-reply' }>,
): Stepped => {
  const { shuffleActive, shufflePassive, walk } = turn.options;
  if (peers.length > 1 + shuffleActive + shufflePassive || path.length > walk) return turn.end();
  if (!turn.state.active.includes(from)) return turn.end();
  const back = path.at(-1);
  if (back !== undefined) {
    if (turn.state.active.includes(back))
      turn.send(back, { t: 'shuffle-reply', peers, path: path.slice(0, -1) });
    return turn.end();
  }
  // One answer to one question: nobody fills this node's head with names unasked.
  if (turn.state.shuffledWith !== from) return turn.end();
  turn.change({ shuffledWith: undefined });
  return heardOf(turn, peers);
};

const expel = (turn: Turn, peer: PeerId): Stepped => {
  turn.bury(peer);
  turn.leave(peer);
  turn.change({ expelled: [...turn.state.expelled, peer].slice(-maxExpelled) });
  turn.emit({ t: 'close', peer });
  turn.fill();
  return turn.end();
};

const tick = (turn: Turn): Stepped => {
  const pending = new Map<PeerId, number>();
  for (const [peer, ticksLeft] of turn.state.pending) {
    if (ticksLeft > 0) pending.set(peer, ticksLeft - 1);
    else turn.emit({ t: 'close', peer });
  }
  turn.change({ pending, tried: new Set() });
  const { shuffleActive, shufflePassive, walk, rewireShare } = turn.options;
  const surplus = turn.surplus();
  if (surplus !== undefined) turn.dismiss(surplus);
  turn.fill();
  const { active, passive, self } = turn.state;
  const to = wantsNames(turn) ? turn.pick(active) : undefined;
  turn.change({ shuffledWith: to });
  if (to !== undefined) {
    const peers = [self, ...turn.sample(active, shuffleActive), ...turn.sample(passive, shufflePassive)];
    turn.send(to, { t: 'shuffle', peers: peers.filter((peer) => peer !== to), ttl: walk, path: [] });
  }
  if (active.length >= turn.wanted() && turn.chance(rewireShare)) {
    const somebody = turn.candidate();
    if (somebody !== undefined) turn.connect(somebody);
  }
  if (knowsTooFew(turn)) turn.emit({ t: 'find-contacts' });
  return turn.end();
};

/** Fewer than there are, or than the server last said there were. */
const knowsTooFew = ({ state, options }: Turn): boolean => {
  const { active, passive, others } = state;
  if (active.length === 0) return true;
  return active.length + passive.length < Math.min(others, options.cap);
};

/** A walk costs a dozen messages: none in a room where everybody is known, few where many are. */
const wantsNames = (turn: Turn): boolean => {
  const { active, passive, others } = turn.state;
  if (turn.isSmallRoom() && active.length >= others) return false;
  return passive.length < turn.options.passive / 2 || turn.chance(turn.options.shuffleShare);
};
