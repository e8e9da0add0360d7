import { milliseconds, type PeerId } from '../core/brand.ts';
import type { Bytes } from '../core/bytes.ts';
import { createEmitter } from '../core/events.ts';
import type { Clock } from '../core/ports/clock.ts';
import type { Random } from '../core/ports/random.ts';
import type { Timers } from '../core/ports/timers.ts';
import { err, type Fault, fault, ok } from '../core/result.ts';
import type { MessageTransport, OverlayChange, Priority } from './contracts.ts';
import type { RawChannel, RtcConnector, SignalBody } from './ports.ts';
import type { SignalingClient, SignalingEvent } from './signaling/client.ts';

type Due = { readonly at: number; readonly order: number; readonly run: () => void };

/** A clock that stands still until `advance`; what was due runs in order, with promises settled in between. */
export const createManualTime = () => {
  let now = 0;
  let order = 0;
  let due: Due[] = [];
  const at = (delay: number, run: () => void) => {
    const entry = { at: now + delay, order: order++, run };
    due.push(entry);
    return () => {
      due = due.filter((other) => other !== entry);
    };
  };
  const clock: Clock = { now: () => milliseconds(now), monotonic: () => milliseconds(now) };
  const timers: Timers = {
    after: at,
    every(period, run) {
      let stopped = false;
      let cancel = () => {};
      const again = () => {
        cancel = at(period, () => {
          run();
          if (!stopped) again();
        });
      };
      again();
      return () => {
        stopped = true;
        cancel();
      };
    },
  };
  return {
    clock,
    timers,
    /** How many timers wait: what has ended must leave none. */
    pending: () => due.length,
    /** Time passes and nothing runs, as in a frozen tab; what fell due meanwhile runs with the next `advance`. */
    sleep(time: number) {
      now += time;
    },
    async advance(time: number) {
      const end = now + time;
      for (;;) {
        await settle();
        const next = due
          .filter((entry) => entry.at <= end)
          .sort((a, b) => a.at - b.at || a.order - b.order)[0];
        if (!next) break;
        due = due.filter((other) => other !== next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = end;
      await settle();
    },
  };
};

/** Lets real promises (WebCrypto among them) come to rest. */
export const settle = async (): Promise<void> => {
  for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
};

export const createTestRandom = (seed = 1): Random => {
  let state = seed;
  const next = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
  return { next, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)) };
};

export type TestChannel = RawChannel & {
  /** What waits in the "network" until `flush`; unlimited while `manual` is false. */
  manual: boolean;
  flush(frames?: number): void;
  readonly lowWater: () => number;
  /** Longer frames, and all that is sent after one, never arrive: as over a path that swallows large packets. */
  swallowsAbove: number;
  breakDown(reason: string): void;
  overTurn: boolean;
  /** The browser's own checks of this end's path fail. */
  doubt(): void;
  /** While it says so nothing arrives, and nobody is told. */
  muted: () => boolean;
  readonly sent: readonly Bytes[];
};

/** Two ends of one pipe, delivering at once, or frame by frame when `manual`. */
export const createChannelPair = (
  fingerprints: readonly [string?, string?] = [],
  options: { readonly maxFrameBytes?: number } = {},
): readonly [TestChannel, TestChannel] => {
  const ends = [0, 1].map((index) => {
    const frames = createEmitter<Bytes>();
    const closed = createEmitter<string>();
    const low = createEmitter<void>();
    const unreachable = createEmitter<void>();
    const waiting: Bytes[] = [];
    /** Like a stream: what arrives before anybody listens is there for the first who does. */
    let early: Bytes[] | undefined = [];
    const sent: Bytes[] = [];
    let open = true;
    let unsent = 0;
    let lowWater = 64 * 1024;
    const other = () => ends[1 - index] as (typeof ends)[number];
    const end = (reason: string) => {
      if (!open) return;
      open = false;
      closed.emit(reason);
    };
    const channel: TestChannel = {
      manual: false,
      muted: () => false,
      sent,
      frames(listener) {
        const unsubscribe = frames.subscribe(listener);
        const backlog = early ?? [];
        early = undefined;
        queueMicrotask(() => backlog.forEach(frames.emit));
        return unsubscribe;
      },
      closed: closed.subscribe,
      low: low.subscribe,
      unreachable: unreachable.subscribe,
      relayed: () => channel.overTurn,
      overTurn: false,
      doubt: unreachable.emit,
      maxFrameBytes: options.maxFrameBytes ?? 16 * 1024,
      bufferedAmount: () => unsent,
      lowWater: () => lowWater,
      swallowsAbove: Number.POSITIVE_INFINITY,
      setLowWater(bytes) {
        lowWater = bytes;
      },
      send(frame) {
        if (!open) throw new Error('closed');
        if (frame.byteLength > channel.maxFrameBytes) throw new Error('larger than the other side takes');
        sent.push(frame);
        waiting.push(frame);
        unsent += frame.byteLength;
        if (!channel.manual) channel.flush();
      },
      flush(count = Number.POSITIVE_INFINITY) {
        const before = unsent;
        const lost = waiting.findIndex(({ byteLength }) => byteLength > channel.swallowsAbove);
        for (const frame of waiting.splice(0, lost < 0 ? count : Math.min(count, lost))) {
          unsent -= frame.byteLength;
          if (!channel.muted()) other().deliver(frame);
        }
        if (before > lowWater && unsent <= lowWater) low.emit();
      },
      breakDown(reason) {
        end(reason);
        other().end(reason);
      },
      close() {
        open = false;
        other().end('the other side closed');
      },
      remoteFingerprint: async () => fingerprints[index],
    };
    const deliver = (frame: Bytes) => {
      if (!open) return;
      if (early) early.push(new Uint8Array(frame));
      else frames.emit(new Uint8Array(frame));
    };
    return { channel, end, deliver };
  });
  return [ends[0]?.channel as TestChannel, ends[1]?.channel as TestChannel];
};

/** Transports that hear each other at once. `silence` makes a peer deaf and dumb, as a frozen tab is. */
export const createTransportHub = () => {
  type Member = {
    readonly transport: MessageTransport;
    readonly messages: ReturnType<typeof createEmitter<{ from: PeerId; bytes: Bytes }>>;
    readonly changes: ReturnType<typeof createEmitter<OverlayChange>>;
  };
  const members = new Map<PeerId, Member>();
  const silenced = new Set<PeerId>();
  const expelled: { readonly by: PeerId; readonly peer: PeerId; readonly reason: string }[] = [];
  const watchers: { readonly peer: PeerId; readonly sent: Uint8Array[] }[] = [];
  let failing: { readonly code: 'too-large' | 'closed'; left: number } | undefined;
  return {
    expelled,
    /** The next sends fail so. */
    failSends(code: 'too-large' | 'closed', count = Number.POSITIVE_INFINITY) {
      failing = { code, left: count };
    },
    /** What a peer sends from now on, arrived or not. */
    watchSends(peer: PeerId): readonly Uint8Array[] {
      const watcher = { peer, sent: [] };
      watchers.push(watcher);
      return watcher.sent;
    },
    /** `at` loses its link to `peer`. */
    down: (peer: PeerId, at: PeerId) =>
      members.get(at)?.changes.emit({ kind: 'down', peer, reason: fault('failed', 'gone') }),
    silence: (peer: PeerId) => void silenced.add(peer),
    disconnect(peer: PeerId) {
      members.delete(peer);
      for (const { changes } of members.values()) {
        changes.emit({ kind: 'down', peer, reason: fault('failed', 'gone') });
      }
    },
    inject: (from: PeerId, to: PeerId, bytes: Bytes) => members.get(to)?.messages.emit({ from, bytes }),
    join(name: string): MessageTransport {
      const self = name as PeerId;
      const messages = createEmitter<{ from: PeerId; bytes: Bytes }>();
      const changes = createEmitter<OverlayChange>();
      const transport: MessageTransport = {
        self,
        reach: async () => ok(undefined),
        messages: messages.subscribe,
        changes: changes.subscribe,
        expel: (peer, reason) => void expelled.push({ by: self, peer, reason }),
        async send(to: PeerId, message: Uint8Array, _priority: Priority) {
          for (const watcher of watchers) if (watcher.peer === self) watcher.sent.push(message);
          if (failing && failing.left-- > 0) return err(fault(failing.code, failing.code));
          const receiver = members.get(to);
          if (!receiver) return err(fault('unknown-peer', `${to} is not here`));
          const deaf = silenced.has(self) || silenced.has(to);
          if (!deaf)
            queueMicrotask(() => receiver.messages.emit({ from: self, bytes: new Uint8Array(message) }));
          return ok(undefined);
        },
      };
      members.set(self, { transport, messages, changes });
      return transport;
    },
  };
};

const testFingerprint = (letter: string) =>
  Array(32)
    .fill(letter + letter)
    .join(':');
const testSdp = (fingerprint: string) => `v=0\r\na=fingerprint:sha-256 ${fingerprint}\r\n`;

/**
 * WebRTC in memory: an initiator's offer, accepted by a responder, answered back, opens one channel pair. Offers find
 * their session by a number in the description.
 */
export const createRtcHub = () => {
  let sessions = 0;
  const open = new Set<string>();
  const waiting = new Map<string, { readonly open: (channel: RawChannel) => void; readonly owner: string }>();
  const channels: TestChannel[] = [];
  /**
   * `impostor`: every certificate in use differs from the signed one. `dead`: nothing connects, though the other
   * tab answers if it `answers`. `walled`: whose network
   * lets nothing out. `dumb`: whose tab is gone
   * without a word, so that its links stay open and silent.
   */
  const options = {
    impostor: false,
    dead: false,
    answers: false,
    walled: new Set<string>(),
    dumb: new Set<string>(),
  };
  const connectorOf = (letter: string, owner = letter): RtcConnector => ({
    available: true,
    connect({ initiator }) {
      const signals = createEmitter<SignalBody>();
      const opened = createEmitter<RawChannel>();
      const failed = createEmitter<Fault<'failed' | 'walled'>>();
      const id = String(sessions++);
      open.add(id);
      if (options.walled.has(owner))
        queueMicrotask(() => failed.emit(fault('walled', 'nothing gets out of this network')));
      else if (initiator) {
        waiting.set(id, { open: opened.emit, owner });
        queueMicrotask(() =>
          signals.emit({ kind: 'offer', sdp: `${testSdp(testFingerprint(letter))}s=${id}` }),
        );
      }
      return {
        signals: signals.subscribe,
        opened: opened.subscribe,
        failed: failed.subscribe,
        close: () => void open.delete(id),
        accept(signal) {
          if (signal.kind !== 'offer' && signal.kind !== 'answer') return;
          if (options.dead) {
            if (options.answers && signal.kind === 'offer')
              signals.emit({ kind: 'answer', sdp: `${testSdp(testFingerprint(letter))}s=none` });
            return;
          }
          const offerId = /s=(\d+)/.exec(signal.sdp)?.[1] ?? '';
          if (signal.kind === 'offer') {
            signals.emit({ kind: 'answer', sdp: `${testSdp(testFingerprint(letter))}s=${offerId}` });
            const letterOfOther = /sha-256 (.)/.exec(signal.sdp)?.[1] ?? 'X';
            const [here, there] = createChannelPair([
              testFingerprint(options.impostor ? '0' : letterOfOther),
              testFingerprint(options.impostor ? '0' : letter),
            ]);
            channels.push(here, there);
            const owners = [owner, waiting.get(offerId)?.owner ?? ''];
            for (const end of [here, there]) end.muted = () => owners.some((one) => options.dumb.has(one));
            waiting.set(`answered ${offerId}`, {
              owner,
              open: () => {
                waiting.get(offerId)?.open(there);
                opened.emit(here);
              },
            });
          } else {
            waiting.get(`answered ${offerId}`)?.open(undefined as never);
          }
        },
      };
    },
  });
  return {
    connectorOf,
    channels,
    options,
    /** How many sessions were ever made, and how many of them nobody has closed. */
    sessions: () => ({ made: sessions, open: open.size }),
  };
};

/** A signaling server in memory, with one room. */
export const createSignalingHub = (options: { readonly carries?: number } = {}) => {
  const clients = new Map<PeerId, ReturnType<typeof createEmitter<SignalingEvent>>>();
  const tamper: { relay?: (payload: Bytes, from: PeerId, to: PeerId) => Bytes } = {};
  return {
    tamper,
    /** What a server that keeps old envelopes can send again. */
    replay: (from: PeerId, to: PeerId, payload: Bytes) =>
      clients.get(to)?.emit({ kind: 'relay', from, payload, network: undefined }),
    /** It has left, and whoever asks for it is told so. */
    leave: (peer: PeerId) => void clients.delete(peer),
    clientOf(self: PeerId): SignalingClient {
      const events = createEmitter<SignalingEvent>();
      const state = { phase: 'joined' as const };
      const others = () => [...clients.keys()].filter((peer) => peer !== self);
      const sample = () => ({ peers: others().slice(0, 8), others: others().length });
      return {
        state: { get: () => state, subscribe: () => () => {} },
        events: events.subscribe,
        start() {
          clients.set(self, events);
          events.emit({ kind: 'welcome', ...sample(), ice: [], carries: options.carries ?? 0 });
        },
        find() {
          queueMicrotask(() => events.emit({ kind: 'found', ...sample() }));
          return true;
        },
        serverNow: () => milliseconds(0),
        stop() {},
        retryNow() {},
        probe() {},
        unsentBytes: () => 0,
        carry(to, payload) {
          queueMicrotask(() => {
            if (!clients.has(self)) return;
            const receiver = clients.get(to);
            if (receiver) receiver.emit({ kind: 'carried', from: self, payload });
            else events.emit({ kind: 'gone', peer: to });
          });
          return true;
        },
        relay(to, payload) {
          const sent = tamper.relay ? tamper.relay(payload, self, to) : payload;
          queueMicrotask(() => {
            if (!clients.has(self)) return;
            const receiver = clients.get(to);
            if (receiver) receiver.emit({ kind: 'relay', from: self, payload: sent, network: undefined });
            else events.emit({ kind: 'gone', peer: to });
          });
          return true;
        },
      };
    },
  };
};
