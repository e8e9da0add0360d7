import type { PeerId } from '../../core/brand.ts';
import type { Random } from '../../core/ports/random.ts';
import { hasSeen, nothingSeen, type Seen, withSeen } from './seen.ts';

/**
 * Plumtree (Leitão, Pereira, Rodrigues, "Epidemic broadcast trees", SRDS 2007) as a pure step: payloads along a tree of
 * eager links, announcements on the others, which mend the tree; and a periodic comparison of what both sides hold, so that
 * whoever missed everything gets it too. Knows ids and who told of them; doesn't know what a message says: whoever calls
 * this has checked signature and id before.
 */
export type MessageId = string;

export type PlumtreeState<M> = {
  readonly eager: readonly PeerId[];
  readonly lazy: readonly PeerId[];
  readonly seen: Seen<MessageId>;
  /** The last messages whole, oldest first: for who missed them. */
  readonly kept: ReadonlyMap<MessageId, M>;
  /** Announced and not here yet, with who has them. */
  readonly missing: ReadonlyMap<MessageId, Announced>;
};

type Announced = { readonly holders: readonly PeerId[]; readonly asked: PeerId | undefined };

export type PlumtreeMessage<M> =
  | {
      readonly t: 'gossip';
      readonly id: MessageId;
      readonly hops: number;
      readonly message: M;
      readonly repair: boolean;
    }
  | { readonly t: 'ihave'; readonly ids: readonly MessageId[] }
  | { readonly t: 'graft'; readonly id: MessageId }
  | { readonly t: 'prune' }
  /** What is held, in a number: equal sums, equal sets (but for one chance in 2³²). */
  | { readonly t: 'summary'; readonly sum: number }
  | { readonly t: 'holding'; readonly ids: readonly MessageId[] }
  | { readonly t: 'pull'; readonly ids: readonly MessageId[] };

export type PlumtreeEvent<M> =
  | { readonly t: 'neighbor-up'; readonly peer: PeerId }
  | { readonly t: 'neighbor-down'; readonly peer: PeerId }
  | { readonly t: 'broadcast'; readonly id: MessageId; readonly message: M }
  | { readonly t: 'received'; readonly from: PeerId; readonly message: PlumtreeMessage<M> }
  | { readonly t: 'overdue'; readonly id: MessageId }
  | { readonly t: 'tick' };

export type PlumtreeEffect<M> =
  | { readonly t: 'send'; readonly to: PeerId; readonly message: PlumtreeMessage<M> }
  | {
      readonly t: 'deliver';
      readonly id: MessageId;
      readonly message: M;
      readonly hops: number;
      readonly from: PeerId | undefined;
    }
  /** Asks for an `overdue` event after so many milliseconds. */
  | { readonly t: 'wait'; readonly id: MessageId; readonly ms: number }
  /** It announced a message, was asked for it, and did not send it in time. */
  | { readonly t: 'broken-promise'; readonly peer: PeerId };

export type PlumtreeOptions = {
  /** How long an announced message may take to come by the tree, in ms. */
  readonly patience: number;
  /** How long one that was asked for may take, in ms. */
  readonly graftPatience: number;
  readonly kept: number;
  readonly seenPieces: number;
  readonly missing: number;
};

export const plumtreeDefaults: PlumtreeOptions = {
  patience: 350,
  graftPatience: 250,
  kept: 256,
  seenPieces: 32,
  missing: 1_024,
};

export const initialPlumtree = <M>(): PlumtreeState<M> => ({
  eager: [],
  lazy: [],
  seen: nothingSeen(),
  kept: new Map(),
  missing: new Map(),
});

export type PlumtreeDeps = {
  readonly random: Pick<Random, 'next'>;
  /** Measured round trip in ms; unknown is the slowest. */
  rtt(peer: PeerId): number | undefined;
};

type Stepped<M> = readonly [PlumtreeState<M>, readonly PlumtreeEffect<M>[]];

/** Pure but for the draws from `deps.random`. */
export const stepPlumtree = <M>(
  state: PlumtreeState<M>,
  event: PlumtreeEvent<M>,
  deps: PlumtreeDeps,
  options: PlumtreeOptions = plumtreeDefaults,
): Stepped<M> => {
  switch (event.t) {
    case 'neighbor-up':
      // What each holds is compared at once: a newcomer, or the other half of a swarm, has missed something.
      return [withEager(state, event.peer), [send(event.peer, summaryOf(state))]];
    case 'neighbor-down':
      return [withoutPeer(state, event.peer), []];
    case 'broadcast':
      return hasSeen(state.seen, event.id)
        ? [state, []]
        : spread(state, { ...event, hops: 0, from: undefined }, options);
    case 'received':
      return receive(state, event.from, event.message, options);
    case 'overdue':
      return graft(state, event.id, deps, options);
    case 'tick': {
      const neighbors = [...state.eager, ...state.lazy];
      const peer = neighbors[Math.floor(deps.random.next() * neighbors.length)];
      return [state, peer === undefined ? [] : [send(peer, summaryOf(state))]];
    }
  }
};

const send = <M>(to: PeerId, message: PlumtreeMessage<M>): PlumtreeEffect<M> => ({ t: 'send', to, message });

const receive = <M>(
  state: PlumtreeState<M>,
  from: PeerId,
  message: PlumtreeMessage<M>,
  options: PlumtreeOptions,
): Stepped<M> => {
  // A link that is no neighbour's (any more) changes no tree.
  if (!state.eager.includes(from) && !state.lazy.includes(from)) return [state, []];
  switch (message.t) {
    case 'gossip':
      if (!hasSeen(state.seen, message.id)) {
        const nearer = message.repair ? state : withEager(state, from);
        return spread(nearer, { ...message, hops: message.hops + 1, from }, options);
      }
      if (message.repair || state.lazy.includes(from)) return [state, []];
      return [withLazy(state, from), [send(from, { t: 'prune' })]];
    case 'ihave':
      return announced(state, from, message.ids, options);
    case 'graft': {
      const kept = state.kept.get(message.id);
      return [
        withEager(state, from),
        kept === undefined ? [] : [send(from, gossip(message.id, kept, 0, false))],
      ];
    }
    case 'prune':
      return [withLazy(state, from), []];
    case 'summary':
      return message.sum === sumOf(state) ? [state, []] : [state, [send(from, holdingOf(state))]];
    case 'holding': {
      const unseen = message.ids.slice(0, options.kept).filter((id) => !hasSeen(state.seen, id));
      const theirs = new Set(message.ids);
      const lacking = [...state.kept.keys()].some((id) => !theirs.has(id));
      return [
        state,
        [
          ...(unseen.length > 0 ? [send<M>(from, { t: 'pull', ids: unseen })] : []),
          // Those it lacks it learns by an announcement; it asks if they don't come by the tree.
          ...(lacking
            ? [send<M>(from, { t: 'ihave', ids: [...state.kept.keys()].filter((id) => !theirs.has(id)) })]
            : []),
        ],
      ];
    }
    case 'pull':
      return [
        state,
        message.ids.slice(0, options.kept).flatMap((id) => {
          const kept = state.kept.get(id);
          return kept === undefined ? [] : [send(from, gossip(id, kept, 0, true))];
        }),
      ];
  }
};

const gossip = <M>(id: MessageId, message: M, hops: number, repair: boolean): PlumtreeMessage<M> => ({
  t: 'gossip',
  id,
  hops,
  message,
  repair,
});

/** A message that is new here: told to the one above, sent along the tree, announced beside it. */
const spread = <M>(
  state: PlumtreeState<M>,
  news: {
    readonly id: MessageId;
    readonly message: M;
    readonly hops: number;
    readonly from: PeerId | undefined;
  },
  options: PlumtreeOptions,
): Stepped<M> => {
  const { id, message, hops, from } = news;
  const kept = new Map(state.kept).set(id, message);
  for (const oldest of kept.keys()) {
    if (kept.size <= options.kept) break;
    kept.delete(oldest);
  }
  const missing = state.missing.has(id) ? new Map(state.missing) : state.missing;
  if (missing !== state.missing) (missing as Map<MessageId, unknown>).delete(id);
  return [
    { ...state, seen: withSeen(state.seen, id, options.seenPieces), kept, missing },
    [
      { t: 'deliver', id, message, hops, from },
      ...state.eager
        .filter((peer) => peer !== from)
        .map((peer) => send(peer, gossip(id, message, hops, false))),
      ...state.lazy.filter((peer) => peer !== from).map((peer) => send<M>(peer, { t: 'ihave', ids: [id] })),
    ],
  ];
};

const announced = <M>(
  state: PlumtreeState<M>,
  from: PeerId,
  ids: readonly MessageId[],
  options: PlumtreeOptions,
): Stepped<M> => {
  const unseen = ids.slice(0, options.kept).filter((id) => !hasSeen(state.seen, id));
  if (unseen.length === 0) return [state, []];
  const missing = new Map(state.missing);
  const effects: PlumtreeEffect<M>[] = [];
  for (const id of unseen) {
    const known = missing.get(id);
    if (known?.holders.includes(from) || known?.asked === from) continue;
    if (!known && missing.size >= options.missing) break;
    missing.set(id, { holders: [...(known?.holders ?? []), from], asked: known?.asked });
    if (!known) effects.push({ t: 'wait', id, ms: options.patience });
  }
  return [{ ...state, missing }, effects];
};

/** Asks the nearest of those who announced it, and takes the link into the tree. */
const graft = <M>(
  state: PlumtreeState<M>,
  id: MessageId,
  deps: PlumtreeDeps,
  options: PlumtreeOptions,
): Stepped<M> => {
  const known = state.missing.get(id);
  if (!known) return [state, []];
  const broken: readonly PlumtreeEffect<M>[] =
    known.asked === undefined ? [] : [{ t: 'broken-promise', peer: known.asked }];
  const far = (peer: PeerId) => deps.rtt(peer) ?? Number.POSITIVE_INFINITY;
  const linked = known.holders.filter((peer) => state.eager.includes(peer) || state.lazy.includes(peer));
  const [nearest] = linked.toSorted((a, b) => far(a) - far(b));
  const missing = new Map(state.missing);
  if (nearest === undefined) {
    missing.delete(id); // the next comparison finds it
    return [{ ...state, missing }, broken];
  }
  missing.set(id, { holders: linked.filter((peer) => peer !== nearest), asked: nearest });
  return [
    withEager({ ...state, missing }, nearest),
    [...broken, send(nearest, { t: 'graft', id }), { t: 'wait', id, ms: options.graftPatience }],
  ];
};

const withEager = <M>(state: PlumtreeState<M>, peer: PeerId): PlumtreeState<M> =>
  state.eager.includes(peer)
    ? state
    : { ...state, eager: [...state.eager, peer], lazy: state.lazy.filter((other) => other !== peer) };

const withLazy = <M>(state: PlumtreeState<M>, peer: PeerId): PlumtreeState<M> =>
  state.eager.includes(peer)
    ? { ...state, eager: state.eager.filter((other) => other !== peer), lazy: [...state.lazy, peer] }
    : state;

const withoutPeer = <M>(state: PlumtreeState<M>, peer: PeerId): PlumtreeState<M> => ({
  ...state,
  eager: state.eager.filter((other) => other !== peer),
  lazy: state.lazy.filter((other) => other !== peer),
});

const summaryOf = <M>(state: PlumtreeState<M>): PlumtreeMessage<M> => ({ t: 'summary', sum: sumOf(state) });
const holdingOf = <M>(state: PlumtreeState<M>): PlumtreeMessage<M> => ({
  t: 'holding',
  ids: [...state.kept.keys()],
});

/** FNV-1a of each id, added up: the order in which messages came doesn't matter. */
const sumOf = <M>(state: PlumtreeState<M>): number => {
  let sum = 0;
  for (const id of state.kept.keys()) {
    let hash = 0x811c9dc5;
    for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619);
    sum = (sum + hash) | 0;
  }
  return sum;
};
