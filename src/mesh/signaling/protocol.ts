/**
 * Signaling protocol: how tabs that don't know each other yet exchange sealed envelopes through the server.
 *
 * Version 3. One WebSocket binary message = one deterministic CBOR map with a `t` (type) member.
 *
 *   server → client   challenge {nonce, protocol}           first message, 32 random bytes
 *   client → server   hello {room, nodeKey, build, signature}
 *                       signature by nodeKey over "aivillage/hello/1" ‖ room ‖ nonce
 *   server → client   welcome {self, peers, others, now, ice, carries}
 *                       a random sample of who is here, how many are, the server's clock (Unix ms), STUN/TURN to use,
 *                       and how many bytes per second it carries for a tab (0: none)
 *   client → server   find {}           server → client  found {peers, others}: another sample;
 *                       unasked, too, when others become known who are at other server processes
 *   client → server   relay {to, payload}                   payload is opaque to the server
 *   server → client   relay {from, payload, network?}       network: equal for peers of one address prefix, says no more
 *   server → client   gone {peer}                           the receiver of a relay or carry is not in this room (any more)
 *   client → server   carry {to, payload}                   a sealed frame for whoever no direct connection reaches
 *   server → client   carry {from, payload}                 in order; a tab that sends faster than `carries` is read later
 *   client → server   ping {n}          server → client  pong {n}; unasked (n 0) to a tab that was read late for a second
 *   server → client   refused {code, message, retryAfterMs?}   then it closes, unless the code is `rate`
 *
 * Why a sample: a list of all, told to all, is what makes a room of a thousand impossible; tabs tell each other the rest.
 * Why the challenge: a peer id is the hash of a key, so only its holder may receive what is sent to it.
 * Why the room is a hash: the link's secret stays with the people who were given the link.
 * The server learns who talks to whom in which room id, never a job's contents.
 */
import * as v from 'valibot';
import type { PeerId, RoomId } from '../../core/brand.ts';
import { type Bytes, concatBytes, utf8 } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import type { Fault, Result } from '../../core/result.ts';
import { bytesSchema, countSchema, decodeWith } from '../../core/schema.ts';

export const signalingProtocol = 3;
export const signalingLimits = {
  maxMessageBytes: 64 * 1024,
  maxPayloadBytes: 60 * 1024,
  maxDepth: 6,
  /** A link's frame of 16 KiB, its number and its seal. */
  maxCarriedBytes: 17 * 1024,
  /** Peers named at once. */
  sampleSize: 8,
  nonceBytes: 32,
} as const;

const base64urlId = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, 'not a 43-character id'));
export const peerIdSchema = v.pipe(
  base64urlId,
  v.transform((id) => id as PeerId),
);
export const roomIdSchema = v.pipe(
  base64urlId,
  v.transform((id) => id as RoomId),
);

const iceServerSchema = v.object({
  urls: v.array(v.pipe(v.string(), v.maxLength(256))),
  username: v.optional(v.pipe(v.string(), v.maxLength(256))),
  credential: v.optional(v.pipe(v.string(), v.maxLength(256))),
});
export type IceServer = v.InferOutput<typeof iceServerSchema>;

export const refusalCodes = [
  'protocol',
  'signature',
  'room-full',
  'rate',
  'too-large',
  'malformed',
  'duplicate',
  'draining',
] as const;
export type RefusalCode = (typeof refusalCodes)[number];

const sampleSchema = v.pipe(v.array(peerIdSchema), v.maxLength(signalingLimits.sampleSize));

const serverMessageSchema = v.variant('t', [
  v.object({ t: v.literal('challenge'), nonce: bytesSchema(32), protocol: countSchema(1_000) }),
  v.object({
    t: v.literal('welcome'),
    self: peerIdSchema,
    peers: sampleSchema,
    others: countSchema(1_000_000),
    now: countSchema(Number.MAX_SAFE_INTEGER),
    ice: v.pipe(v.array(iceServerSchema), v.maxLength(8)),
    carries: countSchema(2 ** 40),
  }),
  v.object({ t: v.literal('found'), peers: sampleSchema, others: countSchema(1_000_000) }),
  v.object({
    t: v.literal('relay'),
    from: peerIdSchema,
    payload: bytesSchema(signalingLimits.maxPayloadBytes),
    network: v.optional(v.pipe(v.string(), v.maxLength(24))),
  }),
  v.object({
    t: v.literal('carry'),
    from: peerIdSchema,
    payload: bytesSchema(signalingLimits.maxCarriedBytes),
  }),
  v.object({ t: v.literal('gone'), peer: peerIdSchema }),
  v.object({ t: v.literal('pong'), n: countSchema(2 ** 32) }),
  v.object({
    t: v.literal('refused'),
    code: v.picklist(refusalCodes),
    message: v.pipe(v.string(), v.maxLength(500)),
    retryAfterMs: v.optional(countSchema(86_400_000)),
  }),
]);
export type ServerMessage = v.InferOutput<typeof serverMessageSchema>;

const clientMessageSchema = v.variant('t', [
  v.object({
    t: v.literal('hello'),
    protocol: countSchema(1_000),
    room: roomIdSchema,
    nodeKey: v.pipe(bytesSchema(32), v.minLength(32)),
    /** The page's build, for the operator's logs and the polite refusal between versions. */
    build: v.pipe(v.string(), v.maxLength(64)),
    signature: v.pipe(bytesSchema(64), v.minLength(64)),
  }),
  v.object({
    t: v.literal('relay'),
    to: peerIdSchema,
    payload: bytesSchema(signalingLimits.maxPayloadBytes),
  }),
  v.object({
    t: v.literal('carry'),
    to: peerIdSchema,
    payload: bytesSchema(signalingLimits.maxCarriedBytes),
  }),
  v.object({ t: v.literal('find') }),
  v.object({ t: v.literal('ping'), n: countSchema(2 ** 32) }),
]);
export type ClientMessage = v.InferOutput<typeof clientMessageSchema>;

export const helloBytes = (room: RoomId, nonce: Uint8Array): Bytes =>
  concatBytes(utf8('aivillage/hello/1'), utf8(room), nonce);

const decodeLimits = { maxBytes: signalingLimits.maxMessageBytes, maxDepth: signalingLimits.maxDepth };

export const encodeSignaling = (message: ServerMessage | ClientMessage): Bytes =>
  encodeCbor(message as unknown as CborValue);
export const decodeServerMessage = (bytes: Uint8Array): Result<ServerMessage, Fault> =>
  decodeWith(serverMessageSchema, bytes, decodeLimits);
export const decodeClientMessage = (bytes: Uint8Array): Result<ClientMessage, Fault> =>
  decodeWith(clientMessageSchema, bytes, decodeLimits);
