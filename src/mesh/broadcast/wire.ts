/**
 * What neighbours say to each other about broadcasts, version 1. One message = one CBOR map with `t`; ids are those of
 * message.ts.
 *
 *   gossip   id hops repair message   a broadcast, whole and as it was sealed; `repair`: not along the tree
 *   ihave    ids                      I have these
 *   graft    id                       send me this one, and from now on at once
 *   prune                             announce instead of sending
 *   summary  sum                      of the ids I keep: see kept.ts
 *   holding  ids                      those I keep
 *   pull     ids                      send me these
 *
 * `hops` is told by strangers and only measured. It stops at its limit on the way out, so that nobody can make an honest
 * neighbour send what others refuse.
 */
import * as v from 'valibot';
import type { Bytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import type { Fault, Result } from '../../core/result.ts';
import { bytesSchema, countSchema, decodeWith } from '../../core/schema.ts';
import { broadcastLimits } from './message.ts';
import type { PlumtreeMessage } from './plumtreeTypes.ts';

/** With the broadcast still sealed. */
export type BroadcastMessage = PlumtreeMessage<Uint8Array>;

export const broadcastWireLimits = {
  /** As many as are kept. */
  maxIds: 256,
  maxHops: 255,
  /** The longest message is a gossip; its other members take less than this. */
  maxBytes: broadcastLimits.maxBytes + 256,
  maxDepth: 2,
} as const;

/** The 22nd character holds the last two of 128 bits, so it is one of four; any other would name the same bytes twice. */
const idSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{21}[AQgw]$/, 'not a 22-character id'));
const idsSchema = v.pipe(v.array(idSchema), v.maxLength(broadcastWireLimits.maxIds));

const messageSchema = v.variant('t', [
  v.object({
    t: v.literal('gossip'),
    id: idSchema,
    hops: countSchema(broadcastWireLimits.maxHops),
    repair: v.boolean(),
    message: bytesSchema(broadcastLimits.maxBytes),
  }),
  v.object({ t: v.literal('ihave'), ids: idsSchema }),
  v.object({ t: v.literal('graft'), id: idSchema }),
  v.object({ t: v.literal('prune') }),
  v.object({ t: v.literal('summary'), sum: countSchema(2 ** 32 - 1) }),
  v.object({ t: v.literal('holding'), ids: idsSchema }),
  v.object({ t: v.literal('pull'), ids: idsSchema }),
]);

export const encodeBroadcastMessage = (message: BroadcastMessage): Bytes =>
  encodeCbor(
    message.t === 'gossip'
      ? { ...message, hops: Math.min(message.hops, broadcastWireLimits.maxHops) }
      : (message satisfies CborValue),
  );

export const decodeBroadcastMessage = (
  bytes: Uint8Array,
): Result<BroadcastMessage, Fault<'cbor' | 'schema'>> =>
  decodeWith(messageSchema, bytes, broadcastWireLimits);
