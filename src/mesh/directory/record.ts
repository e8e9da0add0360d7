/**
 * Peer record, version 1: what a tab tells the whole swarm about itself, as the payload of a broadcast on topic `peer`.
 * CBOR {v: 1, credentials, lifetime, capabilities, neighbors, about}.
 *
 *   credentials   device and account behind the tab's key; the broadcast's signature is that key's
 *   lifetime      milliseconds from the broadcast's `at` for which it should be believed
 *   capabilities  what others may look for, in the mesh's own words
 *   neighbors     whom it is linked with, and the round trip in whole milliseconds (−1: not measured yet)
 *   about         the layer above's own words, opaque here
 *
 * Why it expires: tabs die without a word. Why neighbours are in it: routes and the map need them, and a lie costs a
 * message at most one attempt.
 */
import * as v from 'valibot';
import type { ByteCount, Sha256 } from '../../core/brand.ts';
import { byteCount, type PeerId } from '../../core/brand.ts';
import type { Bytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import type { Fault, Result } from '../../core/result.ts';
import { bytesSchema, countSchema, decodeWith } from '../../core/schema.ts';
import type { Credentials } from '../../identity/types.ts';
import { peerIdSchema } from '../signaling/protocol.ts';

export const peerTopic = 'peer';
/** Goodbye: no payload, the signature says who. */
export const leftTopic = 'left';
export const recordLimits = {
  maxBytes: 10 * 1024,
  maxAboutBytes: 6 * 1024,
  maxNeighbors: 12,
  maxModels: 32,
  maxLifetimeMs: 3_600_000,
} as const;

export type Capabilities = {
  /** SHA-256 of the models it has ready. */
  readonly models: readonly Sha256[];
  readonly gpu: boolean;
  /** 0: not told. */
  readonly memory: ByteCount;
  /** Tasks it would take now. */
  readonly freeSlots: number;
};

export type NeighborLink = { readonly peer: PeerId; readonly rtt: number };

export type RecordBody = {
  readonly v: 1;
  readonly credentials: Credentials;
  readonly lifetime: number;
  readonly capabilities: Capabilities;
  readonly neighbors: readonly NeighborLink[];
  readonly about: Bytes;
};

const schema = v.strictObject({
  v: v.literal(1),
  credentials: v.unknown(),
  lifetime: countSchema(recordLimits.maxLifetimeMs),
  capabilities: v.strictObject({
    models: v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.regex(/^[0-9a-f]{64}$/, 'not a SHA-256'),
          v.transform((text) => text as Sha256),
        ),
      ),
      v.maxLength(recordLimits.maxModels),
    ),
    gpu: v.boolean(),
    memory: v.pipe(countSchema(Number.MAX_SAFE_INTEGER), v.transform(byteCount)),
    freeSlots: countSchema(100_000),
  }),
  neighbors: v.pipe(
    v.array(
      v.strictObject({
        peer: peerIdSchema,
        rtt: v.pipe(v.number(), v.integer(), v.minValue(-1), v.maxValue(1_000_000)),
      }),
    ),
    v.maxLength(recordLimits.maxNeighbors),
  ),
  about: bytesSchema(recordLimits.maxAboutBytes),
});

/** Credentials are not looked into yet: checking them costs two signatures, and is done once per tab. */
export type UncheckedRecord = v.InferOutput<typeof schema>;

export const encodeRecord = (record: RecordBody): Bytes => encodeCbor(record as unknown as CborValue);
export const decodeRecord = (bytes: Uint8Array): Result<UncheckedRecord, Fault> =>
  decodeWith(schema, bytes, { maxBytes: recordLimits.maxBytes, maxDepth: 6 });
