import * as v from 'valibot';
import type { AccountId, Brand } from '../../core/brand.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { err, type Fault, fault, ok, type Result } from '../../core/result.ts';
import { countSchema, decodeWith } from '../../core/schema.ts';
import type { Outcome } from '../access.ts';
import { operationLimits, readOperation } from '../operation.ts';
import { idSchema, ownBytes, shortText, signatureSchema } from '../schemas.ts';
import type { NetId, OperationId, ReadOperation, SignedOperation } from '../types.ts';

export type IntentId = Brand<string, 'IntentId'>;

/**
 * What the person wants done, once. It has one number for ever: whatever is signed for it bears that number, so at most one of
 * its versions is ever ordered, and nothing else under it.
 */
export type Intent = {
  readonly id: IntentId;
  readonly net: NetId;
  readonly account: AccountId;
  readonly seq: number;
  /** By whom versions are signed: this device's key, or the recovery key that moves the account here. */
  readonly by: 'device' | 'recovery';
  readonly versions: readonly Version[];
  readonly outcome: Outcome;
};

/** `void`: changes nothing, and is signed to free the numbers behind an intent that can't be ordered. */
export type Version = { readonly meant: 'intent' | 'void'; readonly operation: ReadOperation };

export const newestOf = ({ versions }: Intent): Version | undefined => versions.at(-1);

const outcomeSchema = v.variant('phase', [
  v.object({ phase: v.literal('pending') }),
  v.object({
    phase: v.literal('final'),
    id: idSchema<OperationId>(),
    height: countSchema(Number.MAX_SAFE_INTEGER),
  }),
  v.object({ phase: v.literal('refused'), reason: shortText(500) }),
]);
const versionSchema = v.object({ v: countSchema(Number.MAX_SAFE_INTEGER) });
const recordSchema = v.strictObject({
  v: v.literal(1),
  id: v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{22}$/)),
  net: idSchema<NetId>(),
  account: idSchema<AccountId>(),
  seq: v.pipe(countSchema(Number.MAX_SAFE_INTEGER), v.minValue(1)),
  by: v.picklist(['device', 'recovery']),
  versions: v.pipe(
    v.array(
      v.strictObject({
        meant: v.picklist(['intent', 'void']),
        bytes: ownBytes(operationLimits.maxBytes),
        signature: signatureSchema,
      }),
    ),
    v.minLength(1),
  ),
  outcome: outcomeSchema,
});

/** As bytes: a record that was half written does not decode. */
export const intentRecord = ({ id, net, account, seq, by, versions, outcome }: Intent): Uint8Array =>
  encodeCbor({
    v: 1,
    id,
    net,
    account,
    seq,
    by,
    versions: versions.map(({ meant, operation: { bytes, signature } }) => ({ meant, bytes, signature })),
    outcome: outcome satisfies CborValue,
  });

/** Says what is wrong with a record; it is never dropped for that. */
export const readIntent = (record: unknown): Result<Intent, Fault<'newer' | 'damaged'>> => {
  const damaged = (message: string) => err(fault('damaged', message));
  if (!(record instanceof Uint8Array)) return damaged('it is no bytes');
  const version = decodeWith(versionSchema, record);
  if (!version.ok) return damaged(version.error.message);
  if (version.value.v > 1) return err(fault('newer', 'a newer version of this page wrote it'));
  const read = decodeWith(recordSchema, record);
  if (!read.ok) return damaged(read.error.message);
  const { versions: signed, id, v: _, ...rest } = read.value;
  const versions: Version[] = [];
  for (const { meant, ...version } of signed) {
    const operation = readOperation(version satisfies SignedOperation);
    if (!operation.ok) return damaged(operation.error.message);
    versions.push({ meant, operation: operation.value });
  }
  return ok({ ...rest, id: id as IntentId, versions });
};
