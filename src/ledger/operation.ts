import * as v from 'valibot';
import { type Bytes, concatBytes, utf8 } from '../core/bytes.ts';
import { type CborValue, encodeCbor } from '../core/codec.ts';
import { sha256Base64url } from '../core/hash.ts';
import type { SigningKey } from '../core/ports/crypto.ts';
import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { countSchema, decodeWith, parseWith } from '../core/schema.ts';
import { accountSchema, epochSchema, idSchema } from './schemas.ts';
import { core } from './transition/core/index.ts';
import { modules } from './transition/modules.ts';
import type {
  NetId,
  Operation,
  OperationBodies,
  OperationId,
  OperationKind,
  ReadOperation,
  SignedOperation,
} from './types.ts';

/**
 * An operation, version 1: deterministic CBOR of {net, account, seq, validUntil, kind, body}, signed by the account's current
 * key over "vc1.op" ‖ bytes (`rotate` and `recovery`: by the key they name). The bytes are kept and sent on as they came.
 */
export const operationLimits = { maxBytes: 48 * 1024, maxDepth: 8 } as const;

const domain = utf8('vc1.op');

export type ReadFault = Fault<'operation'>;

const bodySchemas: { readonly [Kind in OperationKind]: v.GenericSchema<unknown, OperationBodies[Kind]> } = {
  ...core.bodies,
  ...modules.market.bodies,
  ...modules.mint.bodies,
  ...modules.governance.bodies,
};
export const operationKinds = Object.keys(bodySchemas) as readonly OperationKind[];

const envelopeSchema = v.strictObject({
  net: idSchema<NetId>(),
  account: accountSchema,
  seq: v.pipe(countSchema(Number.MAX_SAFE_INTEGER), v.minValue(1)),
  validUntil: epochSchema,
  kind: v.picklist(operationKinds, 'is of a kind that this version does not know'),
  body: v.unknown(),
});

export const operationBytes = (operation: Operation): Bytes => encodeCbor(operation as unknown as CborValue);
export const operationMessage = (bytes: Uint8Array): Bytes => concatBytes(domain, bytes);
export const operationIdOf = (bytes: Uint8Array): OperationId =>
  sha256Base64url(operationMessage(bytes)) as OperationId;

/** As a block's tree holds it. */
export const signedOperationBytes = ({ signature, bytes }: SignedOperation): Bytes =>
  concatBytes(signature, bytes);

export const signOperation = async (operation: Operation, signer: SigningKey): Promise<ReadOperation> => {
  const bytes = operationBytes(operation);
  const signature = await signer.sign(operationMessage(bytes));
  return { bytes, signature, id: operationIdOf(bytes), operation };
};

/** Reads what a stranger sent. Says nothing of whether it may be applied, nor of its signature. */
export const readOperation = ({ bytes, signature }: SignedOperation): Result<ReadOperation, ReadFault> => {
  if (signature.byteLength !== 64) return refuse(`its signature has ${signature.byteLength} bytes, not 64`);
  const envelope = decodeWith(envelopeSchema, bytes, operationLimits);
  if (!envelope.ok) return refuse(envelope.error.message);
  const { kind } = envelope.value;
  const body = parseWith(bodySchemas[kind] as v.GenericSchema<unknown>, envelope.value.body);
  if (!body.ok) return refuse(`${kind}: ${body.error.message}`);
  const operation = { ...envelope.value, body: body.value } as Operation;
  return ok({ bytes, signature, id: operationIdOf(bytes), operation });
};

const refuse = (message: string) => err(fault('operation', message));
