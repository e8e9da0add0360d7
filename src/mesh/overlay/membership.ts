import type { PeerId } from '../../core/brand.ts';
import {
  type MembershipDeps,
  type MembershipEvent,
  type MembershipMessage,
  type MembershipOptions,
  type MembershipState,
  membershipDefaults,
  type Pending,
  type Stepped,
} from './membershipTypes.ts';
import { Turn } from './turn.ts';

/**
 * HyParView (Leitão, Pereira, Rodrigues, "HyParView: a membership protocol for reliable gossip-based broadcast", DSN
 * 2007) as a pure step. Knows whom this node is linked to, and of whom it has heard; doesn't know how a link is made, what
 * travels over it, nor the time: links and ticks are events. It differs from the paper where tabs differ from servers:
 *
 * - a link is expensive, so a shuffle's answer goes back along its walk instead of over a link of its own;
 * - a join adds to the contact's neighbours (up to the cap) instead of evicting one; surplus is trimmed one a tick, worst
 *   score first;
 * - nobody but a peer with a bad score is evicted on request, so that strangers can't push out those who serve well;
 * - half of the neighbours at least are this node's own choice, out of a sample that nobody can fill by talking more
 *   (min-wise sampling: Bortnikov et al., "Brahms: Byzantine resilient random membership sampling", 2009); those who came
 *   by themselves have the other half, and are the first to go;
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
/** A link that is neither up nor answered after so many ticks is given up. */
const patience = 2;

const heardOf = (turn: Turn, peers: readonly PeerId[]): Stepped => {
  for (const peer of peers) turn.remember(peer);
  turn.fill();
  return turn.end();
};

const greet = (turn: Turn, peer: PeerId): Stepped => {
  const pending = turn.state.pending.get(peer);
  if (!pending) return turn.end(); // the other side opened it and speaks first
  if (pending.purpose === 'join') turn.send(peer, { t: 'join' });
  else
    turn.send(peer, {
      t: 'neighbor',
      urgent: pending.purpose !== 'fill' || turn.state.active.length === 0,
    });
  return turn.end();
};

const receive = (turn: Turn, from: PeerId, message: MembershipMessage): Stepped => {
  if (turn.state.expelled.includes(from)) {
    turn.emit({ t: 'close', peer: from });
    return turn.end();
  }
  switch (message.t) {
    case 'join':
      return welcome(turn, from);
    case 'forward-join':
      return forwardJoin(turn, from, message);
    case 'neighbor':
      return answerRequest(turn, from, message.urgent);
    case 'accepted': {
      // Only if it was asked: nobody makes itself a neighbour by an answer.
      const asked = turn.state.pending.get(from);
      if (asked) turn.enter(from, asked.purpose !== 'adopt');
      return turn.end();
    }
    case 'declined':
      if (!turn.state.pending.has(from)) return turn.end();
      turn.settle(from);
      turn.emit({ t: 'close', peer: from });
      turn.fill();
      return turn.end();
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

const welcome = (turn: Turn, joiner: PeerId): Stepped => {
  if (!turn.makeRoom()) {
    turn.send(joiner, { t: 'declined' });
    return turn.end();
  }
  const others = turn.state.active.filter((peer) => peer !== joiner);
  turn.enter(joiner, false);
  turn.send(joiner, { t: 'accepted' });
  for (const peer of others) turn.send(peer, { t: 'forward-join', joiner, ttl: turn.options.activeWalk });
  return turn.end();
};

const forwardJoin = (
  turn: Turn,
  from: PeerId,
  { joiner, ttl }: Extract<MembershipMessage, { t: 'forward-join' }>,
): Stepped => {
  const { active } = turn.state;
  // Only of neighbours: a stranger must not start walks.
  if (!active.includes(from) || turn.known(joiner)) return turn.end();
  const steps = Math.min(ttl, turn.options.activeWalk);
  const next = turn.pick(active.filter((peer) => peer !== from));
  if (steps <= 0 || next === undefined) {
    const room = turn.uninvited() + turn.state.pending.size < turn.guests();
    if (room) turn.connect(joiner, 'adopt');
    else turn.remember(joiner);
    return turn.end();
  }
  if (steps === turn.options.passiveWalk) turn.remember(joiner);
  turn.send(next, { t: 'forward-join', joiner, ttl: steps - 1 });
  return turn.end();
};

const answerRequest = (turn: Turn, from: PeerId, urgent: boolean): Stepped => {
  const { active } = turn.state;
  const accept = active.includes(from) || ((urgent || active.length < turn.wanted()) && turn.makeRoom());
  if (accept) turn.enter(from, false);
  turn.send(from, { t: accept ? 'accepted' : 'declined' });
  return turn.end();
};

const shuffle = (
  turn: Turn,
  from: PeerId,
  { peers, ttl, path }: Extract<MembershipMessage, { t: 'shuffle' }>,
): Stepped => {
  const { active, passive, self } = turn.state;
  const { activeWalk, shuffleActive, shufflePassive } = turn.options;
  const most = 1 + shuffleActive + shufflePassive;
  if (!active.includes(from) || peers.length > most || path.length > activeWalk) return turn.end();
  const next = turn.pick(active.filter((peer) => peer !== from && !path.includes(peer)));
  const steps = Math.min(ttl, activeWalk) - 1;
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
  const { shuffleActive, shufflePassive, activeWalk } = turn.options;
  if (peers.length > 1 + shuffleActive + shufflePassive || path.length > activeWalk) return turn.end();
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
  const pending = new Map<PeerId, Pending>();
  for (const [peer, { purpose, ticks }] of turn.state.pending) {
    if (ticks < patience) pending.set(peer, { purpose, ticks: ticks + 1 });
    else turn.emit({ t: 'close', peer });
  }
  turn.change({ pending, tried: new Set() });
  const { shuffleActive, shufflePassive, activeWalk, rewireShare } = turn.options;
  if (turn.state.active.length > turn.wanted() + 1) {
    const surplus = turn.surplus();
    if (surplus !== undefined) turn.dismiss(surplus);
  }
  turn.fill();
  const { active, passive, self } = turn.state;
  const to = turn.pick(active);
  turn.change({ shuffledWith: to });
  if (to !== undefined) {
    const peers = [self, ...turn.sample(active, shuffleActive), ...turn.sample(passive, shufflePassive)];
    turn.send(to, { t: 'shuffle', peers: peers.filter((peer) => peer !== to), ttl: activeWalk, path: [] });
  }
  if (active.length >= turn.wanted() && turn.chance(rewireShare)) {
    const somebody = turn.candidate();
    if (somebody !== undefined) turn.connect(somebody, 'rewire');
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
