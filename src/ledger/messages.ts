import * as v from 'valibot';
import { type Bytes, concatBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { encodeCbor } from '../core/codec.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { countSchema, decodeWith } from '../core/schema.ts';
import { idSchema } from './schemas.ts';
import type { BlockId, NetId } from './types.ts';

/**
 * What keepers sign while they agree, version 1: "vc1.vote" ‖ deterministic CBOR of
 *   {net, type: 'proposal' | 'prevote' | 'precommit', height, round, value: block id | null, validRound (proposals only)}
 * Why the net: a keeper may serve two swarms with one key. Why one domain for all three: a message is evidence by itself, and
 * whoever reads it must not need to know what it was sent as.
 */
export type ConsensusMessage =
  | {
      readonly net: NetId;
      readonly type: 'proposal';
      readonly height: number;
      readonly round: number;
      readonly value: BlockId;
      /** -1: fresh. */
      readonly validRound: number;
    }
  | {
      readonly net: NetId;
      readonly type: 'prevote' | 'precommit';
      readonly height: number;
      readonly round: number;
      readonly value: BlockId | null;
    };

const domain = utf8('vc1.vote');
const count = countSchema(Number.MAX_SAFE_INTEGER);
const common = { net: idSchema<NetId>(), height: count, round: count };
const messageSchema = v.variant('type', [
  v.strictObject({
    ...common,
    type: v.literal('proposal'),
    value: idSchema<BlockId>(),
    validRound: v.pipe(v.number(), v.safeInteger(), v.minValue(-1)),
  }),
  v.strictObject({ ...common, type: v.literal('prevote'), value: v.nullable(idSchema<BlockId>()) }),
  v.strictObject({ ...common, type: v.literal('precommit'), value: v.nullable(idSchema<BlockId>()) }),
]);

export const consensusBytes = (message: ConsensusMessage): Bytes => concatBytes(domain, encodeCbor(message));

export const readConsensusMessage = (bytes: Uint8Array): Result<ConsensusMessage, Fault<'message'>> => {
  if (!equalBytes(bytes.subarray(0, domain.length), domain)) return refuse('it is no message of a keeper');
  const read = decodeWith(messageSchema, bytes.subarray(domain.length), { maxBytes: 1_024, maxDepth: 1 });
  return read.ok ? ok(read.value) : refuse(read.error.message);
};

/** Two messages that an honest keeper can't both have signed: of one height, round and type, over two values. */
export const contradictionOf = (
  net: NetId,
  first: Uint8Array,
  second: Uint8Array,
): Result<ConsensusMessage, Fault<'message'>> => {
  const one = readConsensusMessage(first);
  if (!one.ok) return one;
  const other = readConsensusMessage(second);
  if (!other.ok) return other;
  const [a, b] = [one.value, other.value];
  if (a.net !== net || b.net !== net) return refuse('it is of another swarm');
  if (a.type !== b.type || a.height !== b.height || a.round !== b.round)
    return refuse('the two messages are of different moments, which is no contradiction');
  // A proposer that offers one value twice with two valid rounds has contradicted itself, too.
  return equalBytes(first, second) ? refuse('the two messages are one') : ok(a);
};

const refuse = (message: string) => err(fault('message', message));
