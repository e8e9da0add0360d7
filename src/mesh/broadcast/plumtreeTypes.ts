import type { PeerId } from '../../core/brand.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Kept } from './kept.ts';
import type { Seen } from './seen.ts';
import type { Shelves } from './shelves.ts';

export type MessageId = string;

/** What the tree has to know of a message. */
export type BroadcastItem = {
  /** When it was sent, by its origin's clock: Unix ms. */
  readonly at: number;
  /** Worth its duplicates: it goes to every neighbour at once and doesn't wait for the tree to be mended. */
  readonly critical: boolean;
};

export type PlumtreeState<M extends BroadcastItem> = {
  readonly eager: readonly PeerId[];
  readonly lazy: readonly PeerId[];
  readonly seen: Seen<MessageId>;
  /** Those of `seen` that went to everybody: that they come twice says nothing about the tree. */
  readonly critical: Seen<MessageId>;
  /** The newest messages whole, for who missed them. */
  readonly kept: Kept<M>;
  /** Announced and not here yet, with who has them. */
  readonly missing: Shelves<Announced>;
  /** What is to be announced to whom with the next `announce`: one message of many ids costs little more than one of one. */
  readonly toAnnounce: ReadonlyMap<PeerId, readonly MessageId[]>;
  /** What each neighbour was answered since the last tick. */
  readonly answered: ReadonlyMap<PeerId, Answered>;
};

export type Announced = { readonly holders: readonly PeerId[]; readonly asked: PeerId | undefined };

/** The messages that cost much more to answer than to send. */
export type Question = 'summary' | 'holding' | 'pull' | 'graft';
export type Answered = Readonly<Record<Question, number>>;

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
  /** What is kept, in a number: equal sums, equal sets (but for one chance in 2³²). */
  | { readonly t: 'summary'; readonly sum: number }
  | { readonly t: 'holding'; readonly ids: readonly MessageId[] }
  | { readonly t: 'pull'; readonly ids: readonly MessageId[] };

export type PlumtreeEvent<M> =
  | { readonly t: 'neighbor-up'; readonly peer: PeerId }
  | { readonly t: 'neighbor-down'; readonly peer: PeerId }
  | { readonly t: 'broadcast'; readonly id: MessageId; readonly message: M }
  | { readonly t: 'received'; readonly from: PeerId; readonly message: PlumtreeMessage<M> }
  /** A gossip whose id was seen: the tree learns from it, and nobody has to check its message again. */
  | { readonly t: 'duplicate'; readonly from: PeerId; readonly id: MessageId; readonly repair: boolean }
  /** It came and can't be used here, which is not the fault of who sent it: nobody is asked for it any more. */
  | { readonly t: 'dropped'; readonly id: MessageId }
  | { readonly t: 'overdue'; readonly id: MessageId }
  /** As was asked for. */
  | { readonly t: 'announce' }
  /** `now`: Unix ms, by the clock that `at` is compared with. */
  | { readonly t: 'tick'; readonly now: number };

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
  /** Asks for one `announce` event after so many milliseconds. */
  | { readonly t: 'announce-after'; readonly ms: number }
  /** It announced a message, was asked for it, and did not send it in time. */
  | { readonly t: 'broken-promise'; readonly peer: PeerId };

export type PlumtreeOptions = {
  /** How long what is to be announced is collected, in ms: at least, and by chance so much longer. */
  readonly collect: number;
  readonly collectSpread: number;
  /** Of so many ids one announcement is made at once. */
  readonly collected: number;
  /**
   * How long an announced message may take to come by the tree, in ms. It was collected before: whoever waits for it has
   * waited so much longer since its neighbour had it.
   */
  readonly patience: number;
  /** How long one that was asked for may take, in ms. */
  readonly graftPatience: number;
  /** Messages kept whole; also how many ids of one message are read. */
  readonly kept: number;
  /** How long they are kept, in ms from when they were sent. */
  readonly keepMs: number;
  /** What is forgotten could be played again while it is young enough to be accepted. */
  readonly seenPieces: number;
  readonly missing: number;
};

export const plumtreeDefaults: PlumtreeOptions = {
  collect: 20,
  collectSpread: 180,
  collected: 64,
  patience: 250,
  graftPatience: 250,
  kept: 256,
  keepMs: 720_000,
  seenPieces: 128, // of 64 ids: a quarter of an hour at nine a second
  missing: 1_024,
};

export type PlumtreeDeps = {
  readonly random: Pick<Random, 'next'>;
  /** Measured round trip in ms; unknown is the slowest. */
  rtt(peer: PeerId): number | undefined;
};
