import { createBoundedMap } from '../../core/boundedMap.ts';
import { type Milliseconds, milliseconds, type PeerId, type RoomId } from '../../core/brand.ts';
import { toBase64url } from '../../core/bytes.ts';
import { createEmitter, type Subscribe } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import type { Random } from '../../core/ports/random.ts';
import type { SealingPort } from '../../core/ports/sealing.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { type Fault, fault } from '../../core/result.ts';
import type { LocalIdentity, PeerIdentity } from '../../identity/types.ts';
import type { Link, LinkEnd, LinkMessage } from '../contracts.ts';
import type { EnvelopeSignal } from '../handshake/envelope.ts';
import { fingerprintOfSdp } from '../handshake/fingerprint.ts';
import { meshProtocol, type OwnGreeting } from '../handshake/greeting.ts';
import { createRoomSeal } from '../handshake/roomSeal.ts';
import type { RawChannel, RtcConnector, RtcSession, SignalBody } from '../ports.ts';
import type { SelfHealth } from '../selfHealth.ts';
import type { SignalingClient, SignalingEvent } from '../signaling/client.ts';
import type { IceServer } from '../signaling/protocol.ts';
import { createCarriedConnector } from './carried.ts';
import { createEnvelopes, type Opened } from './envelopes.ts';
import { createSessionGuard } from './guards.ts';
import { introduce } from './introduction.ts';
import { createLink } from './link.ts';
import { createNarrowPaths } from './narrowPaths.ts';
import { createRedialing } from './redialing.ts';
import { createWays, type DialWay } from './ways.ts';

export type DialerDeps = {
  readonly identity: LocalIdentity;
  readonly signaling: Pick<SignalingClient, 'events' | 'relay' | 'carry' | 'unsentBytes'>;
  readonly rtc: RtcConnector;
  readonly crypto: CryptoPort;
  readonly sealing: SealingPort;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly health: Pick<SelfHealth, 'patience' | 'beats'>;
};
export type DialerOptions = {
  readonly room: RoomId;
  /** What the room's link carries and the server never sees. */
  readonly secret: Uint8Array;
  readonly build: string;
  /** Another number makes this tab a stranger to all others; tests use it. */
  readonly protocol?: number;
};

export type DialerEvent =
  | { readonly kind: 'up'; readonly peer: PeerIdentity }
  | { readonly kind: 'down'; readonly peer: PeerId; readonly reason: Fault<LinkEnd> }
  /** This attempt came to nothing; another one may. */
  | { readonly kind: 'failed'; readonly peer: PeerId; readonly reason: Fault<LinkEnd> }
  /** None will: another version, a wrong identity, or it broke the protocol. */
  | { readonly kind: 'refused'; readonly peer: PeerId; readonly reason: Fault<LinkEnd> }
  | { readonly kind: 'message'; readonly from: PeerId; readonly message: LinkMessage };

export type Linked = {
  readonly identity: PeerIdentity;
  readonly link: Link;
  /** Monotonic. */
  readonly since: Milliseconds;
  readonly way: DialWay;
};

export interface Dialer {
  readonly events: Subscribe<DialerEvent>;
  /** `up`, `failed` or `refused` follows, unless a link is up or under way. */
  connect(peer: PeerId): void;
  linked(peer: PeerId): Linked | undefined;
  all(): readonly Linked[];
  /** Says goodbye, and stops trying. Tells `down` if a link was up. */
  hangUp(peer: PeerId, reason: Fault<LinkEnd>): void;
  /** Never again while this tab lives. */
  ban(peer: PeerId, reason: Fault<LinkEnd>): void;
  /** Equal for peers of one address prefix, as the server has seen them. */
  network(peer: PeerId): string | undefined;
  /** This device is on another network now: what failed may work, and what works may be dead. */
  networkChanged(): void;
  close(): void;
}

/** Links and attempts together: a room full of strangers must not exhaust this tab. */
const maxLinks = 48;
/** Strangers make new ids at will: the oldest are forgotten. */
const rememberedPeers = 256;
/** Which messages ask for a link, and for what kind. */
const offeredWay: Partial<Record<EnvelopeSignal['kind'], DialWay>> = {
  offer: 'direct',
  'carried-offer': 'carried',
};

type PeerState =
  /** The last attempts failed; the next one waits. */
  | { readonly phase: 'waiting'; readonly cancel: CancelTimer }
  | {
      readonly phase: 'connecting';
      readonly cancel: CancelTimer;
      readonly session: string;
      readonly initiator: boolean;
      readonly way: DialWay;
      readonly startedAt: number;
      readonly rtc: RtcSession;
      /** The other tab is there: it offered, or it answered. */
      heard: boolean;
      /** What the peer signed it would use; compared with what it does use. */
      fingerprint: string | undefined;
      link: Link | undefined;
    }
  | {
      readonly phase: 'up';
      readonly identity: PeerIdentity;
      readonly link: Link;
      readonly session: string;
      readonly since: Milliseconds;
      readonly way: DialWay;
    };

/**
 * Opens links to peers of the room and takes those that are offered, each authenticated from the first byte. Either side
 * may dial; if both do at once, the offer of the smaller id stands. Where no direct connection comes about, the link goes
 * through the server, sealed. Direct links outlive signaling. Knows sessions, ways, redial delays and who is banned;
 * doesn't know whom this tab should be linked with.
 */
export const createDialer = (deps: DialerDeps, options: DialerOptions): Dialer => {
  const { identity, signaling, rtc, clock, timers, random, telemetry } = deps;
  const self = identity.peer;
  const greeting: OwnGreeting = {
    protocol: options.protocol ?? meshProtocol,
    build: options.build,
    credentials: identity.credentials,
  };
  const statesByPeer = new Map<PeerId, PeerState>();
  const networksByPeer = createBoundedMap<PeerId, string>(rememberedPeers);
  const banned = createBoundedMap<PeerId, true>(rememberedPeers);
  const guard = createSessionGuard(clock);
  const redialing = createRedialing({ clock, random });
  let narrowPaths = createNarrowPaths({ clock });
  const carried = createCarriedConnector(deps, { room: options.room, self });
  const ways = createWays({ clock, health: deps.health, direct: rtc.available });
  const events = createEmitter<DialerEvent>();
  let ice: readonly IceServer[] = [];
  let closed = false;

  const relay = (to: PeerId, session: string, signal: EnvelopeSignal): void =>
    envelopes.send(to, session, signal, () =>
      failSession(to, session, fault('failed', 'there is no server to meet through now')),
    );

  const isBanned = (peer: PeerId) => banned.get(peer) !== undefined;

  const dropState = (peer: PeerId) => {
    const state = statesByPeer.get(peer);
    statesByPeer.delete(peer);
    if (!state) return;
    if (state.phase === 'up') return state.link.close('the tab has left');
    state.cancel();
    if (state.phase !== 'connecting') return;
    state.link?.close('superseded');
    state.rtc.close();
  };

  const whyNotDial = (peer: PeerId): string | undefined => {
    if (isBanned(peer)) return 'this peer is not linked again';
    if (statesByPeer.size >= maxLinks) return 'this tab has links enough';
    if (!rtc.available && !ways.canCarry) return 'this browser has no WebRTC, and the server carries nothing';
    return undefined;
  };

  const connect = (peer: PeerId) => {
    if (peer === self || closed || statesByPeer.has(peer)) return;
    const reason = whyNotDial(peer);
    if (reason) {
      queueMicrotask(() => events.emit({ kind: 'failed', peer, reason: fault('failed', reason) }));
      return;
    }
    const wait = redialing.delay(peer);
    const start = () => startSession(peer, newSession(), true, ways.to(peer));
    if (wait === 0) return start();
    statesByPeer.set(peer, { phase: 'waiting', cancel: timers.after(milliseconds(wait), start) });
  };

  const newSession = () => toBase64url(random.bytes(16));

  const onSignal = (peer: PeerId, session: string, signal: SignalBody) => {
    if (!('sdp' in signal)) return relay(peer, session, signal);
    const fingerprint = fingerprintOfSdp(signal.sdp);
    if (!fingerprint.ok) return failSession(peer, session, fault('failed', fingerprint.error.message));
    return relay(peer, session, { ...signal, fingerprint: fingerprint.value });
  };

  const currentOf = (peer: PeerId, session: string) => {
    const state = statesByPeer.get(peer);
    return state?.phase === 'connecting' && state.session === session ? state : undefined;
  };

  const startSession = (peer: PeerId, session: string, initiator: boolean, way: DialWay) => {
    dropState(peer);
    const rtcSession =
      way === 'direct' ? rtc.connect({ initiator, ice }) : carried.connect({ initiator, peer, session });
    const cancel = timers.after(ways.patience(way), () =>
      failSession(peer, session, fault('failed', 'no connection came about in time')),
    );
    statesByPeer.set(peer, {
      phase: 'connecting',
      cancel,
      session,
      initiator,
      way,
      startedAt: clock.monotonic(),
      heard: !initiator,
      rtc: rtcSession,
      fingerprint: undefined,
      link: undefined,
    });
    rtcSession.signals((signal) => currentOf(peer, session) && onSignal(peer, session, signal));
    rtcSession.failed(({ code, message }) =>
      failSession(peer, session, fault('failed', message), code === 'walled'),
    );
    rtcSession.opened((channel) => {
      const state = currentOf(peer, session);
      if (state) void greet(peer, state, channel);
      else channel.close();
    });
  };

  const failSession = (peer: PeerId, session: string, reason: Fault<LinkEnd>, walled = false): void => {
    const state = currentOf(peer, session);
    if (!state) return;
    statesByPeer.delete(peer);
    state.cancel();
    state.link?.close(reason.message);
    state.rtc.close();
    telemetry.log('info', 'mesh', `no link: ${reason.message}`, { peer, code: reason.code });
    observeOpening(state, reason.code);
    if (reason.code === 'version' || reason.code === 'identity' || reason.code === 'misbehaved') {
      // Trying again can't help until one of the two reloads, and then it is another peer.
      banned.set(peer, true);
      events.emit({ kind: 'refused', peer, reason });
      return;
    }
    if (walled ? ways.walled() : ways.failed(peer, state.way, state.heard)) {
      telemetry.count('mesh_links_carried_total');
      startSession(peer, newSession(), true, 'carried');
      return;
    }
    redialing.failed(peer);
    events.emit({ kind: 'failed', peer, reason });
  };

  const observeOpening = ({ startedAt, way }: { startedAt: number; way: DialWay }, outcome: string) =>
    telemetry.observe('mesh_link_open_seconds', (clock.monotonic() - startedAt) / 1_000, { way, outcome });

  const greet = async (
    peer: PeerId,
    state: Extract<PeerState, { phase: 'connecting' }>,
    channel: RawChannel,
  ) => {
    const { session } = state;
    const link = createLink(channel, { peer, clock, health: deps.health, narrowPaths });
    state.link = link;
    // The session lives as long as its link, whoever ends it.
    link.closed(() => state.rtc.close());
    const met = await introduce(link, channel, deps, {
      peer,
      own: greeting,
      fingerprint: () => state.fingerprint,
    });
    if (statesByPeer.get(peer) !== state) return link.close('superseded');
    if (!met.ok) return failSession(peer, session, met.error);
    state.cancel();
    const { identity: other, deliver } = met.value;
    const { way } = state;
    ways.opened(way);
    observeOpening(state, 'up');
    statesByPeer.set(peer, { phase: 'up', identity: other, link, session, since: clock.monotonic(), way });
    link.closed((reason) => onLinkDown(peer, session, reason));
    events.emit({ kind: 'up', peer: other });
    return deliver((message) => {
      if (upState(peer)?.session === session) events.emit({ kind: 'message', from: peer, message });
    });
  };

  const onLinkDown = (peer: PeerId, session: string, reason: Fault<LinkEnd>) => {
    const state = upState(peer);
    if (state?.session !== session) return;
    statesByPeer.delete(peer);
    if (reason.code === 'misbehaved') banned.set(peer, true);
    redialing.down(peer, clock.monotonic() - state.since);
    telemetry.log('info', 'mesh', `link down: ${reason.message}`, { peer, code: reason.code });
    telemetry.count('mesh_links_lost_total', 1, { reason: reason.code });
    events.emit({ kind: 'down', peer, reason });
  };

  const onEnvelope = (from: PeerId, { session, signal }: Opened): void => {
    const offered = offeredWay[signal.kind];
    if (offered) {
      if (!mayAnswer(from, session, offered)) return;
      hangUp(from, fault('closed-there', 'the other tab connects anew'));
      // It tried to reach this tab directly, and this browser can't: the other way round and through the server, then.
      if (offered === 'direct' && !rtc.available) {
        startSession(from, newSession(), true, 'carried');
        return;
      }
      startSession(from, session, false, offered);
    }
    const current = currentOf(from, session);
    if (!current) return;
    if ('sdp' in signal) current.fingerprint = signal.fingerprint;
    current.heard = true;
    current.rtc.accept(signal);
  };

  const mayAnswer = (from: PeerId, session: string, offered: DialWay): boolean => {
    if (!guard.mayStart(from, session)) return false; // asked first: what is not answered now is not answered later
    if ((offered === 'carried' || !rtc.available) && !ways.canCarry) return false;
    const state = statesByPeer.get(from);
    if (state?.phase === 'connecting' && state.initiator) {
      // Both dialed at once. Whoever offers to go through the server has tried otherwise before; else the smaller id's
      // offer stands, and the other side answers it.
      if (state.way !== offered) return offered === 'carried';
      if (self < from) return false;
    }
    return state !== undefined || statesByPeer.size < maxLinks;
  };

  const redialWaiting = () => {
    for (const [peer, state] of [...statesByPeer]) {
      if (state.phase !== 'waiting') continue;
      dropState(peer);
      connect(peer);
    }
  };

  const onSignalingEvent = (event: SignalingEvent): void => {
    if (event.kind === 'welcome') {
      ice = event.ice;
      ways.serverCarries(event.carries);
      // What was tried while this tab was away from the server could not arrive, so it says nothing.
      redialing.forgive();
      redialWaiting();
    } else if (event.kind === 'gone') {
      const state = statesByPeer.get(event.peer);
      if (state?.phase === 'connecting')
        failSession(event.peer, state.session, fault('failed', 'it is not in the room any more'));
    } else if (event.kind === 'relay') {
      if (event.network !== undefined) networksByPeer.set(event.from, event.network);
      envelopes.arrived(event);
    }
  };
  const envelopes = createEnvelopes(
    {
      ...deps,
      seal: createRoomSeal(deps, options),
      mayWrite: (peer) => !isBanned(peer),
      onOpened: onEnvelope,
    },
    options,
  );
  const stopSignaling = signaling.events(onSignalingEvent);

  const upState = (peer: PeerId) => {
    const state = statesByPeer.get(peer);
    return state?.phase === 'up' ? state : undefined;
  };
  const hangUp = (peer: PeerId, reason: Fault<LinkEnd>) => {
    const state = upState(peer);
    if (!state) return dropState(peer);
    statesByPeer.delete(peer);
    state.link.close(reason.message);
    events.emit({ kind: 'down', peer, reason });
  };

  return {
    events: events.subscribe,
    connect,
    hangUp,
    linked: upState,
    all: () => [...statesByPeer.values()].filter((state) => state.phase === 'up'),
    ban(peer, reason) {
      if (peer === self) return;
      banned.set(peer, true);
      telemetry.log('warn', 'mesh', `expelled: ${reason.message}`, { peer });
      hangUp(peer, reason);
    },
    network: (peer) => networksByPeer.get(peer),
    networkChanged() {
      ways.forget();
      narrowPaths = createNarrowPaths({ clock });
      redialing.forgive();
      for (const state of statesByPeer.values()) if (state.phase === 'up') state.link.probe();
      redialWaiting();
    },
    close() {
      closed = true;
      stopSignaling();
      envelopes.close();
      for (const peer of [...statesByPeer.keys()])
        hangUp(peer, fault('closed-here', 'this tab has left the room'));
      carried.close();
    },
  };
};
