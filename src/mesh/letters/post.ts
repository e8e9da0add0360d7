import { createBoundedMap } from '../../core/boundedMap.ts';
import { type Milliseconds, milliseconds, type PeerId, type RoomId } from '../../core/brand.ts';
import { type Bytes, toBase64url } from '../../core/bytes.ts';
import { createEmitter, type Subscribe } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort, SigningKey } from '../../core/ports/crypto.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { MessageTransport, Overlay } from '../contracts.ts';

import {
  decodeLetterMessage,
  encodeLetterMessage,
  type LetterMessage,
  letterLimits,
  openAck,
  openLetter,
  readLetter,
  signAck,
  signLetter,
} from './protocol.ts';
import { nextHop } from './route.ts';

export type LetterError = Fault<
  /** five attempts came to nothing, or the deadline passed */
  'undelivered' | 'too-large' | 'cancelled' | 'closed'
>;
export type Received = { readonly from: PeerId; readonly payload: Bytes };

export interface Post {
  /** Resolves when the receiver has acknowledged: it arrived at least once, and was told there once. */
  send(
    to: PeerId,
    payload: Uint8Array,
    options?: { readonly deadline?: Milliseconds; readonly signal?: AbortSignal },
  ): Promise<Result<void, LetterError>>;
  readonly received: Subscribe<Received>;
  stats(): PostStats;
  close(): void;
}
export type PostStats = {
  readonly sent: number;
  readonly acknowledged: number;
  readonly undelivered: number;
  readonly received: number;
  /** Of others, passed on. */
  readonly forwarded: number;
};

export type PostDeps = {
  readonly transport: MessageTransport;
  readonly overlay: Pick<Overlay, 'neighbors' | 'observe'>;
  /** Whom a peer says it is linked with. */
  readonly linksOf: (peer: PeerId) => readonly PeerId[];
  readonly signer: SigningKey;
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly telemetry: Telemetry;
  readonly now: () => Milliseconds;
};

const attempts = 5;
const firstWait = 1_000;
const defaultDeadline = milliseconds(30_000);
/** From this attempt on a link of its own is tried: no way over others has worked. */
const directFrom = 3;
const remembered = 2_048;
/** What a neighbour may have passed on: so many at once, and so many a second. */
const forwardBurst = 200;
const forwardPerSecond = 50;

type Sending = {
  readonly to: PeerId;
  readonly id: Bytes;
  readonly letter: Bytes;
  readonly avoid: Set<PeerId>;
  attempt: number;
  via: PeerId | undefined;
  cancel: CancelTimer;
  readonly settle: (result: Result<void, LetterError>) => void;
};

/**
 * Messages to anybody in the swarm over the hands of neighbours, acknowledged by their receiver, tried again by other ways.
 * Knows routes from what peers say of themselves; doesn't know what a message says.
 */
export const createPost = (deps: PostDeps, options: { readonly room: RoomId }): Post => {
  const { transport, overlay, clock, timers, random, telemetry } = deps;
  const { self } = transport;
  const received = createEmitter<Received>();
  const sendings = new Map<string, Sending>();
  /** From whom a letter came, to send its answer back there. */
  const wayBack = createBoundedMap<string, PeerId>(remembered);
  const delivered = createBoundedMap<string, true>(remembered);
  const allowance = createBoundedMap<PeerId, { tokens: number; at: number }>(256);
  const counts = { sent: 0, acknowledged: 0, undelivered: 0, received: 0, forwarded: 0 };
  let closed = false;

  const count = (what: keyof typeof counts) => {
    counts[what]++;
    telemetry.count(`letters_${what}_total`);
  };

  const tell = (to: PeerId, message: LetterMessage) =>
    transport.send(to, encodeLetterMessage(message), 'control');

  const route = (to: PeerId, avoid: ReadonlySet<PeerId>) =>
    nextHop(to, { self, neighbors: overlay.neighbors(), linksOf: deps.linksOf, avoid });

  const settle = (key: string, result: Result<void, LetterError>) => {
    const sending = sendings.get(key);
    if (!sending) return;
    sendings.delete(key);
    sending.cancel();
    count(result.ok ? 'acknowledged' : 'undelivered');
    sending.settle(result);
  };

  /** By the shortest known way that has not failed; later over a link of its own. */
  const attempt = async (key: string): Promise<void> => {
    const sending = sendings.get(key);
    if (!sending) return;
    sending.cancel();
    if (sending.attempt >= attempts) {
      const why = `${sending.to.slice(0, 8)}… did not acknowledge ${attempts} attempts`;
      return settle(key, err(fault('undelivered', why)));
    }
    sending.attempt++;
    const wait = firstWait * 2 ** (sending.attempt - 1) * (0.75 + random.next() / 2);
    sending.cancel = timers.after(milliseconds(wait), () => {
      if (sending.via !== undefined) sending.avoid.add(sending.via);
      void attempt(key);
    });
    sending.via = route(sending.to, sending.avoid);
    if (sending.via === undefined || sending.attempt >= directFrom) {
      const opened = await transport.reach(sending.to);
      if (sendings.get(key) !== sending) return;
      if (opened.ok) sending.via = sending.to;
    }
    if (sending.via !== undefined)
      await tell(sending.via, { t: 'letter', ttl: letterLimits.maxHops, letter: sending.letter });
  };

  const mayForward = (from: PeerId): boolean => {
    const now = clock.monotonic();
    const { tokens, at } = allowance.get(from) ?? { tokens: forwardBurst, at: now };
    const left = Math.min(forwardBurst, tokens + ((now - at) / 1_000) * forwardPerSecond);
    allowance.set(from, { tokens: Math.max(0, left - 1), at: now });
    return left >= 1;
  };

  const onLetter = async (from: PeerId, { ttl, letter }: Extract<LetterMessage, { t: 'letter' }>) => {
    const read = readLetter(letter);
    if (!read.ok) return overlay.observe(from, 'invalid');
    const { id, to } = read.value;
    const key = toBase64url(id);
    if (to === self) return accept(from, key, letter);
    if (!mayForward(from)) return overlay.observe(from, 'flood');
    const next = route(to, new Set([from]));
    if (ttl === 0 || next === undefined || sendings.has(key))
      return void tell(from, { t: 'lost', id, why: ttl === 0 ? 'too many hops' : 'no way is known' });
    wayBack.set(key, from);
    count('forwarded');
    return void tell(next, { t: 'letter', ttl: ttl - 1, letter });
  };

  const accept = async (from: PeerId, key: string, bytes: Bytes) => {
    const letter = await openLetter(bytes, options.room, deps.crypto);
    if (closed) return;
    // Who handed it over need not have written it, nor checked it: it is dropped, and nobody is blamed.
    if (!letter.ok) return telemetry.log('info', 'letters', `letter refused: ${letter.error.message}`);
    const { id, from: author, payload } = letter.value;
    // Numbers are the sender's own: another's letter of the same number is another letter.
    const known = `${author} ${key}`;
    const isNew = delivered.get(known) === undefined;
    delivered.set(known, true);
    const ack = await signAck({ v: 1, room: options.room, id, from: self }, deps.signer);
    if (closed) return;
    void tell(from, { t: 'ack', id, ack });
    if (!isNew) return;
    count('received');
    received.emit({ from: author, payload: new Uint8Array(payload) });
  };

  const onAck = async (message: Extract<LetterMessage, { t: 'ack' }>) => {
    const key = toBase64url(message.id);
    const sending = sendings.get(key);
    if (!sending) {
      const back = wayBack.get(key);
      return back === undefined ? undefined : void tell(back, message);
    }
    const ack = await openAck(message.ack, { room: options.room, from: sending.to }, deps.crypto);
    if (ack.ok && toBase64url(ack.value.id) === key) settle(key, ok(undefined));
    return undefined;
  };

  const onLost = (from: PeerId, message: Extract<LetterMessage, { t: 'lost' }>) => {
    const key = toBase64url(message.id);
    const sending = sendings.get(key);
    if (!sending) {
      const back = wayBack.get(key);
      return back === undefined ? undefined : void tell(back, message);
    }
    if (sending.via !== from || sending.via === sending.to) return undefined;
    sending.avoid.add(from);
    return void attempt(key);
  };

  const stopMessages = transport.messages(({ from, bytes }) => {
    const decoded = decodeLetterMessage(bytes);
    if (!decoded.ok) return transport.expel(from, `it sent an unreadable letter: ${decoded.error.message}`);
    const message = decoded.value;
    switch (message.t) {
      case 'letter':
        return void onLetter(from, message);
      case 'ack':
        return void onAck(message);
      case 'lost':
        return onLost(from, message);
      default:
        return message satisfies never;
    }
  });

  return {
    received: received.subscribe,
    stats: () => ({ ...counts }),
    async send(to, payload, { deadline = defaultDeadline, signal } = {}) {
      if (closed) return err(fault('closed', 'this tab has left the room'));
      if (signal?.aborted) return err(fault('cancelled', 'the caller cancelled'));
      if (payload.byteLength > letterLimits.maxPayloadBytes) {
        const limit = `${payload.byteLength} bytes, at most ${letterLimits.maxPayloadBytes}`;
        return err(fault('too-large', `message of ${limit}: open a link and call instead`));
      }
      if (to === self) {
        received.emit({ from: self, payload: new Uint8Array(payload) });
        return ok(undefined);
      }
      const id = random.bytes(letterLimits.idBytes);
      const body = { v: 1 as const, room: options.room, from: self, to, id, at: Math.floor(deps.now()) };
      const letter = await signLetter({ ...body, payload: new Uint8Array(payload) }, deps.signer);
      if (closed) return err(fault('closed', 'this tab has left the room'));
      const key = toBase64url(id);
      count('sent');
      return new Promise((resolve) => {
        const onAbort = () => settle(key, err(fault('cancelled', 'the caller cancelled')));
        signal?.addEventListener('abort', onAbort, { once: true });
        const cancelDeadline = timers.after(deadline, () =>
          settle(key, err(fault('undelivered', `no answer within ${Math.round(deadline / 1_000)} s`))),
        );
        sendings.set(key, {
          to,
          id,
          letter,
          avoid: new Set(),
          attempt: 0,
          via: undefined,
          cancel: () => {},
          settle(result) {
            cancelDeadline();
            signal?.removeEventListener('abort', onAbort);
            resolve(result);
          },
        });
        void attempt(key);
      });
    },
    close() {
      closed = true;
      stopMessages();
      for (const key of [...sendings.keys()]) settle(key, err(fault('closed', 'this tab has left the room')));
    },
  };
};
