/**
 * Broadcasts, version 1: what one tab tells its whole room, passed on from tab to tab.
 *
 * CBOR {body: bytes, nodeKey: bytes(32), signature: bytes(64)}; body is CBOR of BroadcastBody; the signature is the
 * origin's node key over "aivillage/broadcast/1" ‖ body. The id is base64url of the first 16 bytes of SHA-256 over
 * "aivillage/broadcast-id/1" ‖ body. The bytes are passed on as they came.
 *
 * Why signed: it comes through strangers, and the origin is seldom a neighbour. The key travels along, because `from` is
 * its hash: nobody has to know the origin beforehand.
 * Why the room: a tab that was in two rooms must not be able to carry what was said from one to the other.
 * Why a nonce: the same words said twice are two messages.
 * Why the id is of the body alone: an origin can sign one body in many ways, and they are all one message.
 * Why 16 bytes suffice: to find a body with the id of somebody else's message takes 2¹²⁸ tries. To find two with one id
 * takes 2⁶⁴, and helps only their origin, to tell one half of the room something else than the other; so nothing that
 * must be the same for all may rest on an id. Ids fill announcements and comparisons, so half the length counts.
 * Why a window of time: nodes remember a bounded number of ids, and what they have forgotten could be played again; and
 * the newest are kept longest, so what is dated ahead is refused sooner. The window is wider than the twelve minutes for
 * which messages are kept, because a slow forwarder is honest, and so is a clock that is a little off.
 */
import * as v from 'valibot';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { type Bytes, concatBytes, toBase64url, utf8 } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { sha256Bytes } from '../../core/hash.ts';
import type { CryptoPort, SigningKey } from '../../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { bytesSchema, countSchema, decodeWith } from '../../core/schema.ts';
import { peerIdOf } from '../../identity/ids.ts';
import { peerIdSchema, roomIdSchema } from '../signaling/protocol.ts';
import type { BroadcastItem, MessageId } from './plumtreeTypes.ts';

export const broadcastLimits = {
  maxPayloadBytes: 32 * 1024,
  /** A message whole: payload, the rest of the body, key and signature. */
  maxBytes: 40 * 1024,
  maxDepth: 2,
  nonceBytes: 16,
  idBytes: 16,
  maxAheadMs: 5 * 60_000,
  maxBehindMs: 15 * 60_000,
} as const;

export type TopicRule = {
  /** Goes along every link at once: for what is rare and must not wait. */
  readonly critical: boolean;
  readonly maxBytes: number;
};
export type Topics = Readonly<Record<string, TopicRule>>;

/** A stranger may call a topic "constructor". */
export const topicRule = (topics: Topics, topic: string): TopicRule | undefined =>
  Object.hasOwn(topics, topic) ? topics[topic] : undefined;

const exactBytes = (length: number) => v.pipe(bytesSchema(length), v.minLength(length));

const bodySchema = v.object({
  v: v.literal(1),
  room: roomIdSchema,
  from: peerIdSchema,
  topic: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/)),
  /** Unix ms, by the server's clock as the origin knows it. */
  at: countSchema(Number.MAX_SAFE_INTEGER),
  nonce: exactBytes(broadcastLimits.nonceBytes),
  payload: bytesSchema(broadcastLimits.maxPayloadBytes),
});
export type BroadcastBody = v.InferOutput<typeof bodySchema>;

const broadcastSchema = v.object({
  body: bytesSchema(broadcastLimits.maxBytes),
  nodeKey: exactBytes(32),
  signature: exactBytes(64),
});

export type Opened = BroadcastItem & {
  readonly id: MessageId;
  readonly from: PeerId;
  readonly topic: string;
  readonly payload: Bytes;
  /** Exactly what was received: what is passed on. */
  readonly bytes: Uint8Array;
};

export type BroadcastFault = Fault<
  /** it breaks the protocol: no honest neighbour passes it on */
  | 'broadcast'
  /** too old or dated too far ahead */
  | 'stale'
  /** this page has no such topic, or one with a lower limit */
  | 'topic'
>;

export type BroadcastExpectation = {
  readonly room: RoomId;
  /** Unix ms, by the server's clock. */
  readonly now: number;
  readonly topics: Topics;
  /** The name under which it came: it must be its own. */
  readonly id?: MessageId;
};

/** Doesn't check its own message: what others would refuse is the caller's bug. */
export const sealBroadcast = async (
  body: BroadcastBody,
  signer: SigningKey,
): Promise<{ readonly id: MessageId; readonly bytes: Bytes }> => {
  const bytes = encodeCbor(body as unknown as CborValue);
  const signature = await signer.sign(signedBytes(bytes));
  return { id: idOf(bytes), bytes: encodeCbor({ body: bytes, nodeKey: signer.publicKey, signature }) };
};

/** All that costs little is checked before the signature is. */
export const openBroadcast = async (
  bytes: Uint8Array,
  expected: BroadcastExpectation,
  crypto: CryptoPort,
): Promise<Result<Opened, BroadcastFault>> => {
  const envelope = decodeWith(broadcastSchema, bytes, broadcastLimits);
  if (!envelope.ok) return refuse(envelope.error.message);
  const { body: bodyBytes, nodeKey, signature } = envelope.value;
  const body = decodeWith(bodySchema, bodyBytes, broadcastLimits);
  if (!body.ok) return refuse(body.error.message);
  const id = idOf(bodyBytes);
  const objection =
    identityObjection(body.value, nodeKey, id, expected) ?? ruleObjection(body.value, expected);
  if (objection) return err(objection);
  if (!(await crypto.verify(nodeKey, signedBytes(bodyBytes), signature)))
    return refuse('the signature does not hold');
  const { from, topic, at, payload } = body.value;
  const critical = topicRule(expected.topics, topic)?.critical ?? false;
  return ok({ id, from, topic, at, critical, payload, bytes });
};

const refuse = (message: string) => err(fault('broadcast', message));
const signedBytes = (body: Uint8Array): Bytes => concatBytes(utf8('aivillage/broadcast/1'), body);
const idOf = (body: Uint8Array): MessageId =>
  toBase64url(
    sha256Bytes(concatBytes(utf8('aivillage/broadcast-id/1'), body)).subarray(0, broadcastLimits.idBytes),
  );

const identityObjection = (
  body: BroadcastBody,
  nodeKey: Uint8Array,
  id: MessageId,
  expected: BroadcastExpectation,
): BroadcastFault | undefined => {
  if (body.room !== expected.room) return fault('broadcast', 'it was sent in another room');
  if (peerIdOf(nodeKey) !== body.from)
    return fault('broadcast', 'the key is not that of the sender it names');
  if (expected.id !== undefined && expected.id !== id)
    return fault('broadcast', `it came as ${expected.id} and is ${id}`);
  return undefined;
};

/** Why this page can't use it, although it may be sound. */
const ruleObjection = (
  { topic, payload, at }: BroadcastBody,
  { topics, now }: BroadcastExpectation,
): BroadcastFault | undefined => {
  const rule = topicRule(topics, topic);
  if (!rule) return fault('topic', `this page knows no topic ${topic}; a newer one may`);
  if (payload.byteLength > rule.maxBytes)
    return fault('topic', `${payload.byteLength} bytes of ${topic}, at most ${rule.maxBytes} are accepted`);
  const hint = 'the clock of the device that sent it may be wrong';
  const { maxAheadMs, maxBehindMs } = broadcastLimits;
  if (at - now > maxAheadMs)
    return fault(
      'stale',
      `dated ${minutes(at - now)} ahead, at most ${minutes(maxAheadMs)} are accepted: ${hint}`,
    );
  if (now - at > maxBehindMs)
    return fault('stale', `${minutes(now - at)} old, at most ${minutes(maxBehindMs)} are accepted: ${hint}`);
  return undefined;
};

const minutes = (ms: number): string => `${(ms / 60_000).toFixed(1)} minutes`;
