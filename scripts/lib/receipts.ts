import { webcrypto } from 'node:crypto';
import { parseWith } from '../../src/core/schema.ts';
import { receiptSchema, verifyReceipt } from '../../src/inference/index.ts';

/** Members of an exported receipt that are bytes, written as base64 so that the file is JSON. */
const byteMembers = new Set(['deviceKey', 'workerSignature', 'requesterSignature']);

const reviveBytes = (key: string, value: unknown): unknown =>
  byteMembers.has(key) && typeof value === 'string' ? new Uint8Array(Buffer.from(value, 'base64')) : value;

const verify = async (
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> => {
  const key = await webcrypto.subtle.importKey('raw', new Uint8Array(publicKey), 'Ed25519', false, [
    'verify',
  ]);
  return webcrypto.subtle.verify('Ed25519', key, new Uint8Array(signature), new Uint8Array(message));
};

/** Checks exported receipts outside of any page: a stranger's check. Counts those with both signatures that hold. */
export const checkReceipts = async (
  exported: unknown,
): Promise<{ readonly count: number; readonly valid: number }> => {
  const receipts = JSON.parse(JSON.stringify(exported), reviveBytes) as unknown[];
  let valid = 0;
  for (const one of receipts) {
    const receipt = parseWith(receiptSchema, one);
    if (receipt.ok && (await verifyReceipt(receipt.value, { verify })).ok) valid++;
  }
  return { count: receipts.length, valid };
};
