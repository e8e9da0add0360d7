import { type Milliseconds, milliseconds, type PeerId, type RoomId } from '../../core/brand.ts';
import { type Bytes, toBase64url } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault } from '../../core/result.ts';
import type { LocalIdentity, PeerIdentity } from '../../identity/types.ts';
import type { Link, LinkEnd, Overlay, OverlayChange } from '../contracts.ts';
import { type EnvelopeSignal, openEnvelope, sealEnvelope } from '../handshake/envelope.ts';
import { fingerprintOfSdp } from '../handshake/fingerprint.ts';
import { acceptGreeting, encodeGreeting, meshProtocol } from '../handshake/greeting.ts';
import { createLink } from '../link.ts';
import type { RawChannel, RtcConnector, RtcSession, SignalBody } from '../ports.ts';
import type { SignalingClient, SignalingEvent } from '../signaling/client.ts';
import { type IceServer, signalingLimits } from '../signaling/protocol.ts';
import { wireLimits } from '../wire/frames.ts';
import { createEnvelopeInbox, createSessionGuard } from './guards.ts';

export type FullMeshDeps = {
  readonly identity: LocalIdentity;
  readonly signaling: SignalingClient;
  readonly rtc: RtcConnector;
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly telemetry: Telemetry;
};
export type FullMeshOptions = {
  readonly room: RoomId;
  readonly build: string;
  /** Another number makes this tab a stranger to all others; tests use it. */
  readonly protocol?: number;
};

/** From dialing to an accepted greeting. */
const connectWithin = milliseconds(15_000);
/** The side that doesn't dial asks to be dialed after this long without a link. */
const knockAfter = milliseconds(4_000);
const longestRedialMs = 30_000;
/** A link that lasted this long was sound: after its loss the first redial is immediate. */
const soundAfterMs = 10_000;
/** What may wait from a peer whose greeting is being checked: two messages of the largest size. */
const maxEarlyBytes = 2 * wireLimits.maxMessageBytes;
/** A room may be full while the tabs of some who left have not been noticed yet; a server that names more is broken. */
const maxKnownPeers = 4 * signalingLimits.maxPeersPerRoom;

type PeerState =
  /** In the room; no link now. `attempts` failed so far. */
  | { readonly phase: 'idle'; readonly attempts: number; readonly cancel: CancelTimer }
  | {
      readonly phase: 'connecting';
      readonly attempts: number;
      readonly cancel: CancelTimer;
      readonly session: string;
      readonly rtc: RtcSession;
      /** What the peer signed it would use; compared with what it does use. */
      fingerprint: string | undefined;
      link: Link | undefined;
    }
  | {
      readonly phase: 'up';
      /** Those that failed before this one, and when it came about. */
      readonly attempts: number;
      readonly since: Milliseconds;
      readonly identity: PeerIdentity;
      readonly link: Link;
      readonly session: string;
    };

/**
 * Everybody in the room linked with everybody: right for up to a dozen tabs. Of two tabs the one with the smaller id
 * dials, so they never dial each other at once. Links outlive signaling, and are built anew when they fail.
 * Doesn't know what messages mean.
 */
export const createFullMesh = (deps: FullMeshDeps, options: FullMeshOptions): Overlay => {
  const { identity, signaling, rtc, clock, timers, random, telemetry } = deps;
  const self = identity.peer;
  const greeting = {
    protocol: options.protocol ?? meshProtocol,
    build: options.build,
    credentials: identity.credentials,
  };
  const statesByPeer = new Map<PeerId, PeerState>();
  const present = new Set<PeerId>();
  const expelled = new Set<PeerId>();
  const guard = createSessionGuard(clock);
  const messages = createEmitter<{ from: PeerId; bytes: Bytes }>();
  const changes = createEmitter<OverlayChange>();
  let ice: readonly IceServer[] = [];
  let closed = false;

  const dials = (peer: PeerId) => self < peer;

  /** Signatures may be ready out of order; envelopes leave in order, or a candidate would come before its offer. */
  let lastRelay: Promise<unknown> = Promise.resolve();
  const relay = (to: PeerId, session: string, signal: EnvelopeSignal): void => {
    const body = { v: 1 as const, room: options.room, from: self, to, session, signal };
    lastRelay = lastRelay
      .then(() => sealEnvelope(body, identity.nodeSigner))
      .then((sealed) => closed || signaling.relay(to, sealed))
      .catch((cause: unknown) => telemetry.log('error', 'mesh', `could not sign: ${String(cause)}`));
  };

  const newSession = () => toBase64url(random.bytes(16));

  const dropState = (peer: PeerId) => {
    const state = statesByPeer.get(peer);
    statesByPeer.delete(peer);
    if (!state) return;
    if (state.phase === 'up') state.link.close('the tab has left');
    else state.cancel();
    if (state.phase !== 'connecting') return;
    state.link?.close('superseded');
    state.rtc.close();
  };

  /** Plans the next attempt: at once the first time, then later and later. */
  const becomeIdle = (peer: PeerId, attempts: number) => {
    statesByPeer.delete(peer);
    if (closed || expelled.has(peer) || !present.has(peer)) return;
    const backoff =
      attempts === 0 ? 0 : Math.min(longestRedialMs, 500 * 2 ** (attempts - 1)) * (0.5 + random.next() / 2);
    const wait = dials(peer) ? backoff : backoff + knockAfter;
    const cancel = timers.after(milliseconds(wait), () => {
      if (dials(peer)) startSession(peer, newSession(), true, attempts);
      else {
        relay(peer, newSession(), { kind: 'knock' });
        becomeIdle(peer, attempts + 1);
      }
    });
    statesByPeer.set(peer, { phase: 'idle', attempts, cancel });
  };

  const onSignal = (peer: PeerId, session: string, signal: SignalBody) => {
    if (signal.kind === 'candidate') return relay(peer, session, signal);
    const fingerprint = fingerprintOfSdp(signal.sdp);
    if (!fingerprint.ok) return failSession(peer, session, fault('failed', fingerprint.error.message));
    return relay(peer, session, { ...signal, fingerprint: fingerprint.value });
  };

  const startSession = (peer: PeerId, session: string, initiator: boolean, attempts: number) => {
    dropState(peer);
    const rtcSession = rtc.connect({ initiator, ice });
    const isCurrent = () => {
      const state = statesByPeer.get(peer);
      return state?.phase === 'connecting' && state.session === session ? state : undefined;
    };
    const cancel = timers.after(connectWithin, () =>
      failSession(peer, session, fault('failed', 'no direct connection came about in time')),
    );
    statesByPeer.set(peer, {
      phase: 'connecting',
      attempts,
      cancel,
      session,
      rtc: rtcSession,
      fingerprint: undefined,
      link: undefined,
    });
    rtcSession.signals((signal) => {
      if (isCurrent()) onSignal(peer, session, signal);
    });
    rtcSession.failed((reason) => {
      if (isCurrent()) failSession(peer, session, fault('failed', reason));
    });
    rtcSession.opened((channel) => {
      const state = isCurrent();
      if (state) void greet(peer, state, channel);
      else channel.close();
    });
  };

  const failSession = (peer: PeerId, session: string, reason: Fault<LinkEnd>) => {
    const state = statesByPeer.get(peer);
    if (state?.phase !== 'connecting' || state.session !== session) return;
    state.cancel();
    state.link?.close(reason.message);
    state.rtc.close();
    telemetry.log('info', 'mesh', `no link: ${reason.message}`, { peer, code: reason.code });
    if (reason.code === 'version' || reason.code === 'identity' || reason.code === 'misbehaved') {
      // Trying again can't help until one of the two reloads, and then it is another peer.
      statesByPeer.delete(peer);
      expelled.add(peer);
      changes.emit({ kind: 'refused', peer, reason });
      return;
    }
    becomeIdle(peer, state.attempts + 1);
  };

  const greet = async (
    peer: PeerId,
    state: Extract<PeerState, { phase: 'connecting' }>,
    channel: RawChannel,
  ) => {
    const { session } = state;
    const link = createLink(channel, { peer, clock, timers });
    state.link = link;
    let greeted = false;
    let ended: Fault<LinkEnd> | undefined;
    const stopClosed = link.closed((reason) => {
      ended = reason;
      // A greeting that came before the goodbye says more about why: it is being looked at.
      if (!greeted) failSession(peer, session, reason);
    });
    const stopMessages = link.messages((bytes) => {
      greeted = true;
      stopMessages(); // the first message is the greeting; what follows waits in `early`
      void onGreeting(bytes);
    });
    const early: Bytes[] = [];
    let earlyBytes = 0;
    const stopEarly = link.messages((bytes) => {
      early.push(bytes);
      earlyBytes += bytes.byteLength;
      if (earlyBytes > maxEarlyBytes)
        failSession(peer, session, fault('misbehaved', 'it talked on before its greeting was accepted'));
    });
    // The session lives as long as its link, whoever ends it.
    link.closed(() => state.rtc.close());

    const onGreeting = async (bytes: Bytes) => {
      const accepted = await acceptGreeting(bytes, { peer, own: greeting }, deps.crypto);
      if (statesByPeer.get(peer) !== state) return link.close('superseded');
      if (!accepted.ok) return failSession(peer, session, accepted.error);
      const used = await channel.remoteFingerprint();
      if (statesByPeer.get(peer) !== state) return link.close('superseded');
      if (used !== undefined && used.toUpperCase() !== state.fingerprint) {
        return failSession(
          peer,
          session,
          fault('identity', 'the certificate in use is not the one that was signed'),
        );
      }
      if (ended) return failSession(peer, session, ended);
      state.cancel();
      stopClosed();
      stopEarly();
      statesByPeer.set(peer, {
        phase: 'up',
        attempts: state.attempts,
        since: clock.monotonic(),
        identity: accepted.value,
        link,
        session,
      });
      link.messages((message) => messages.emit({ from: peer, bytes: message }));
      link.closed((reason) => onLinkDown(peer, session, reason));
      changes.emit({ kind: 'up', peer: accepted.value });
      for (const message of early.slice(1)) messages.emit({ from: peer, bytes: message });
      return undefined;
    };
    const sent = await link.send(encodeGreeting(greeting), 'control');
    if (!sent.ok && !greeted) failSession(peer, session, fault('failed', sent.error.message));
  };

  const onLinkDown = (peer: PeerId, session: string, reason: Fault<LinkEnd>) => {
    const state = statesByPeer.get(peer);
    if (state?.phase !== 'up' || state.session !== session) return;
    if (reason.code === 'misbehaved') expelled.add(peer);
    telemetry.log('info', 'mesh', `link down: ${reason.message}`, { peer, code: reason.code });
    // A link that comes and goes at once must not be redialed at that pace.
    const attempts = clock.monotonic() - state.since < soundAfterMs ? state.attempts + 1 : 0;
    becomeIdle(peer, attempts);
    changes.emit({ kind: 'down', peer, reason });
  };

  const onEnvelope = async (from: PeerId, payload: Bytes) => {
    if (expelled.has(from)) return;
    const opened = await openEnvelope(payload, { room: options.room, from, to: self }, deps.crypto);
    if (closed) return;
    if (!opened.ok)
      return telemetry.log('warn', 'mesh', `envelope refused: ${opened.error.message}`, { peer: from });
    const { session, signal } = opened.value;
    if (expelled.has(from)) return; // meanwhile
    const state = statesByPeer.get(from);
    if (signal.kind === 'knock') {
      if (!dials(from) || state?.phase === 'connecting' || !guard.mayStart(from, session)) return;
      const attempts = state?.phase === 'idle' ? state.attempts : 0;
      dropUp(from, fault('closed-there', 'the other tab has lost this link'));
      if (!expelled.has(from)) startSession(from, newSession(), true, attempts);
      return;
    }
    if (signal.kind === 'offer') {
      if (dials(from)) return; // we dial; an offer from there is not part of the protocol
      if (!guard.mayStart(from, session)) return;
      dropUp(from, fault('closed-there', 'the other tab connects anew'));
      if (!expelled.has(from)) startSession(from, session, false, 0);
    }
    const current = statesByPeer.get(from);
    if (current?.phase !== 'connecting' || current.session !== session) return;
    if (signal.kind !== 'candidate') current.fingerprint = signal.fingerprint;
    current.rtc.accept(signal);
  };

  const dropUp = (peer: PeerId, reason: Fault<LinkEnd>) => {
    const state = statesByPeer.get(peer);
    if (state?.phase !== 'up') return;
    statesByPeer.delete(peer);
    state.link.close(reason.message);
    changes.emit({ kind: 'down', peer, reason });
  };

  const meet = (peer: PeerId) => {
    if (peer === self || expelled.has(peer)) return;
    if (!present.has(peer) && present.size >= maxKnownPeers) return;
    present.add(peer);
    const state = statesByPeer.get(peer);
    // One of us has just come back to the server: what was tried meanwhile could not arrive, so it says nothing.
    if (state?.phase === 'idle') state.cancel();
    if (!state || state.phase === 'idle') becomeIdle(peer, 0);
  };

  const forget = (peer: PeerId) => {
    present.delete(peer);
    // A link that works outlives its tab's connection to the server.
    if (statesByPeer.get(peer)?.phase !== 'up') dropState(peer);
  };

  const inbox = createEnvelopeInbox(onEnvelope, (peer, cause) =>
    telemetry.log('error', 'mesh', `envelope not handled: ${String(cause)}`, { peer }),
  );

  const onSignalingEvent = (event: SignalingEvent) => {
    switch (event.kind) {
      case 'welcome':
        ice = event.ice;
        // Who left while this tab was away from the server is known only by not being named.
        for (const peer of [...present]) if (!event.peers.includes(peer)) forget(peer);
        return event.peers.forEach(meet);
      case 'joined':
        return meet(event.peer);
      case 'left':
        return forget(event.peer);
      case 'relay':
        if (!inbox.accept(event.from, event.payload)) telemetry.count('mesh_envelopes_dropped_total');
        return undefined;
      default:
        return event satisfies never;
    }
  };
  const stopSignaling = signaling.events(onSignalingEvent);

  const upState = (peer: PeerId) => {
    const state = statesByPeer.get(peer);
    return state?.phase === 'up' ? state : undefined;
  };
  return {
    self,
    messages: messages.subscribe,
    changes: changes.subscribe,
    peers: () =>
      [...statesByPeer.values()].flatMap((state) => (state.phase === 'up' ? [state.identity] : [])),
    stats: (peer) => upState(peer)?.link.stats(),
    async send(to, message, priority) {
      const state = upState(to);
      if (!state) return err(fault('unknown-peer', `there is no link to ${to.slice(0, 8)}… now`));
      return state.link.send(message, priority);
    },
    expel(peer, reason) {
      if (peer === self) return;
      expelled.add(peer);
      telemetry.log('warn', 'mesh', `expelled: ${reason}`, { peer });
      dropUp(peer, fault('misbehaved', reason));
      dropState(peer);
    },
    close() {
      closed = true;
      stopSignaling();
      for (const peer of [...statesByPeer.keys()]) {
        dropUp(peer, fault('closed-here', 'this tab has left the room'));
        dropState(peer);
      }
    },
  };
};
