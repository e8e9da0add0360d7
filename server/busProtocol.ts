/**
 * Bus protocol, version 1: how server processes share rooms. One message = one deterministic CBOR map with `t`. The version
 * is in the subjects, so that processes of different ones don't hear each other. `process`: who sends it (16 random bytes
 * in base64url, new with each start).
 *
 *   subject aivillage.1.all: every process listens
 *     beat     key {born, bytes}         every 2 s, and at once when somebody new is heard: I live, and name networks by this
 *     leaving                            I am going: who was with me is gone
 *   subject aivillage.1.room.ROOM: the processes with a tab of their own in it listen
 *     joined   room n after peer at      this tab is with me now (at: Unix ms by my clock)
 *     left     room n after peer
 *     at       room n                    what I told of this room last; every 30 s, and when somebody new is heard
 *     ask      room n                    the same, and: send me your lists (I have opened the room, or was away)
 *   subject aivillage.1.process.PROCESS: this process listens
 *     want     room                      send me your list (an empty one, if you have closed the room)
 *     list     room n part parts peers   all tabs that are with me, at most 1,000 in a part
 *     relay    room from to payload network?
 *     carry    room from to payload
 *     gone     room to peer              to the process of `to`: who was written to is not with me
 *     full     room peer                 this receiver does not read: whoever sends to it should wait
 *     free     room peer                 it reads again
 *
 * Why n and after: n rises with everything a process tells of its rooms, `after` is the n before it in this room. Whoever
 * sees that they don't fit missed something and asks for the list, so a lost message costs a moment and no tab.
 * Why only rooms of one's own: a process with no tab in a room needs nothing of it; each holds what its own tabs can meet.
 * Why the key is the least: networks have the same name at all processes only with one key. All take the one that was born
 * first of those they have ever heard: that needs no election and survives the process that drew it.
 * Whoever can write to the bus is believed: it is the operator's. What comes is checked in form, so that another program's
 * message or a bug is counted and ignored.
 */
import * as v from 'valibot';
import type { Brand, RoomId } from '../src/core/brand.ts';
import type { Bytes } from '../src/core/bytes.ts';
import { type CborValue, encodeCbor } from '../src/core/codec.ts';
import type { Fault, Result } from '../src/core/result.ts';
import { bytesSchema, countSchema, decodeWith } from '../src/core/schema.ts';
import { peerIdSchema, roomIdSchema, signalingLimits } from '../src/mesh/signaling/protocol.ts';

export type ProcessId = Brand<string, 'ProcessId'>;

export const busProtocolLimits = {
  maxMessageBytes: 64 * 1024,
  maxDepth: 4,
  processIdBytes: 16,
  peersInPart: 1_000,
  /** Rooms of 100,000, twice over. */
  maxParts: 200,
  keyBytes: 32,
} as const;

const prefix = 'aivillage.1';
export const subjects = {
  all: `${prefix}.all`,
  room: (room: RoomId) => `${prefix}.room.${room}`,
  process: (process: ProcessId) => `${prefix}.process.${process}`,
} as const;

const processIdSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{22}$/, 'not a 22-character id'),
  v.transform((id) => id as ProcessId),
);
const time = countSchema(Number.MAX_SAFE_INTEGER);
const { keyBytes, peersInPart, maxParts } = busProtocolLimits;
const process = processIdSchema;
const room = roomIdSchema;
const networkKeySchema = v.object({
  born: time,
  bytes: v.pipe(bytesSchema(keyBytes), v.minLength(keyBytes)),
});

const busMessageSchema = v.variant('t', [
  v.object({ t: v.literal('beat'), process, key: networkKeySchema }),
  v.object({ t: v.literal('leaving'), process }),
  v.object({ t: v.literal('joined'), process, room, n: time, after: time, peer: peerIdSchema, at: time }),
  v.object({ t: v.literal('left'), process, room, n: time, after: time, peer: peerIdSchema }),
  v.object({ t: v.literal('at'), process, room, n: time }),
  v.object({ t: v.literal('ask'), process, room, n: time }),
  v.object({ t: v.literal('want'), process, room }),
  v.object({
    t: v.literal('list'),
    process,
    room,
    n: time,
    part: countSchema(maxParts),
    parts: v.pipe(countSchema(maxParts), v.minValue(1)),
    peers: v.pipe(v.array(peerIdSchema), v.maxLength(peersInPart)),
  }),
  v.object({
    t: v.literal('relay'),
    process,
    room,
    from: peerIdSchema,
    to: peerIdSchema,
    payload: bytesSchema(signalingLimits.maxPayloadBytes),
    network: v.optional(v.pipe(v.string(), v.maxLength(24))),
  }),
  v.object({
    t: v.literal('carry'),
    process,
    room,
    from: peerIdSchema,
    to: peerIdSchema,
    payload: bytesSchema(signalingLimits.maxCarriedBytes),
  }),
  v.object({ t: v.literal('gone'), process, room, to: peerIdSchema, peer: peerIdSchema }),
  v.object({ t: v.literal('full'), process, room, peer: peerIdSchema }),
  v.object({ t: v.literal('free'), process, room, peer: peerIdSchema }),
]);
export type BusMessage = v.InferOutput<typeof busMessageSchema>;
export type BusMessageOf<T extends BusMessage['t']> = Extract<BusMessage, { t: T }>;

const decodeLimits = { maxBytes: busProtocolLimits.maxMessageBytes, maxDepth: busProtocolLimits.maxDepth };

export const encodeBusMessage = (message: BusMessage): Bytes => encodeCbor(message as unknown as CborValue);
export const decodeBusMessage = (bytes: Uint8Array): Result<BusMessage, Fault> =>
  decodeWith(busMessageSchema, bytes, decodeLimits);
