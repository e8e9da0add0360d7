import { milliseconds, type PeerId, type RoomId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { createEmitter, type Emitter, type Subscribe, type Unsubscribe } from '../../core/events.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { CryptoPort, SigningKey } from '../../core/ports/crypto.ts';
import type { Random } from '../../core/ports/random.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { CancelTimer, Timers } from '../../core/ports/timers.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import type { Observation } from '../overlay/scores.ts';
import { broadcastLimits, type Opened, sealBroadcast, type Topics, topicRule } from './message.ts';
import { createOriginLimits, ownRate } from './origins.ts';
import { initialPlumtree, stepPlumtree } from './plumtree.ts';
import type { MessageId, PlumtreeEffect, PlumtreeEvent, PlumtreeMessage } from './plumtreeTypes.ts';
import { createReceiving } from './receiving.ts';
import { hasSeen } from './seen.ts';
import { encodeBroadcastMessage } from './wire.ts';

export interface Broadcast {
  /** Tells the whole room, this tab too. Resolves when it is on its way; nobody says that it arrived. */
  publish(topic: string, payload: Uint8Array): Promise<Result<MessageId, PublishError>>;
  /** The same in two steps: signed now, and sent at once when the result is called (within a quarter of an hour). */
  prepare(topic: string, payload: Uint8Array): Promise<Result<() => MessageId, PublishError>>;
  /** Each message once, in no promised order. */
  subscribe(topic: string, listener: (message: Heard) => void): Unsubscribe;
  stats(): BroadcastStats;
  close(): void;
}

export type PublishError = Fault<'closed' | 'topic' | 'too-large' | 'rate'>;

export type Heard = {
  readonly id: MessageId;
  /** Who sent it first: seldom the neighbour it came from. */
  readonly from: PeerId;
  /** When it was sent, by its origin's clock: Unix ms. */
  readonly at: number;
  readonly payload: Bytes;
  /** As those on the way have counted; 0 for this tab's own. */
  readonly hops: number;
};

export type BroadcastStats = {
  readonly published: number;
  /** Told to subscribers, this tab's own too. */
  readonly delivered: number;
  readonly duplicates: number;
  readonly invalid: number;
  /** Too old, dated ahead, or of a topic that this page doesn't know. */
  readonly unusable: number;
  /** Beyond what one origin may spread, or one neighbour may have waiting. */
  readonly flooded: number;
  /** Messages to neighbours, of every kind. */
  readonly sent: number;
};

/** Those near, and what is seen of them. */
export interface Neighborhood {
  readonly self: PeerId;
  /** Fails silently: who can't be reached any more is told of by `neighbors`. */
  send(to: PeerId, message: Uint8Array, priority: 'control'): unknown;
  readonly messages: Subscribe<{ readonly from: PeerId; readonly bytes: Bytes }>;
  /** Changes only: who is a neighbour before somebody listens stays unknown. */
  readonly neighbors: Subscribe<{ readonly peer: PeerId; readonly up: boolean }>;
  observe(peer: PeerId, observation: Observation): void;
  /** Round trip in ms, once measured. */
  rtt(peer: PeerId): number | undefined;
}

export type BroadcastDeps = {
  readonly neighborhood: Neighborhood;
  readonly signer: SigningKey;
  readonly crypto: CryptoPort;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly telemetry: Telemetry;
  /** Unix ms as the server counts them: devices' own clocks are hours off. */
  readonly now: () => number;
};
export type BroadcastOptions = { readonly room: RoomId; readonly topics: Topics; readonly tickMs?: number };

/**
 * Messages to everybody in the room, along the tree of `plumtree.ts`: signed here, and checked before the step hears of
 * them. Knows neighbours and topics; doesn't know who is chosen as a neighbour, nor what a payload says.
 */
export const createBroadcast = (deps: BroadcastDeps, options: BroadcastOptions): Broadcast => {
  const { neighborhood, timers, random, telemetry } = deps;
  const { self } = neighborhood;
  const { room, topics } = options;
  const waits = new Map<MessageId, CancelTimer>();
  const emitters = new Map<string, Emitter<Heard>>();
  const origins = createOriginLimits(deps.clock);
  const counts = { published: 0, delivered: 0, duplicates: 0, invalid: 0, unusable: 0, flooded: 0, sent: 0 };
  const encode = createEncoder();
  let state = initialPlumtree<Opened>();
  let cancelAnnouncing: CancelTimer = () => {};
  let closed = false;

  const count = (what: keyof BroadcastStats) => {
    counts[what]++;
    telemetry.count(`broadcast_${what}_total`);
  };

  const stepDeps = { random, rtt: (peer: PeerId) => neighborhood.rtt(peer) };
  const take = (event: PlumtreeEvent<Opened>): void => {
    const [next, effects] = stepPlumtree(state, event, stepDeps);
    // Before its effects: who is blamed may be gone at once, which is the next event.
    state = next;
    for (const effect of effects) if (!closed) carryOut(effect);
  };

  const carryOut = (effect: PlumtreeEffect<Opened>) => {
    switch (effect.t) {
      case 'send':
        return send(effect.to, effect.message);
      case 'deliver':
        return deliver(effect);
      case 'wait':
        waits.get(effect.id)?.();
        return void waits.set(
          effect.id,
          timers.after(milliseconds(effect.ms), () => onOverdue(effect.id)),
        );
      case 'announce-after':
        cancelAnnouncing = timers.after(milliseconds(effect.ms), () => take({ t: 'announce' }));
        return undefined;
      case 'broken-promise':
        return neighborhood.observe(effect.peer, 'broken-promise');
      default:
        return effect satisfies never;
    }
  };

  const send = (to: PeerId, message: PlumtreeMessage<Opened>) => {
    if (message.t === 'pull') origins.asked(message.ids);
    if (message.t === 'graft') origins.asked([message.id]);
    count('sent');
    neighborhood.send(to, encode(message), 'control');
  };

  const deliver = ({ id, message, hops, from }: Extract<PlumtreeEffect<Opened>, { t: 'deliver' }>) => {
    count('delivered');
    if (from !== undefined) neighborhood.observe(from, 'delivered');
    const { from: origin, at, payload, topic } = message;
    // By the server's clock, which two tabs know to some milliseconds: never less than nothing.
    telemetry.observe('broadcast_delay_seconds', Math.max(0, deps.now() - at) / 1_000, { topic });
    emitters.get(topic)?.emit({ id, from: origin, at, payload, hops });
  };

  const onOverdue = (id: MessageId) => {
    waits.delete(id);
    take({ t: 'overdue', id });
  };

  const emitterOf = (topic: string): Emitter<Heard> => {
    const known = emitters.get(topic);
    if (known) return known;
    const emitter = createEmitter<Heard>((error) =>
      telemetry.log('error', 'broadcast', `a subscriber failed: ${String(error)}`, { topic }),
    );
    emitters.set(topic, emitter);
    return emitter;
  };

  const receiving = createReceiving(
    {
      ...deps,
      origins,
      take,
      count,
      isSeen: (id) => hasSeen(state.seen, id),
      observe: (peer, observation) => neighborhood.observe(peer, observation),
    },
    options,
  );
  const stops: readonly Unsubscribe[] = [
    neighborhood.messages(({ from, bytes }) => receiving.message(from, bytes)),
    neighborhood.neighbors(({ peer, up }) => receiving.neighbor(peer, up)),
    timers.every(milliseconds(options.tickMs ?? 5_000), () => take({ t: 'tick', now: deps.now() })),
  ];

  const prepare: Broadcast['prepare'] = async (topic, payload) => {
    if (closed) return err(leftRoom);
    const objection = whyNot(topics, topic, payload) ?? (origins.takeOwn() ? undefined : tooOften);
    if (objection) return err(objection);
    const message = {
      topic,
      from: self,
      at: Math.floor(deps.now()),
      payload: new Uint8Array(payload), // the caller's may change while this one is signed
    };
    const nonce = random.bytes(broadcastLimits.nonceBytes);
    const { id, bytes } = await sealBroadcast({ v: 1, room, nonce, ...message }, deps.signer);
    if (closed) return err(leftRoom);
    const critical = topicRule(topics, topic)?.critical ?? false;
    return ok(() => {
      if (closed) return id;
      count('published');
      take({ t: 'broadcast', id, message: { ...message, id, critical, bytes } });
      return id;
    });
  };

  return {
    prepare,
    async publish(topic, payload) {
      const prepared = await prepare(topic, payload);
      return prepared.ok ? ok(prepared.value()) : prepared;
    },
    subscribe: (topic, listener) => emitterOf(topic).subscribe(listener),
    stats: () => ({ ...counts }),
    close() {
      closed = true;
      for (const stop of stops) stop();
      for (const cancel of waits.values()) cancel();
      waits.clear();
      cancelAnnouncing();
      receiving.close();
    },
  };
};

const leftRoom: PublishError = fault('closed', 'this tab has left the room');
const tooOften: PublishError = fault(
  'rate',
  `more than ${ownRate.burst} at once or ${ownRate.perSecond} a second: others would drop it, so wait a little`,
);

/** What all others would refuse. */
const whyNot = (topics: Topics, topic: string, payload: Uint8Array): PublishError | undefined => {
  const rule = topicRule(topics, topic);
  if (!rule) return fault('topic', `there is no topic ${topic}`);
  const most = Math.min(rule.maxBytes, broadcastLimits.maxPayloadBytes);
  return payload.byteLength > most
    ? fault('too-large', `${payload.byteLength} bytes of ${topic}, at most ${most} are told to all`)
    : undefined;
};

/** The same message goes to several neighbours, one right after the other, and is written once for all of them. */
const createEncoder = () => {
  let last: { readonly message: PlumtreeMessage<Opened>; readonly bytes: Bytes } | undefined;
  return (message: PlumtreeMessage<Opened>): Bytes => {
    if (last?.message !== message) last = { message, bytes: encodeSealed(message) };
    return last.bytes;
  };
};

/** As it came: what was read of it stays here. */
const encodeSealed = (message: PlumtreeMessage<Opened>): Bytes =>
  encodeBroadcastMessage(message.t === 'gossip' ? { ...message, message: message.message.bytes } : message);
