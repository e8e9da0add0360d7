import * as v from 'valibot';
import { type Bytes, concatBytes, utf8 } from '../../../core/bytes.ts';
import { err, fault, ok, type Result } from '../../../core/result.ts';
import { countSchema, decodeWith } from '../../../core/schema.ts';
import { accountSchema, keySchema, shortText } from '../../schemas.ts';
import type { OperationFault, SignatureCheck } from '../module.ts';
import { marketLimits } from './limits.ts';
import type { SignedReceipt } from './types.ts';

/**
 * What the ledger reads of an inference receipt (src/inference/receipts.ts, version 1): for whose job, by whom, how much. Other
 * fields may be there and mean nothing here. The requester signed "aivillage/receipt/1" ‖ the very bytes of the body.
 */
const receiptSchema = v.object({
  v: v.literal(1),
  unit: v.pipe(shortText(marketLimits.maxUnitLength), v.minLength(1)),
  job: shortText(64),
  requester: v.object({ account: accountSchema, deviceKey: keySchema }),
  worker: v.object({ account: accountSchema }),
  cost: v.object({ milliCredits: countSchema(marketLimits.maxCost) }),
});
export type ReceiptTerms = v.InferOutput<typeof receiptSchema>;

const domain = utf8('aivillage/receipt/1');

export const readReceipt = (body: Bytes): Result<ReceiptTerms, OperationFault> => {
  const read = decodeWith(receiptSchema, body, { maxBytes: marketLimits.maxReceiptBytes, maxDepth: 4 });
  return read.ok ? read : err(fault('operation', read.error.message));
};

/**
 * By the key that the receipt itself names: an order may stand in the same block, so the state before it knows no better. That
 * this is the payer's key the transition asks. One that can't be read has no signature, and is refused there.
 */
export const receiptChecks = (receipts: readonly SignedReceipt[]): readonly SignatureCheck[] =>
  receipts.flatMap(({ body, signature }) => {
    const read = readReceipt(body);
    if (!read.ok) return [];
    return [{ key: read.value.requester.deviceKey, message: concatBytes(domain, body), signature }];
  });

/** All of them, or why not. Their units rise, so that none is there twice. */
export const readReceipts = (
  receipts: readonly SignedReceipt[],
): Result<readonly ReceiptTerms[], OperationFault> => {
  const terms: ReceiptTerms[] = [];
  for (const { body } of receipts) {
    const read = readReceipt(body);
    const place = `receipt ${terms.length}`;
    if (!read.ok) return refuse(`${place} can't be read: ${read.error.message}`);
    const before = terms.at(-1);
    if (before && read.value.unit <= before.unit)
      return refuse(`${place}: units must rise, ${read.value.unit} comes after ${before.unit}`);
    terms.push(read.value);
  }
  return ok(terms);
};

const refuse = (message: string) => err(fault('operation', message));
