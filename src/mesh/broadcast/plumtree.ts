import type { PeerId } from '../../core/brand.ts';
import { keptIds, keptOf, nothingKept, withKept, withoutOlder } from './kept.ts';
import {
  type Answered,
  type BroadcastItem,
  type MessageId,
  type PlumtreeDeps,
  type PlumtreeEffect,
  type PlumtreeEvent,
  type PlumtreeMessage,
  type PlumtreeOptions,
  type PlumtreeState,
  plumtreeDefaults,
  type Question,
} from './plumtreeTypes.ts';
import { hasSeen, nothingSeen, withSeen } from './seen.ts';
import { emptyShelves, onShelves, withoutShelved, withShelved } from './shelves.ts';

type Stepped<M extends BroadcastItem> = readonly [PlumtreeState<M>, readonly PlumtreeEffect<M>[]];
type Gossip<M> = Extract<PlumtreeMessage<M>, { t: 'gossip' }>;

export const initialPlumtree = <M extends BroadcastItem>(): PlumtreeState<M> => ({
  eager: [],
  lazy: [],
  seen: nothingSeen(),
  critical: nothingSeen(),
  kept: nothingKept,
  missing: emptyShelves,
  toAnnounce: new Map(),
  answered: new Map(),
});

/**
 * Plumtree (Leitão, Pereira, Rodrigues, "Epidemic broadcast trees", SRDS 2007) as a step: payloads along a tree of
 * eager links, announcements on the others, which mend the tree; and a periodic comparison of what both sides keep, so
 * that whoever missed everything gets it too. Critical messages go along every link. Knows ids and who told of them;
 * doesn't know what a message says: whoever calls this has checked signature and id before.
 *
 * Pure but for the draws from `deps.random`.
 */
export const stepPlumtree = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  event: PlumtreeEvent<M>,
  deps: PlumtreeDeps,
  options: PlumtreeOptions = plumtreeDefaults,
): Stepped<M> => {
  switch (event.t) {
    case 'neighbor-up':
      // What each keeps is compared at once: a newcomer, or the other half of a swarm, has missed something.
      return [withEager(state, event.peer), [send(event.peer, summaryOf(state))]];
    case 'neighbor-down':
      return [withoutPeer(state, event.peer), []];
    case 'broadcast':
      return hasSeen(state.seen, event.id)
        ? [state, []]
        : spread(state, { ...event, hops: 0, from: undefined }, deps, options);
    // A link that is no neighbour's (any more) changes no tree.
    case 'received':
      return isNeighbor(state, event.from)
        ? receive(state, event.from, event.message, deps, options)
        : [state, []];
    case 'duplicate':
      return isNeighbor(state, event.from) ? duplicate(state, event.from, event) : [state, []];
    case 'dropped':
      return [{ ...state, missing: withoutShelved(state.missing, event.id) }, []];
    case 'overdue':
      return graft(state, event.id, deps, options);
    case 'announce':
      return announce(state);
    case 'tick':
      return compare(
        { ...state, kept: withoutOlder(state.kept, event.now - options.keepMs), answered: new Map() },
        deps,
      );
  }
};

const send = <M>(to: PeerId, message: PlumtreeMessage<M>): PlumtreeEffect<M> => ({ t: 'send', to, message });

const receive = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  from: PeerId,
  message: PlumtreeMessage<M>,
  deps: PlumtreeDeps,
  options: PlumtreeOptions,
): Stepped<M> => {
  switch (message.t) {
    case 'gossip':
      return hasSeen(state.seen, message.id)
        ? duplicate(state, from, message)
        : takeIn(state, from, message, deps, options);
    case 'ihave':
      return announced(state, from, message.ids, options);
    case 'prune':
      return [withLazy(state, from), []];
    case 'graft':
      return answerGraft(withEager(state, from), from, message.id, options);
    case 'summary':
    case 'holding':
    case 'pull': {
      const answering = withAnswer(state, from, message.t, options);
      return answering ? [answering, answerOf(answering, from, message, options)] : [state, []];
    }
  }
};

const takeIn = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  from: PeerId,
  gossip: Gossip<M>,
  deps: PlumtreeDeps,
  options: PlumtreeOptions,
): Stepped<M> => {
  // Only what came along the tree says who is near in it.
  const beside = gossip.repair || gossip.message.critical;
  return spread(
    beside ? state : withEager(state, from),
    { ...gossip, hops: gossip.hops + 1, from },
    deps,
    options,
  );
};

const duplicate = <M extends BroadcastItem>(
  before: PlumtreeState<M>,
  from: PeerId,
  { id, repair }: { readonly id: MessageId; readonly repair: boolean },
): Stepped<M> => {
  const state = withoutAnnouncing(before, from, [id]);
  if (repair || state.lazy.includes(from) || hasSeen(state.critical, id)) return [state, []];
  return [withLazy(state, from), [send(from, { t: 'prune' })]];
};

/** A message that is new here: told to the one above, sent along the tree, to be announced beside it. */
const spread = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  news: {
    readonly id: MessageId;
    readonly message: M;
    readonly hops: number;
    readonly from: PeerId | undefined;
  },
  deps: PlumtreeDeps,
  options: PlumtreeOptions,
): Stepped<M> => {
  const { id, message, hops, from } = news;
  const holders = onShelves(state.missing, id)?.holders ?? [];
  const told = message.critical ? [...state.eager, ...state.lazy] : state.eager;
  // Who has announced it needs no announcement.
  const lazy = message.critical ? [] : state.lazy.filter((peer) => peer !== from && !holders.includes(peer));
  // One object for all whom it goes to: whoever sends it writes it once.
  const gossip = gossipOf(id, message, hops, false);
  const [collecting, effects] = collect(state, lazy, id, deps, options);
  return [
    {
      ...collecting,
      seen: withSeen(state.seen, id, options.seenPieces),
      critical: message.critical ? withSeen(state.critical, id, options.seenPieces) : state.critical,
      kept: withKept(state.kept, id, message, options.kept),
      missing: withoutShelved(state.missing, id),
    },
    [
      { t: 'deliver', id, message, hops, from },
      ...effects,
      ...told.filter((peer) => peer !== from).map((peer) => send(peer, gossip)),
    ],
  ];
};

/**
 * Announcements wait a moment: for others that go to the same neighbour, and because most neighbours get the message
 * themselves meanwhile, and one announcement between two is enough. How long is drawn by chance, so that not both of
 * them send it.
 */
const collect = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  peers: readonly PeerId[],
  id: MessageId,
  deps: PlumtreeDeps,
  options: PlumtreeOptions,
): Stepped<M> => {
  if (peers.length === 0) return [state, []];
  const toAnnounce = new Map(state.toAnnounce);
  const effects: PlumtreeEffect<M>[] = [];
  if (toAnnounce.size === 0)
    effects.push({ t: 'announce-after', ms: options.collect + deps.random.next() * options.collectSpread });
  for (const peer of peers) {
    const ids = [...(toAnnounce.get(peer) ?? []), id];
    const full = ids.length >= options.collected;
    if (full) effects.push(send(peer, { t: 'ihave', ids }));
    toAnnounce.set(peer, full ? [] : ids);
  }
  return [{ ...state, toAnnounce }, effects];
};

const announce = <M extends BroadcastItem>(state: PlumtreeState<M>): Stepped<M> => [
  { ...state, toAnnounce: new Map() },
  [...state.toAnnounce].flatMap(([peer, ids]) =>
    ids.length > 0 && isNeighbor(state, peer) ? [send<M>(peer, { t: 'ihave', ids })] : [],
  ),
];

/** It has them, so it need not be told. */
const withoutAnnouncing = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  peer: PeerId,
  has: readonly MessageId[],
): PlumtreeState<M> => {
  const ids = state.toAnnounce.get(peer);
  if (!ids?.some((id) => has.includes(id))) return state;
  const rest = ids.filter((id) => !has.includes(id));
  return { ...state, toAnnounce: new Map(state.toAnnounce).set(peer, rest) };
};

const announced = <M extends BroadcastItem>(
  before: PlumtreeState<M>,
  from: PeerId,
  announcedIds: readonly MessageId[],
  options: PlumtreeOptions,
): Stepped<M> => {
  const ids = announcedIds.slice(0, options.kept);
  const state = withoutAnnouncing(before, from, ids);
  const unseen = ids.filter((id) => !hasSeen(state.seen, id));
  if (unseen.length === 0) return [state, []];
  let { missing } = state;
  const effects: PlumtreeEffect<M>[] = [];
  for (const id of unseen) {
    const known = onShelves(missing, id);
    if (known?.holders.includes(from) || known?.asked === from) continue;
    if (!known && missing.size >= options.missing) break;
    const holders = [...(known?.holders ?? []), from];
    missing = withShelved(missing, id, { holders, asked: known?.asked });
    if (!known) effects.push({ t: 'wait', id, ms: options.patience });
  }
  return [{ ...state, missing }, effects];
};

/** Asks the nearest of those who announced it, and takes the link into the tree. */
const graft = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  id: MessageId,
  deps: PlumtreeDeps,
  options: PlumtreeOptions,
): Stepped<M> => {
  const known = onShelves(state.missing, id);
  if (!known) return [state, []];
  const broken: readonly PlumtreeEffect<M>[] =
    known.asked === undefined ? [] : [{ t: 'broken-promise', peer: known.asked }];
  const far = (peer: PeerId) => deps.rtt(peer) ?? Number.POSITIVE_INFINITY;
  const linked = known.holders.filter((peer) => isNeighbor(state, peer));
  const [nearest] = linked.toSorted((a, b) => far(a) - far(b));
  // The next comparison finds what nobody is left to be asked for.
  if (nearest === undefined) return [{ ...state, missing: withoutShelved(state.missing, id) }, broken];
  const holders = linked.filter((peer) => peer !== nearest);
  const missing = withShelved(state.missing, id, { holders, asked: nearest });
  return [
    withEager({ ...state, missing }, nearest),
    [...broken, send(nearest, { t: 'graft', id }), { t: 'wait', id, ms: options.graftPatience }],
  ];
};

/** Tells one neighbour, drawn by chance, what is kept here. */
const compare = <M extends BroadcastItem>(state: PlumtreeState<M>, deps: PlumtreeDeps): Stepped<M> => {
  const neighbors = [...state.eager, ...state.lazy];
  const peer = neighbors[Math.floor(deps.random.next() * neighbors.length)];
  return [state, peer === undefined ? [] : [send(peer, summaryOf(state))]];
};

const answerOf = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  from: PeerId,
  message: Extract<PlumtreeMessage<M>, { t: 'summary' | 'holding' | 'pull' }>,
  options: PlumtreeOptions,
): readonly PlumtreeEffect<M>[] => {
  if (message.t === 'summary') {
    const same = message.sum === state.kept.sum;
    return same ? [] : [send(from, { t: 'holding', ids: keptIds(state.kept) })];
  }
  const ids = new Set(message.ids.slice(0, options.kept));
  if (message.t === 'pull') return [...ids].flatMap((id) => keptFor(state, from, id, true));
  const unseen = [...ids].filter((id) => !hasSeen(state.seen, id));
  const lacking = keptIds(state.kept).filter((id) => !ids.has(id));
  return [
    ...(unseen.length > 0 ? [send<M>(from, { t: 'pull', ids: unseen })] : []),
    // Those it lacks it learns by an announcement; it asks if they don't come by the tree.
    ...(lacking.length > 0 ? [send<M>(from, { t: 'ihave', ids: lacking })] : []),
  ];
};

const answerGraft = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  from: PeerId,
  id: MessageId,
  options: PlumtreeOptions,
): Stepped<M> => {
  const answering = withAnswer(state, from, 'graft', options);
  return answering ? [answering, keptFor(state, from, id, false)] : [state, []];
};

const keptFor = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  peer: PeerId,
  id: MessageId,
  repair: boolean,
): readonly PlumtreeEffect<M>[] => {
  const message = keptOf(state.kept, id);
  return message === undefined ? [] : [send(peer, gossipOf(id, message, 0, repair))];
};

const unanswered: Answered = { summary: 0, holding: 0, pull: 0, graft: 0 };

/**
 * With one more answer to this neighbour; undefined if it has had all it gets before the next tick. Forty bytes must not
 * draw megabytes again and again; an honest neighbour asks once a tick, and grafts what it missed.
 */
const withAnswer = <M extends BroadcastItem>(
  state: PlumtreeState<M>,
  peer: PeerId,
  question: Question,
  options: PlumtreeOptions,
): PlumtreeState<M> | undefined => {
  const counts = state.answered.get(peer) ?? unanswered;
  const most = question === 'graft' ? options.kept : 1;
  if (counts[question] >= most) return undefined;
  const counted: Answered = { ...counts, [question]: counts[question] + 1 };
  return { ...state, answered: new Map(state.answered).set(peer, counted) };
};

const gossipOf = <M>(id: MessageId, message: M, hops: number, repair: boolean): PlumtreeMessage<M> => ({
  t: 'gossip',
  id,
  hops,
  message,
  repair,
});

const summaryOf = <M extends BroadcastItem>(state: PlumtreeState<M>): PlumtreeMessage<M> => ({
  t: 'summary',
  sum: state.kept.sum,
});

const isNeighbor = <M extends BroadcastItem>(state: PlumtreeState<M>, peer: PeerId): boolean =>
  state.eager.includes(peer) || state.lazy.includes(peer);

const withEager = <M extends BroadcastItem>(state: PlumtreeState<M>, peer: PeerId): PlumtreeState<M> =>
  state.eager.includes(peer)
    ? state
    : { ...state, eager: [...state.eager, peer], lazy: state.lazy.filter((other) => other !== peer) };

const withLazy = <M extends BroadcastItem>(state: PlumtreeState<M>, peer: PeerId): PlumtreeState<M> =>
  state.eager.includes(peer)
    ? { ...state, eager: state.eager.filter((other) => other !== peer), lazy: [...state.lazy, peer] }
    : state;

const withoutPeer = <M extends BroadcastItem>(state: PlumtreeState<M>, peer: PeerId): PlumtreeState<M> => ({
  ...state,
  eager: state.eager.filter((other) => other !== peer),
  lazy: state.lazy.filter((other) => other !== peer),
});
