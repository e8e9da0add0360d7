import type { Bytes } from '../core/bytes.ts';
import type { Subscribe } from '../core/events.ts';
import type { Fault } from '../core/result.ts';
import type { IceServer } from './signaling/protocol.ts';

/** An open, ordered, reliable datagram pipe: a WebRTC data channel, or two ends in memory. */
export interface RawChannel {
  /** The longest frame that the other side takes whole: 1 to 256 KiB, and 16 where the browser doesn't tell. */
  readonly maxFrameBytes: number;
  /** Frames are at most `maxFrameBytes` long; throws if the channel is closed. */
  send(frame: Bytes): void;
  /** Bytes handed over that have not left for the network yet. */
  bufferedAmount(): number;
  /** Fires when the buffered amount falls to the low-water mark from above it. */
  readonly low: Subscribe<void>;
  /** Sets the low-water mark, in bytes; 64 KiB until then. */
  setLowWater(bytes: number): void;
  readonly frames: Subscribe<Bytes>;
  readonly closed: Subscribe<string>;
  /** Checks that the browser makes of the path by itself have gone unanswered for some seconds; the channel stays open. */
  readonly unreachable: Subscribe<void>;
  /** Whether a TURN server passes its packets on, as far as the browser has told. */
  relayed(): boolean;
  close(): void;
  /** SHA-256 of the certificate the other side really used ("AB:CD:…"); undefined if this browser doesn't tell. */
  remoteFingerprint(): Promise<string | undefined>;
}

export type Candidate = {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
};
export type SignalBody =
  | { readonly kind: 'offer' | 'answer'; readonly sdp: string }
  | { readonly kind: 'candidate'; readonly candidate: Candidate }
  /** For a link through the server: this side's X25519 key. */
  | { readonly kind: 'carried-offer' | 'carried-answer'; readonly key: Bytes };

/** One attempt to connect. It ends in `opened` or in `failed`, once. */
export interface RtcSession {
  accept(signal: SignalBody): void;
  readonly signals: Subscribe<SignalBody>;
  readonly opened: Subscribe<RawChannel>;
  /** `walled`: this device's network lets nothing out, so no other peer will be reached either. */
  readonly failed: Subscribe<Fault<'failed' | 'walled'>>;
  close(): void;
}

export interface RtcConnector {
  /** False where there is no WebRTC, or it is not to be used: then links go through the server. */
  readonly available: boolean;
  connect(options: { readonly initiator: boolean; readonly ice: readonly IceServer[] }): RtcSession;
}

export interface Socket {
  send(message: Bytes): void;
  /** Bytes that were sent and have not left yet. */
  bufferedAmount(): number;
  close(): void;
}
export type OpenSocket = (
  url: string,
  on: { open(): void; message(bytes: Bytes): void; closed(): void },
) => Socket;
