import type SimplePeer from 'simple-peer';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter } from '../../core/events.ts';
import { type Fault, fault } from '../../core/result.ts';
import type { Candidate, RawChannel, RtcConnector, RtcSession, SignalBody } from '../../mesh/ports.ts';
import type { IceServer } from '../../mesh/signaling/protocol.ts';

/**
 * simple-peer's own handles to what it wraps. They are not part of its documented interface, but it has no other way to
 * the low-water event and to the certificate in use; without them links still work, only less well watched.
 */
type Internals = { readonly _channel?: RTCDataChannel; readonly _pc?: RTCPeerConnection };

/**
 * Asked for with the first session: a page shows itself before it links with anybody. A failed load is tried again with the
 * next session.
 */
let loading: Promise<SimplePeer.SimplePeer> | undefined;
const loadSimplePeer = (): Promise<SimplePeer.SimplePeer> => {
  loading ??= import('simple-peer/simplepeer.min.js').then(
    (module) => module.default,
    (cause: unknown) => {
      loading = undefined;
      throw cause;
    },
  );
  return loading;
};

/** WebRTC through simple-peer. Trickles candidates; a session that failed is never mended, a new one is made. */
export const createBrowserRtc = (options: { readonly use?: boolean } = {}): RtcConnector => ({
  available: (options.use ?? true) && typeof RTCPeerConnection === 'function',
  connect(session) {
    const signals = createEmitter<SignalBody>();
    const opened = createEmitter<RawChannel>();
    const failed = createEmitter<Fault<'failed' | 'walled'>>();
    /** What came before there was anybody to take it. */
    const early: RtcSignal[] = [];
    let peer: SimplePeer.Instance | undefined;
    let ended = false;
    let channel: ReturnType<typeof createChannel> | undefined;
    const end = (reason: string, code: 'failed' | 'walled' = 'failed') => {
      if (ended) return;
      ended = true;
      channel?.ended(reason);
      failed.emit(fault(code, reason));
    };
    const take = (signal: RtcSignal) => {
      if (ended || !peer || peer.destroyed) return;
      try {
        peer.signal(fromSignal(signal));
      } catch (cause) {
        end(cause instanceof Error ? cause.message : String(cause));
      }
    };
    const begin = (Peer: SimplePeer.SimplePeer) => {
      if (ended) return;
      const created = new Peer({
        initiator: session.initiator,
        trickle: true,
        config: { iceServers: session.ice.map(toIceServer) },
      });
      peer = created;
      watchForWall(created, () => {
        end('this network lets no direct connection out', 'walled');
        created.destroy();
      });
      created.on('signal', (data) => {
        const signal = toSignal(data);
        if (signal) signals.emit(signal);
      });
      created.on('connect', () => {
        channel = createChannel(created);
        opened.emit(channel.raw);
      });
      created.on('error', (cause: Error) => end(cause.message));
      created.on('close', () => end('the connection closed'));
      for (const signal of early.splice(0)) take(signal);
    };
    loadSimplePeer()
      .then(begin, () => end('a part of this page could not be loaded: reload it'))
      .catch((cause: unknown) => end(cause instanceof Error ? cause.message : String(cause)));
    return {
      signals: signals.subscribe,
      opened: opened.subscribe,
      failed: failed.subscribe,
      accept(signal) {
        if ('key' in signal) return; // for a link through the server
        if (peer) take(signal);
        else early.push(signal);
      },
      close() {
        ended = true;
        // A link closes its session as well as its channel: the goodbye must outlive both.
        if (channel) channel.raw.close();
        else peer?.destroy();
      },
    } satisfies RtcSession;
  },
});

const toIceServer = ({ urls, username, credential }: IceServer): RTCIceServer => ({
  urls: [...urls],
  ...(username === undefined ? {} : { username }),
  ...(credential === undefined ? {} : { credential }),
});

/** Addresses were looked for and none was found, not even a relay's: waiting for an answer would be in vain. */
const watchForWall = (peer: SimplePeer.Instance, walled: () => void): void => {
  const { _pc: connection } = peer as unknown as Internals;
  let found = 0;
  connection?.addEventListener('icecandidate', ({ candidate }) => {
    if (candidate?.candidate) found++;
  });
  connection?.addEventListener('icegatheringstatechange', () => {
    if (connection.iceGatheringState === 'complete' && found === 0 && !peer.destroyed) walled();
  });
};

/** RFC 8831 §6.6: what every browser takes whole. */
const safeFrameBytes = 16 * 1024;
const mostFrameBytes = 256 * 1024;
/** A browser that announces less than this is none: sending to it fails, and its link ends. */
const leastFrameBytes = 1024;

/** What both browsers have agreed on: Firefox says up to 1 GiB, and "no limit" is 0 on the wire, infinite here. */
export const toMaxFrameBytes = (maxMessageSize: number | undefined): number =>
  maxMessageSize === undefined || Number.isNaN(maxMessageSize)
    ? safeFrameBytes
    : Math.max(leastFrameBytes, Math.min(mostFrameBytes, maxMessageSize || mostFrameBytes));

/** What is queued (1 MiB at most) leaves within this on any link that works; the channel's own end comes earlier. */
const goodbyeMs = 2_000;

const createChannel = (peer: SimplePeer.Instance): { raw: RawChannel; ended(reason: string): void } => {
  const { _channel: dataChannel, _pc: connection } = peer as unknown as Internals;
  const frames = createEmitter<Bytes>();
  const closed = createEmitter<string>();
  const low = createEmitter<void>();
  const unreachable = createEmitter<void>();
  let closing = false;
  let relayed = false;
  const lookAtPath = () =>
    void isRelayed(connection).then((is) => {
      relayed = is;
    });
  lookAtPath();
  connection?.sctp?.transport.iceTransport.addEventListener('selectedcandidatepairchange', lookAtPath);
  listen(peer, dataChannel, frames.emit);
  dataChannel?.addEventListener('bufferedamountlow', () => low.emit());
  connection?.addEventListener('iceconnectionstatechange', () => {
    if (connection.iceConnectionState === 'disconnected') unreachable.emit();
  });
  return {
    ended: (reason) => closed.emit(reason),
    raw: {
      maxFrameBytes: toMaxFrameBytes(connection?.sctp?.maxMessageSize),
      frames: frames.subscribe,
      closed: closed.subscribe,
      low: low.subscribe,
      unreachable: unreachable.subscribe,
      setLowWater(bytes) {
        if (dataChannel) dataChannel.bufferedAmountLowThreshold = bytes;
      },
      send(frame) {
        peer.send(frame);
      },
      bufferedAmount: () => (dataChannel ? dataChannel.bufferedAmount : 0),
      relayed: () => relayed,
      close() {
        if (closing) return;
        closing = true;
        // Destroying at once would drop the goodbye that is still queued; a data channel that closes sends it first,
        // and simple-peer destroys itself when it has closed.
        dataChannel?.close();
        setTimeout(() => peer.destroy(), goodbyeMs);
      },
      remoteFingerprint: () => remoteFingerprint(connection),
    },
  };
};

/**
 * Straight from the data channel: through simple-peer's stream each message costs a timer and a turn of the event loop
 * more. What came before anybody listened lies in that stream, so the stream is read until it is empty.
 */
const listen = (
  peer: SimplePeer.Instance,
  dataChannel: RTCDataChannel | undefined,
  emit: (frame: Bytes) => void,
): void => {
  const listenDirectly = () => {
    if (!dataChannel || peer.readableLength > 0) return;
    dataChannel.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (data instanceof ArrayBuffer) emit(new Uint8Array(data));
    };
  };
  peer.on('data', (data: Uint8Array) => {
    emit(new Uint8Array(data));
    listenDirectly();
  });
  listenDirectly();
};

/** From the DTLS transport's certificate where the browser shows it, else from the statistics. */
const remoteFingerprint = async (connection: RTCPeerConnection | undefined): Promise<string | undefined> => {
  try {
    const [certificate] = connection?.sctp?.transport.getRemoteCertificates() ?? [];
    if (certificate) return toFingerprint(await crypto.subtle.digest('SHA-256', certificate));
  } catch {
    // not offered by this browser
  }
  try {
    const reports = [...((await connection?.getStats()) ?? new Map()).values()];
    const transport = reports.find(({ type }) => type === 'transport');
    const certificate = reports.find(({ id }) => id !== undefined && id === transport?.remoteCertificateId);
    return certificate?.fingerprintAlgorithm === 'sha-256' ? certificate.fingerprint : undefined;
  } catch {
    // The browser itself enforces the fingerprint of the session description; this was a second look.
    return undefined;
  }
};

/** RFC 8445: a candidate of type `relay`, at either end of the pair in use, is an address of a TURN server. */
const isRelayed = async (connection: RTCPeerConnection | undefined): Promise<boolean> => {
  try {
    const pair = connection?.sctp?.transport.iceTransport.getSelectedCandidatePair();
    if (pair) return [pair.local, pair.remote].some(({ type }) => type === 'relay');
  } catch {
    // not offered by this browser
  }
  try {
    const stats = (await connection?.getStats()) ?? new Map();
    const reports = [...stats.values()];
    const transport = reports.find(({ type }) => type === 'transport');
    // Firefox has no such report, and marks the pair itself.
    const pair = reports.find(
      ({ id, selected }) => selected || (id && id === transport?.selectedCandidatePairId),
    );
    return [pair?.localCandidateId, pair?.remoteCandidateId].some(
      (id) => id !== undefined && stats.get(id)?.candidateType === 'relay',
    );
  } catch {
    return false;
  }
};

const toFingerprint = (digest: ArrayBuffer): string =>
  Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join(':');

const toSignal = (data: SimplePeer.SignalData): SignalBody | undefined => {
  if ((data.type === 'offer' || data.type === 'answer') && data.sdp)
    return { kind: data.type, sdp: data.sdp };
  if (data.type === 'candidate') {
    const { candidate = '', sdpMid = null, sdpMLineIndex = null } = data.candidate as Partial<Candidate>;
    return { kind: 'candidate', candidate: { candidate, sdpMid, sdpMLineIndex } };
  }
  return undefined; // renegotiation: there are no media to renegotiate
};

type RtcSignal = Exclude<SignalBody, { key: Bytes }>;

const fromSignal = (signal: RtcSignal): SimplePeer.SignalData =>
  signal.kind === 'candidate'
    ? ({ type: 'candidate', candidate: signal.candidate } as SimplePeer.SignalData)
    : { type: signal.kind, sdp: signal.sdp };
