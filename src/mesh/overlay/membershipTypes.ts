import type { PeerId } from '../../core/brand.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Sampler } from './sampler.ts';

export type MembershipState = {
  readonly self: PeerId;
  /** Neighbours: linked, and agreed on both sides. */
  readonly active: readonly PeerId[];
  /** Of the active, those this node asked for itself. */
  readonly chosen: readonly PeerId[];
  /** Of all it ever heard of, an even sample: see `withSample`. */
  readonly samplers: readonly Sampler[];
  /** Heard of; not linked. */
  readonly passive: readonly PeerId[];
  /** Asked for, and for how many ticks more they are waited for. */
  readonly pending: ReadonlyMap<PeerId, number>;
  /** Asked since the last tick: not asked again before the next. */
  readonly tried: ReadonlySet<PeerId>;
  readonly expelled: readonly PeerId[];
  /** How many others were in the room when the server last said so. */
  readonly others: number;
  /** To whom the last shuffle went, until it is answered. */
  readonly shuffledWith: PeerId | undefined;
};

export type MembershipMessage =
  | { readonly t: 'neighbor'; readonly urgent: boolean }
  | { readonly t: 'accepted' }
  /** With others to ask instead. */
  | { readonly t: 'declined'; readonly peers: readonly PeerId[] }
  | { readonly t: 'disconnect' }
  | {
      readonly t: 'shuffle';
      readonly peers: readonly PeerId[];
      readonly ttl: number;
      readonly path: readonly PeerId[];
    }
  | { readonly t: 'shuffle-reply'; readonly peers: readonly PeerId[]; readonly path: readonly PeerId[] };

export type MembershipEvent =
  /** A sample of the room, and how many others there are, from signaling. */
  | { readonly t: 'contacts'; readonly peers: readonly PeerId[]; readonly others: number }
  | { readonly t: 'link-up'; readonly peer: PeerId }
  | { readonly t: 'link-failed'; readonly peer: PeerId }
  | { readonly t: 'link-down'; readonly peer: PeerId }
  | { readonly t: 'received'; readonly from: PeerId; readonly message: MembershipMessage }
  /** It broke the rules: never a neighbour again while this node remembers. */
  | { readonly t: 'expel'; readonly peer: PeerId }
  | { readonly t: 'tick' };

export type MembershipEffect =
  | { readonly t: 'send'; readonly to: PeerId; readonly message: MembershipMessage }
  | { readonly t: 'connect'; readonly peer: PeerId }
  | { readonly t: 'close'; readonly peer: PeerId }
  | { readonly t: 'neighbor-up'; readonly peer: PeerId }
  | { readonly t: 'neighbor-down'; readonly peer: PeerId }
  | { readonly t: 'find-contacts' };

export type MembershipOptions = {
  /** Neighbours of a node in a large room. */
  readonly target: number;
  /** Never more; a room with fewer others than this is small, and everybody in it is linked with everybody. */
  readonly cap: number;
  /** Of these, so many of its own choice. */
  readonly chosen: number;
  /** With more neighbours than this, own choices beyond `chosen` are given up. */
  readonly plenty: number;
  /** With more than this, also those who came by themselves. */
  readonly most: number;
  readonly passive: number;
  readonly samplers: number;
  /** Of ticks, the share that shuffles once enough names are known. */
  readonly shuffleShare: number;
  /** How far a shuffle goes. */
  readonly walk: number;
  readonly shuffleActive: number;
  readonly shufflePassive: number;
  /** Of ticks with a full active view, the share that links to somebody new. */
  readonly rewireShare: number;
};

export const membershipDefaults: MembershipOptions = {
  target: 6,
  cap: 12,
  chosen: 3,
  plenty: 6,
  most: 8,
  passive: 36,
  samplers: 12,
  shuffleShare: 0.3,
  walk: 6,
  shuffleActive: 3,
  shufflePassive: 4,
  rewireShare: 0.02,
};

export const initialMembership = (self: PeerId): MembershipState => ({
  self,
  active: [],
  chosen: [],
  samplers: [],
  passive: [],
  pending: new Map(),
  tried: new Set(),
  expelled: [],
  others: 0,
  shuffledWith: undefined,
});

export type MembershipDeps = {
  readonly random: Pick<Random, 'next'>;
  /** Higher is better, 0 a stranger. */
  score(peer: PeerId): number;
  /** 0…1, among those who serve equally well: the distant, and those of a network that is there already, go first. */
  cost(peer: PeerId): number;
};

export type Stepped = readonly [MembershipState, readonly MembershipEffect[]];
