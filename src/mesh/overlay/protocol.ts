/**
 * What two linked tabs say about the overlay itself, version 2: one message on the `overlay` channel = one CBOR map with
 * `t`. The first six are the membership's (see `stepMembership`); the last three are about a link that is nobody's
 * neighbourhood: one tab has work for the other.
 *
 *   neighbor      urgent              take me in; urgent: I have nobody
 *   accepted · disconnect
 *   declined      peers               no room here: ask one of these
 *   shuffle       peers ttl path      names, and the way back
 *   shuffle-reply peers path
 *   direct        work for you: may this link stay?
 *   direct-accepted · direct-declined
 *
 * Peer ids are 43 characters, so the largest message, a shuffle at the end of its walk, has under 1 KiB.
 */
import * as v from 'valibot';
import type { Bytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import type { Fault, Result } from '../../core/result.ts';
import { countSchema, decodeWith } from '../../core/schema.ts';
import { peerIdSchema } from '../signaling/protocol.ts';
import { type MembershipMessage, membershipDefaults } from './membershipTypes.ts';

export type DirectMessage = { readonly t: 'direct' | 'direct-accepted' | 'direct-declined' };
export type OverlayMessage = MembershipMessage | DirectMessage;

const { walk, shuffleActive, shufflePassive } = membershipDefaults;
const limits = { maxBytes: 1_024, maxDepth: 3 };
const peersSchema = v.pipe(v.array(peerIdSchema), v.maxLength(1 + shuffleActive + shufflePassive));
const pathSchema = v.pipe(v.array(peerIdSchema), v.maxLength(walk));
const ttlSchema = countSchema(walk);

const messageSchema = v.variant('t', [
  v.object({
    t: v.picklist(['accepted', 'disconnect', 'direct', 'direct-accepted', 'direct-declined']),
  }),
  v.object({ t: v.literal('declined'), peers: peersSchema }),
  v.object({ t: v.literal('neighbor'), urgent: v.boolean() }),
  v.object({ t: v.literal('shuffle'), peers: peersSchema, ttl: ttlSchema, path: pathSchema }),
  v.object({ t: v.literal('shuffle-reply'), peers: peersSchema, path: pathSchema }),
]);

export const encodeOverlayMessage = (message: OverlayMessage): Bytes =>
  encodeCbor(message as unknown as CborValue);
export const decodeOverlayMessage = (bytes: Uint8Array): Result<OverlayMessage, Fault> =>
  decodeWith(messageSchema, bytes, limits) as Result<OverlayMessage, Fault>;
