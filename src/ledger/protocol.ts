/**
 * The ledger socket, version 1: /ledger on every keeper, for tabs and other keepers alike. Each message is one binary frame of
 * deterministic CBOR, a map with `t`. Nobody says who they are: operations, votes, proposals and blocks prove themselves, so a
 * connection needs limits and no login.
 *
 *   to a keeper
 *     hello     {v, net, height}          from now on tell me every block after this height (at most `maxPush` behind: ask)
 *     submit    {bytes, signature}        an operation; answered by `submitted`, and again when it is final or refused
 *     get       {after, count}            certified blocks from after+1 on; answered by `blocks`
 *     snapshot  {part}                    a part of the newest stored state; answered by `snapshot`
 *     agree     {seat, bytes, signature, block?}  of keepers: a consensus message, a proposal with its block
 *     quorum    {bytes, votes}            of keepers: what a quorum signed, with the signature of each: a vote's `bytes`
 *     want      {block}                   of keepers: a block a vote named; answered by `agree` of its proposal
 *     certified {bytes}                   a block after the keeper's own height, told by somebody who holds more than it does
 *   from a keeper
 *     status    {v, net, height, head, epoch, earliest}   answer to hello, and every 10 s
 *     block     {bytes}                   a certified block as it becomes final
 *     blocks    {after, blocks, height}   as many as fit
 *     submitted {id, state: 'pending' | 'final' | 'refused', height?, reason?}
 *     snapshot  {height, block, part, of, bytes}   `block`: the certified epoch block whose state root it has
 *     agree     as above                  answer to `want`
 *     refused   {reason}                  of the last message; a connection that goes on is closed
 *
 * Why certified blocks are the only news: whoever has the keepers of an epoch can check them, wherever they come from, so tabs
 * may ask each other as well (`blocks` and `snapshot` are RPCs of the mesh too).
 */
import * as v from 'valibot';
import type { Bytes } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import type { Fault, Result } from '../core/result.ts';
import { countSchema, decodeWith } from '../core/schema.ts';
import { blockLimits } from './block.ts';
import { operationLimits } from './operation.ts';
import { idSchema, ownBytes, shortText, signatureSchema } from './schemas.ts';
import type { BlockId, NetId, OperationId } from './types.ts';

export const ledgerVersion = 1;
export const ledgerLimits = {
  maxMessageBytes: blockLimits.maxBytes + 64 * 1024,
  /** Of one answer to `get`. */
  maxBlocks: 256,
  maxBlocksBytes: 1024 * 1024,
  snapshotPartBytes: 256 * 1024,
  maxSnapshotParts: 65_536,
  maxReasonLength: 300,
} as const;

const count = countSchema(Number.MAX_SAFE_INTEGER);
const version = v.literal(ledgerVersion, 'speaks another version: reload the page, or update the keeper');
const net = idSchema<NetId>();
const blockFrame = ownBytes(blockLimits.maxBytes);
const part = countSchema(ledgerLimits.maxSnapshotParts);

const agreeSchema = v.strictObject({
  t: v.literal('agree'),
  seat: countSchema(blockLimits.maxKeepers - 1),
  bytes: ownBytes(1_024),
  signature: signatureSchema,
  block: v.exactOptional(blockFrame),
});

export const toKeeperSchema = v.variant('t', [
  v.strictObject({ t: v.literal('hello'), v: version, net, height: count }),
  v.strictObject({
    t: v.literal('submit'),
    bytes: ownBytes(operationLimits.maxBytes),
    signature: signatureSchema,
  }),
  v.strictObject({ t: v.literal('get'), after: count, count: countSchema(ledgerLimits.maxBlocks) }),
  v.strictObject({ t: v.literal('snapshot'), part }),
  agreeSchema,
  v.strictObject({
    t: v.literal('quorum'),
    bytes: ownBytes(1_024),
    votes: v.pipe(
      v.array(v.strictTuple([countSchema(blockLimits.maxKeepers - 1), signatureSchema])),
      v.maxLength(blockLimits.maxKeepers),
    ),
  }),
  v.strictObject({ t: v.literal('want'), block: idSchema<BlockId>() }),
  v.strictObject({ t: v.literal('certified'), bytes: blockFrame }),
]);
export type ToKeeper = v.InferOutput<typeof toKeeperSchema>;

export const fromKeeperSchema = v.variant('t', [
  v.strictObject({
    t: v.literal('status'),
    v: version,
    net,
    height: count,
    head: idSchema<BlockId>(),
    epoch: count,
    /** The least height that `get` can still answer. */
    earliest: count,
  }),
  v.strictObject({ t: v.literal('block'), bytes: blockFrame }),
  v.strictObject({
    t: v.literal('blocks'),
    after: count,
    blocks: v.pipe(v.array(blockFrame), v.maxLength(ledgerLimits.maxBlocks)),
    height: count,
  }),
  v.strictObject({
    t: v.literal('submitted'),
    id: idSchema<OperationId>(),
    state: v.picklist(['pending', 'final', 'refused']),
    height: v.exactOptional(count),
    reason: v.exactOptional(shortText(ledgerLimits.maxReasonLength)),
  }),
  v.strictObject({
    t: v.literal('snapshot'),
    height: count,
    block: blockFrame,
    part,
    of: part,
    bytes: ownBytes(ledgerLimits.snapshotPartBytes),
  }),
  agreeSchema,
  v.strictObject({ t: v.literal('refused'), reason: shortText(ledgerLimits.maxReasonLength) }),
]);
export type FromKeeper = v.InferOutput<typeof fromKeeperSchema>;

export const encodeLedgerMessage = (message: ToKeeper | FromKeeper): Bytes =>
  encodeCbor(message as unknown as CborValue);

export const readToKeeper = (bytes: Uint8Array): Result<ToKeeper, Fault<'cbor' | 'schema'>> =>
  decodeWith(toKeeperSchema, bytes, { maxBytes: ledgerLimits.maxMessageBytes, maxDepth: 4 });
export const readFromKeeper = (bytes: Uint8Array): Result<FromKeeper, Fault<'cbor' | 'schema'>> =>
  decodeWith(fromKeeperSchema, bytes, { maxBytes: ledgerLimits.maxMessageBytes, maxDepth: 4 });
