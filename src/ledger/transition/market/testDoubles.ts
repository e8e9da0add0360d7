import { concatBytes, utf8 } from '../../../core/bytes.ts';
import { encodeCbor } from '../../../core/codec.ts';
import type { Person } from '../../testDoubles.ts';
import type { SignedReceipt } from './types.ts';

export type TestReceipt = {
  readonly requester: Person;
  readonly worker: Person;
  readonly job: string;
  readonly unit: string;
  readonly cost: number;
};

/** A receipt as the inference domain writes it, signed by its requester. */
export const signedReceiptOf = ({ requester, worker, job, unit, cost }: TestReceipt): SignedReceipt => {
  const body = encodeCbor({
    v: 1,
    unit,
    job,
    kind: 'ocr.detect',
    model: 'a'.repeat(64),
    input: 'b'.repeat(64),
    output: 'c'.repeat(64),
    requester: { account: requester.id, deviceKey: requester.device.publicKey },
    worker: { account: worker.id, deviceKey: worker.device.publicKey },
    cost: { milliCredits: cost, pixels: 640 * 640, computeMs: 120, runtime: 'wasm', threads: 1 },
    at: 1_700_000_000_000,
  });
  return {
    body,
    signature: requester.device.sign(concatBytes(utf8('aivillage/receipt/1'), body)),
  };
};
