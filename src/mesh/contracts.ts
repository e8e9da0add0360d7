import type * as v from 'valibot';
import type { ByteCount, Milliseconds, PeerId } from '../core/brand.ts';
import type { Bytes } from '../core/bytes.ts';
import type { Subscribe, Unsubscribe } from '../core/events.ts';
import type { SpanContext } from '../core/ports/telemetry.ts';
import type { Fault, Result } from '../core/result.ts';
import type { PeerIdentity } from '../identity/types.ts';
import type { Observation } from './overlay/scores.ts';

/** `control` overtakes `bulk` between frames, and never starves it. */
export type Priority = 'control' | 'bulk';

/** Which protocol a message on a link belongs to. */
export type Channel = 'greeting' | 'overlay' | 'broadcast' | 'rpc' | 'letters';
export type LinkMessage = { readonly channel: Channel; readonly bytes: Bytes };

export type SendError = Fault<'closed' | 'unknown-peer' | 'too-large' | 'aborted'>;

/**
 * One authenticated, ordered, reliable message pipe to one peer. Knows framing, back-pressure and priorities; does
 * not know who else exists, nor what a message means.
 */
export interface Link {
  readonly peer: PeerId;
  /** Resolves when the last frame was handed to the network under back-pressure. One message ≤ 16 MiB. */
  send(message: Uint8Array, priority: Priority, channel: Channel): Promise<Result<void, SendError>>;
  readonly messages: Subscribe<LinkMessage>;
  readonly closed: Subscribe<Fault<LinkEnd>>;
  readonly stats: () => LinkStats;
  /** The network has changed: asks now whether the other side is still there, and gives up within seconds if not. */
  probe(): void;
  /** Whether its path leads over a TURN server now, as far as the browser tells. */
  relayed(): boolean;
  close(reason: string): void;
}

/** Between the two tabs, over a TURN server between them, or sealed through the signaling server. */
export type Way = 'direct' | 'relayed' | 'carried';

export type LinkEnd =
  | 'closed-here'
  | 'closed-there'
  | 'failed'
  /** Large frames were lost on the way and small ones were not: the next link to this peer sends small ones. */
  | 'stalled'
  | 'misbehaved'
  | 'version'
  | 'identity';

export type LinkStats = {
  /** Of messages, without what keeps the link alive. */
  readonly bytesSent: ByteCount;
  readonly bytesReceived: ByteCount;
  /** Smoothed round-trip time (RFC 6298 weights), once measured. */
  readonly rtt: Milliseconds | undefined;
};

export type OverlayChange =
  | { readonly kind: 'up'; readonly peer: PeerIdentity }
  | { readonly kind: 'down'; readonly peer: PeerId; readonly reason: Fault<LinkEnd> }
  /** Somebody could not join us, or we them: shown to the person, with what to do. */
  | { readonly kind: 'refused'; readonly peer: PeerId; readonly reason: Fault<LinkEnd> };

export type OpenError = Fault<'unreachable' | 'declined'>;

/** One protocol's share of every link; the simulator implements it with virtual time. */
export interface MessageTransport {
  readonly self: PeerId;
  /** Makes a link if there is none; it stays while it is used. */
  reach(peer: PeerId): Promise<Result<void, OpenError>>;
  send(to: PeerId, message: Uint8Array, priority: Priority): Promise<Result<void, SendError>>;
  readonly messages: Subscribe<{ readonly from: PeerId; readonly bytes: Bytes }>;
  readonly changes: Subscribe<OverlayChange>;
  /** Breaks with a peer whose messages are not acceptable: the message costs its sender, not us. */
  expel(peer: PeerId, reason: string): void;
}

export type NeighborChange = { readonly peer: PeerId; readonly up: boolean };

/**
 * Who this tab can talk to: everybody in a room of up to a dozen, some of everybody in a larger one. Doesn't know what
 * messages mean.
 */
export interface Overlay {
  readonly self: PeerId;
  /** Everybody linked: neighbours, and those with whom work is under way. */
  peers(): readonly PeerIdentity[];
  stats(peer: PeerId): (LinkStats & { readonly way: Way }) | undefined;
  readonly changes: Subscribe<OverlayChange>;
  /** Those the overlay itself chose or took in; broadcasts travel among them. */
  neighbors(): readonly PeerId[];
  readonly neighborChanges: Subscribe<NeighborChange>;
  transport(channel: Exclude<Channel, 'greeting' | 'overlay'>): MessageTransport;
  /** What a protocol has seen of a peer: it decides who is kept. */
  observe(peer: PeerId, observation: Observation): void;
  expel(peer: PeerId, reason: string): void;
  /** This device is on another network now. */
  networkChanged(): void;
  close(): void;
}

/** A remote procedure: its schemas are its contract, checked on both sides. */
export interface Method<Input, Output, Progress> {
  readonly name: string;
  readonly input: v.GenericSchema<unknown, Input>;
  readonly output: v.GenericSchema<unknown, Output>;
  readonly progress: v.GenericSchema<unknown, Progress>;
  readonly priority: Priority;
}

export type RpcError = Fault<
  /** the caller's signal */
  | 'cancelled'
  /** the deadline passed */
  | 'deadline'
  /** the link is gone */
  | 'peer-lost'
  /** 3 s with neither progress nor an answered ping */
  | 'silent'
  /** the peer said no (limits, pause, consent, version); `message` is its reason */
  | 'refused'
  /** the peer's queue is full */
  | 'overloaded'
  /** the handler failed over there */
  | 'failed'
  /** the answer does not fit the method's schema */
  | 'invalid'
>;

export interface CallOptions<Progress> {
  readonly deadline: Milliseconds;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** The span for which the call is made: the call gets a span of its own under it, and its context travels along. */
  readonly trace?: SpanContext | undefined;
}

export interface HandlerContext<Progress> {
  readonly from: PeerId;
  /** Aborts on the caller's cancel, on its deadline, and when its link goes down. */
  readonly signal: AbortSignal;
  progress(value: Progress): void;
  /** The span of this side, if the caller sent one along: what is done for the call belongs under it. */
  readonly trace?: SpanContext | undefined;
}

export type Handler<Input, Output, Progress> = (
  input: Input,
  context: HandlerContext<Progress>,
) => Promise<Result<Output, Fault<'refused' | 'overloaded' | 'failed'>>>;

export interface Rpc {
  call<Input, Output, Progress>(
    to: PeerId,
    method: Method<Input, Output, Progress>,
    input: Input,
    options: CallOptions<Progress>,
  ): Promise<Result<Output, RpcError>>;
  handle<Input, Output, Progress>(
    method: Method<Input, Output, Progress>,
    handler: Handler<Input, Output, Progress>,
  ): Unsubscribe;
  close(): void;
}
