import { describe, expect, it } from 'vitest';
import type { AccountId, JobId, MilliCredits, TaskId } from '../core/brand.ts';
import { equalBytes } from '../core/bytes.ts';
import { createNodeCryptoForTests } from '../identity/testDoubles.ts';
import type { WorkReceipt } from './contracts.ts';
import { creditsFor } from './cost.ts';
import {
  checkClaim,
  claimReceipt,
  countersign,
  receiptBodyFor,
  receiptBytes,
  verifyReceipt,
  type WitnessedWork,
} from './receipts.ts';
import { idOf, modelHash } from './testDoubles.ts';

const crypto = createNodeCryptoForTests();
const worker = await crypto.signingKeyFromSeed(new Uint8Array(32).fill(1));
const requester = await crypto.signingKeyFromSeed(new Uint8Array(32).fill(2));
const stranger = await crypto.signingKeyFromSeed(new Uint8Array(32).fill(3));

const work: WitnessedWork = {
  unit: idOf<TaskId>('unit'),
  job: idOf<JobId>('job'),
  kind: 'ocr.recognize',
  model: modelHash('model'),
  input: modelHash('input'),
  output: modelHash('output'),
  pixels: 15_360,
  requester: { account: idOf<AccountId>('ana'), deviceKey: requester.publicKey },
  worker: { account: idOf<AccountId>('ben'), deviceKey: worker.publicKey },
};
const measured = { computeMs: 70.4, runtime: 'wasm' as const, threads: 2, at: 1_790_000_000_000 };
const claim = await claimReceipt(receiptBodyFor(work, measured), worker);
const receipt = await countersign(claim, requester);
const withBody = (changes: object): WorkReceipt => ({ ...claim, body: { ...claim.body, ...changes } });

describe('a receipt', () => {
  it('is whole with two signatures under the same bytes', async () => {
    expect(await verifyReceipt(receipt, crypto)).toEqual({ ok: true, value: undefined });
  });

  it('has one encoding, whatever the order of its members', () => {
    const shuffled = Object.fromEntries(Object.entries(claim.body).reverse()) as typeof claim.body;
    expect(equalBytes(receiptBytes(shuffled), receiptBytes(claim.body))).toBe(true);
  });

  it('is a claim without the requester, and says so', async () => {
    expect(await verifyReceipt(claim, crypto)).toMatchObject({ ok: false, error: { code: 'receipt' } });
  });

  it.each([
    [
      'a changed credit',
      { body: { ...receipt.body, cost: { ...receipt.body.cost, milliCredits: 9 as MilliCredits } } },
    ],
    ['a changed output', { body: { ...receipt.body, output: modelHash('other') } }],
    ['another id', { id: idOf('other') }],
    ['a foreign worker signature', { workerSignature: receipt.requesterSignature }],
    ['a foreign requester signature', { requesterSignature: receipt.workerSignature }],
  ])('does not survive %s', async (_, changes) => {
    const forged = { ...receipt, ...changes } as WorkReceipt;
    expect((await verifyReceipt(forged, crypto)).ok).toBe(false);
  });

  it('can not be earned inside one account', async () => {
    const body = receiptBodyFor(
      { ...work, worker: { ...work.worker, account: work.requester.account } },
      measured,
    );
    const own = await countersign(await claimReceipt(body, worker), requester);
    expect(await verifyReceipt(own, crypto)).toMatchObject({ ok: false });
  });
});

describe('a claim', () => {
  it('is accepted when it says what was seen', async () => {
    expect((await checkClaim(claim, work, crypto)).ok).toBe(true);
  });

  it.each([
    ['unit', { unit: idOf('another unit') }],
    ['job', { job: idOf('another job') }],
    ['kind', { kind: 'ocr.detect' }],
    ['model', { model: modelHash('x') }],
    ['input', { input: modelHash('x') }],
    ['output', { output: modelHash('x') }],
    ['pixels', { cost: { ...claim.body.cost, pixels: 15_361 } }],
    ['requester', { requester: { ...work.requester, account: idOf('cem') } }],
    ['worker', { worker: { ...work.worker, deviceKey: stranger.publicKey } }],
  ])('with another %s is refused, even if it is well signed', async (_, changes) => {
    const signed = await claimReceipt(withBody(changes).body, worker);
    expect((await checkClaim(signed, work, crypto)).ok).toBe(false);
  });

  it('that asks for more than its pixels pay is refused', async () => {
    const cost = { ...claim.body.cost, milliCredits: (claim.body.cost.milliCredits + 1) as MilliCredits };
    const greedy = await claimReceipt(withBody({ cost }).body, worker);
    expect(await checkClaim(greedy, work, crypto)).toMatchObject({ ok: false });
  });
});

describe('cost', () => {
  it('follows the counted operations: a short line 0.071 credits, a detector page 0.231', () => {
    expect(creditsFor('ocr.recognize', 48 * 320)).toBe(71);
    expect(creditsFor('ocr.detect', 640 * 640)).toBe(231);
  });
});
