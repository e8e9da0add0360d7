import { describe, expect, it } from 'vitest';
import type { JobId, Sha256, TaskId } from '../../../src/core/brand.ts';
import { concatBytes, utf8 } from '../../../src/core/bytes.ts';
import { encodeCbor } from '../../../src/core/codec.ts';
import { unwrap } from '../../../src/core/result.ts';
import { receiptBodyFor, receiptBytes } from '../../../src/inference/receipts.ts';
import { createPerson } from '../../../src/ledger/testDoubles.ts';
import { readReceipt, receiptChecks } from '../../../src/ledger/transition/market/receipts.ts';
import { playOrders } from './orders.ts';
import { ledgerRule, playPrices, servedRule, stockRule } from './prices.ts';

const seed = Number(process.env['SIM_SEED'] ?? 1);

describe('random orders', () => {
  it('meet in every sum, 20,000 of them, however they end', () => {
    const { violations, orders, paidOrders, refused, largestStepPercent } = playOrders(seed, 20_000);
    expect(violations).toEqual([]);
    expect(orders).toBe(20_000);
    expect(paidOrders).toBeGreaterThan(5_000);
    expect(refused).toBeGreaterThan(1_000);
    expect(largestStepPercent).toBeLessThanOrEqual(12.5 + 1e-9);
  });
});

describe('the price after a step of demand', () => {
  const step = { elasticity: 1, factor: 4, patience: 3, offered: 1 };

  it('is within 5 % of its new level within 30 epochs, and stays', () => {
    for (const patience of [2, 3, 6, 100]) {
      const run = playPrices({ ...step, patience }, ledgerRule);
      expect(run.epochsToSettle).toBeLessThanOrEqual(30);
      expect(run.largestStepPercent).toBeLessThanOrEqual(12.5 + 1e-9);
      expect(run.asked).toBeGreaterThan(0.74);
      expect(run.asked).toBeLessThanOrEqual(1);
    }
  });

  it('comes down again when demand does', () => {
    const run = playPrices({ ...step, factor: 0.25 }, ledgerRule);
    expect(run.last).toBeCloseTo(0.25, 2);
    expect(run.epochsToSettle).toBeLessThan(40);
  });

  it('is moved within a narrow band by offers that lie', () => {
    const run = playPrices({ ...step, factor: 1, offered: 1_000 }, ledgerRule);
    expect(run.lowest).toBeGreaterThan(0.75);
    expect(run.asked).toBeLessThan(1.05);
  });

  it('does not come to rest under the first design, whose reasons stand in price.ts', () => {
    expect(playPrices(step, stockRule).epochsToSettle).toBeUndefined();
    expect(playPrices(step, servedRule).last).toBeGreaterThan(100);
  });
});

describe('a receipt', () => {
  it('of the inference domain is one that the ledger reads, and its signature is over the same bytes', () => {
    const [ana, ben] = [createPerson('ana'), createPerson('ben')];
    const hash = 'a'.repeat(64) as Sha256;
    const body = receiptBodyFor(
      {
        unit: 'unit' as TaskId,
        job: 'job' as JobId,
        kind: 'ocr.detect',
        model: hash,
        input: hash,
        output: hash,
        pixels: 640 * 640,
        requester: { account: ana.id, deviceKey: ana.device.publicKey },
        worker: { account: ben.id, deviceKey: ben.device.publicKey },
      },
      { computeMs: 12, runtime: 'wasm', threads: 1, at: 0 },
    );
    const bytes = encodeCbor(body as never);
    expect(unwrap(readReceipt(bytes))).toMatchObject({ unit: 'unit', cost: { milliCredits: 231 } });
    expect(receiptBytes(body)).toEqual(concatBytes(utf8('aivillage/receipt/1'), bytes));
    const [check] = receiptChecks([{ body: bytes, signature: new Uint8Array(64) }]);
    expect(check?.message).toEqual(receiptBytes(body));
    expect(check?.key).toEqual(ana.device.publicKey);
  });
});
