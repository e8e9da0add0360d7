import { hkdf } from '@noble/hashes/hkdf.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { type Bytes, concatBytes, fromBase64url, toHex, utf8 } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import type { SealingPort } from '../../core/ports/sealing.ts';
import type { Timers } from '../../core/ports/timers.ts';
import { type Fault, fault } from '../../core/result.ts';
import type { RawChannel, RtcSession, SignalBody } from '../ports.ts';
import type { SignalingClient } from '../signaling/client.ts';
import { carriedLimits, createCarriedChannel } from './carriedChannel.ts';

const limits = carriedLimits;

export interface CarriedConnector {
  connect(options: {
    readonly initiator: boolean;
    readonly peer: PeerId;
    /** As in the envelopes: 22 characters of base64url. */
    readonly session: string;
  }): RtcSession;
  close(): void;
}

export type CarriedDeps = {
  readonly signaling: Pick<SignalingClient, 'events' | 'carry' | 'unsentBytes'>;
  readonly sealing: SealingPort;
  readonly timers: Timers;
};

/** Makes sessions that look like direct ones to whoever uses them. Doesn't know when one is to be preferred. */
export const createCarriedConnector = (
  deps: CarriedDeps,
  options: { readonly room: RoomId; readonly self: PeerId },
): CarriedConnector => {
  const sessionsByKey = new Map<string, ReturnType<typeof createSession>>();
  const keyOf = (peer: PeerId, session: Uint8Array) => `${peer} ${toHex(session)}`;
  const stop = deps.signaling.events((event) => {
    if (event.kind === 'carried')
      return sessionsByKey
        .get(keyOf(event.from, event.payload.subarray(0, limits.sessionBytes)))
        ?.received(event.payload.subarray(limits.sessionBytes));
    // A new connection to the server: what was under way on the old one is lost.
    if (event.kind === 'welcome')
      for (const session of [...sessionsByKey.values()]) session.end('the way through the server was lost');
    if (event.kind === 'gone')
      for (const session of [...sessionsByKey.values()])
        if (session.peer === event.peer) session.end('it is not in the room any more');
    return undefined;
  });
  return {
    connect({ initiator, peer, session }) {
      const bytes = fromBase64url(session) ?? new Uint8Array(limits.sessionBytes);
      const key = keyOf(peer, bytes);
      const created = createSession(deps, {
        ...options,
        initiator,
        peer,
        session: bytes,
        forget: () => void sessionsByKey.delete(key),
      });
      sessionsByKey.set(key, created);
      return created.rtc;
    },
    close() {
      stop();
      for (const session of [...sessionsByKey.values()]) session.end('this tab has left the room');
    },
  };
};

const createSession = (
  deps: CarriedDeps,
  options: {
    readonly initiator: boolean;
    readonly room: RoomId;
    readonly self: PeerId;
    readonly peer: PeerId;
    readonly session: Bytes;
    readonly forget: () => void;
  },
) => {
  const { initiator, peer, session, self, room } = options;
  const signals = createEmitter<SignalBody>();
  const opened = createEmitter<RawChannel>();
  const failed = createEmitter<Fault<'failed'>>();
  let channel: ReturnType<typeof createCarriedChannel> | undefined;
  let ended = false;
  const early: Bytes[] = [];

  const end = (reason: string) => {
    if (ended) return;
    ended = true;
    options.forget();
    channel?.end(reason);
    failed.emit(fault('failed', reason));
  };

  const own = deps.sealing.generateAgreementKey();
  const offer = async (kind: 'carried-offer' | 'carried-answer') => {
    try {
      const { publicKey } = await own;
      if (!ended) signals.emit({ kind, key: publicKey });
    } catch {
      end('this browser can not agree on keys (X25519), so nothing can be carried for it');
    }
  };
  if (initiator) void offer('carried-offer');
  // Its failure is told where the key is used.
  else own.catch(() => {});

  const agree = async (theirs: Uint8Array) => {
    const shared = await (await own).agree(theirs);
    if (!shared) return end('the other tab sent a key that is none');
    const [first, second] = initiator ? [self, peer] : [peer, self];
    const info = concatBytes(utf8('aivillage/carried/1'), utf8(room), utf8(first), utf8(second));
    const keys = hkdf(sha256, shared, session, info, 64);
    const [there, back] = await Promise.all(
      [keys.subarray(0, 32), keys.subarray(32)].map((key) => deps.sealing.sealingKey(key)),
    );
    if (ended || !there || !back) return undefined;
    channel = createCarriedChannel(deps, {
      peer,
      session,
      outgoing: initiator ? there : back,
      incoming: initiator ? back : there,
      onEnd: end,
    });
    opened.emit(channel.raw);
    for (const frame of early.splice(0)) channel.received(frame);
    return undefined;
  };

  let accepted = false;
  return {
    peer,
    end,
    received(frame: Bytes) {
      if (channel) channel.received(frame);
      else if (!ended && early.length < limits.maxEarlyFrames) early.push(frame);
    },
    rtc: {
      signals: signals.subscribe,
      opened: opened.subscribe,
      failed: failed.subscribe,
      accept(signal) {
        if (
          ended ||
          accepted ||
          !('key' in signal) ||
          signal.kind !== (initiator ? 'carried-answer' : 'carried-offer')
        )
          return;
        accepted = true;
        // The answer leaves first: what this side says next is sealed with the keys that follow from it.
        if (!initiator) void offer('carried-answer');
        agree(signal.key).catch(() => end('the keys could not be agreed on'));
      },
      close: () => (channel ? channel.raw.close() : end('closed')),
    } satisfies RtcSession,
  };
};
