import * as v from 'valibot';
import { type Bytes, concatBytes, equalBytes, utf8 } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import { sha256Base64url } from '../core/hash.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { countSchema, decodeWith } from '../core/schema.ts';
import { merkleRoot } from './merkle.ts';
import { operationLimits, readOperation, signedOperationBytes } from './operation.ts';
import { exactBytes, idSchema, keeperSchema, maxKeepers, ownBytes, signatureSchema } from './schemas.ts';
import type {
  Block,
  BlockHeader,
  BlockId,
  Certificate,
  CertifiedBlock,
  NetId,
  ReadOperation,
} from './types.ts';

/**
 * A certified block, version 1: deterministic CBOR of {h: header bytes, o: [[signature, operation bytes], …], r: round,
 * p: [[voter, signature], …]}. The header is bytes within, because its hash is the block's id.
 */
export const blockLimits = { maxOperations: 512, maxBytes: 1024 * 1024, maxKeepers } as const;

export type BlockFault = Fault<'block'>;
export { keeperSchema } from './schemas.ts';

const count = countSchema(Number.MAX_SAFE_INTEGER);
const headerFields = {
  v: v.literal(1),
  net: idSchema<NetId>(),
  height: v.pipe(count, v.minValue(1)),
  previous: idSchema<BlockId>(),
  creator: countSchema(blockLimits.maxKeepers - 1),
  epoch: count,
  time: count,
  operationsRoot: exactBytes(32),
  operations: countSchema(blockLimits.maxOperations),
};
const headerSchema = v.variant('kind', [
  v.strictObject({ ...headerFields, kind: v.literal('operations') }),
  v.strictObject({
    ...headerFields,
    kind: v.literal('epoch'),
    stateRoot: exactBytes(32),
    supply: v.strictObject({ minted: count, burned: count }),
    keepers: v.pipe(v.array(keeperSchema), v.minLength(1), v.maxLength(blockLimits.maxKeepers)),
  }),
]);
const blockSchema = v.strictObject({
  h: ownBytes(32 * 1024),
  o: v.pipe(
    v.array(v.strictTuple([signatureSchema, ownBytes(operationLimits.maxBytes)])),
    v.maxLength(blockLimits.maxOperations),
  ),
});
const certifiedSchema = v.strictObject({
  ...blockSchema.entries,
  r: count,
  p: v.pipe(
    v.array(v.strictTuple([countSchema(blockLimits.maxKeepers - 1), signatureSchema])),
    v.maxLength(blockLimits.maxKeepers),
  ),
});

const domain = utf8('vc1.block');
export const blockIdOf = (headerBytes: Uint8Array): BlockId =>
  sha256Base64url(concatBytes(domain, headerBytes)) as BlockId;

export const operationsRootOf = (operations: readonly ReadOperation[]): Bytes =>
  merkleRoot(operations.map(signedOperationBytes));

/** Whether its operations are those its header speaks of. */
export const holdsItsOperations = (block: Block): boolean => {
  if (knownToHold.has(block)) return true;
  const { header, operations } = block;
  const holds =
    header.operations === operations.length &&
    equalBytes(header.operationsRoot, operationsRootOf(operations));
  if (holds) knownToHold.add(block);
  return holds;
};

export const blockOf = (header: BlockHeader, operations: readonly ReadOperation[]): Block => {
  const headerBytes = encodeCbor(header as unknown as CborValue);
  return { id: blockIdOf(headerBytes), header, headerBytes, operations };
};

export const blockBytes = (block: Block): Bytes => encodeCbor(blockValue(block));
export const certifiedBlockBytes = ({ block, certificate }: CertifiedBlock): Bytes =>
  encodeCbor({
    ...blockValue(block),
    r: certificate.round,
    p: certificate.precommits.map(({ voter, signature }) => [voter, signature]),
  });

/** A proposed block, without a certificate. */
export const readBlock = (bytes: Uint8Array): Result<Block, BlockFault> => {
  const read = decodeWith(blockSchema, bytes, { maxBytes: blockLimits.maxBytes, maxDepth: 3 });
  return read.ok ? blockFrom(read.value.h, read.value.o) : refuse(read.error.message);
};

export const readCertifiedBlock = (bytes: Uint8Array): Result<CertifiedBlock, BlockFault> => {
  const read = decodeWith(certifiedSchema, bytes, { maxBytes: blockLimits.maxBytes, maxDepth: 3 });
  if (!read.ok) return refuse(read.error.message);
  const block = blockFrom(read.value.h, read.value.o);
  if (!block.ok) return block;
  const precommits = read.value.p.map(([voter, signature]) => ({ voter, signature }));
  const certificate: Certificate = { round: read.value.r, precommits };
  return ok({ block: block.value, certificate });
};

/** The operations are those the header speaks of; whether they may be applied is not asked. */
const blockFrom = (
  headerBytes: Bytes,
  signed: readonly (readonly [Bytes, Bytes])[],
): Result<Block, BlockFault> => {
  const header = decodeWith(headerSchema, headerBytes, { maxBytes: 32 * 1024, maxDepth: 3 });
  if (!header.ok) return refuse(`header: ${header.error.message}`);
  const operations: ReadOperation[] = [];
  for (const [signature, bytes] of signed) {
    const operation = readOperation({ signature, bytes });
    if (!operation.ok) return refuse(`operation ${operations.length}: ${operation.error.message}`);
    operations.push(operation.value);
  }
  const block: Block = { id: blockIdOf(headerBytes), header: header.value, headerBytes, operations };
  return holdsItsOperations(block) ? ok(block) : refuse('its operations are not those of its header');
};

/** Nobody changes a block, so what is known of one holds on: it is read first and applied later. */
const knownToHold = new WeakSet<Block>();

const blockValue = ({ headerBytes, operations }: Block) => ({
  h: headerBytes,
  o: operations.map(({ signature, bytes }) => [signature, bytes]),
});

const refuse = (message: string) => err(fault('block', message));
