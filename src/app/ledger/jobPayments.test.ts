import { describe, expect, it } from 'vitest';
import { type AccountId, type JobId, milliseconds } from '../../core/brand.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok, unwrap } from '../../core/result.ts';
import type { JobView, Prospect, WorkReceipt } from '../../inference/contracts.ts';
import type { Choice, PriceGate as Gate, PriceEstimate, Reserved } from '../../market/index.ts';
import { createJobPayments, type JobPaymentsDeps, owedFor } from './jobPayments.ts';
import type { PaymentRecord } from './paymentBook.ts';
import { estimateReading, pageCostsOf } from './readingCost.ts';

const day = 86_400_000;
/** A unit costs one, or two in the next epoch. */
const estimateAt = (cost: number): PriceEstimate => ({
  class: 'ocr',
  cost,
  amount: cost,
  basis: { posted: 250, median: 240, samples: 6, capacity: 0, waiting: 0 },
  next: { least: cost, most: 2 * cost },
});
const own = 'own' as AccountId;
const job = 'job' as JobId;

const receipt = (worker: string, unit: string, milliCredits: number, more: object = {}): WorkReceipt =>
  ({
    id: `${worker}/${unit}`,
    body: {
      job,
      unit,
      requester: { account: own },
      worker: { account: worker },
      cost: { milliCredits },
      ...more,
    },
    requesterSignature: new Uint8Array(64),
  }) as unknown as WorkReceipt;

describe('what a job owes', () => {
  it('is the cost of what was countersigned, by worker, each unit once', () => {
    const receipts = [
      receipt('ana', '1', 40),
      receipt('ana', '2', 2),
      receipt('ben', '1', 7),
      receipt('ana', '1', 40),
    ];
    expect([...owedFor(job, own, receipts)]).toEqual([
      ['ana', 42],
      ['ben', 7],
    ]);
  });

  it('is nothing for claims, for own work, and for the jobs of others', () => {
    const { requesterSignature: _, ...claim } = receipt('ana', '1', 40);
    const strange = receipt('ana', '2', 40, { requester: { account: 'zoe' as AccountId } });
    const other = receipt('ana', '3', 40, { job: 'another' as JobId });
    expect(owedFor(job, own, [claim, strange, other, receipt(own, '4', 40)]).size).toBe(0);
  });
});

describe('the payment of jobs', () => {
  const prospect = (account: string, speed: number): Prospect => ({
    account: account as AccountId,
    speed,
    lost: 0,
  });
  const terms = { budget: 5, strategy: 'speed', pages: 2 };
  const create = (gate: Partial<Gate>, more: Partial<JobPaymentsDeps> = {}) => {
    const kept: PaymentRecord[] = [];
    const payments = createJobPayments({
      account: own,
      gate: gate as Gate,
      market: { getPriceEstimate: ({ cost }) => ok(estimateAt(cost)) },
      receipts: () => [],
      pageCosts: () => [],
      book: { put: (record) => void kept.push(record) },
      nameOf: () => undefined,
      clock: { now: () => milliseconds(2 * day) },
      telemetry: silentTelemetry,
      ...more,
    });
    return { payments, kept };
  };

  it('asks the market, and tells in words why a budget can not be set aside', async () => {
    const { payments, kept } = create({ reserve: async () => err(fault('balance', '3 VC are missing')) });
    expect(await payments.reserve(job, terms, [])).toMatchObject({
      error: { code: 'budget', message: '3 VC are missing' },
    });
    expect(await payments.reserve(job, { ...terms, strategy: 'toString' }, [])).toMatchObject({
      error: { code: 'budget', message: /no strategy/ },
    });
    expect(kept).toEqual([]);
  });

  it('tells the market who is there and what is known of them, and keeps whom it chose', async () => {
    const asked: Choice[] = [];
    const receipts = [
      receipt('ana', '1', 40, { at: day }),
      receipt('ana', '2', 30, { at: 2 * day - 1 }),
      receipt('ana', '3', 30, { at: 0 }),
    ];
    const reserved = { escrow: 'order', strategy: 'speed', locked: 5, price: 7 } as unknown as Reserved;
    const gate: Partial<Gate> = {
      async reserve(_job, _budget, choice) {
        asked.push(choice);
        const considered = choice.present.map((worker) => ({ ...worker, minPrice: 3 }));
        const shares = [['ana' as AccountId, 90]] as const;
        return ok({ ...reserved, allocation: ok({ shares, unplaced: 0, considered }) });
      },
    };
    const { payments, kept } = create(gate, { receipts: () => receipts, pageCosts: () => [40, 45] });
    await payments.reserve(job, terms, [prospect('ana', 12), prospect('ben', 0)]);
    expect(asked).toEqual([
      {
        strategy: 'speed',
        present: [
          {
            account: 'ana',
            speed: 12,
            reliability: 800,
            minPrice: 0,
            capacity: undefined,
            given: 70,
          },
          { account: 'ben', speed: 0, reliability: 500, minPrice: 0, capacity: undefined, given: 0 },
        ],
        expected: 90,
      },
    ]);
    expect(kept).toMatchObject([
      {
        order: 'order',
        strategy: 'speed',
        estimate: { least: 80, most: 90, measured: 2 },
        workers: [
          { account: 'ana', share: 90, minPrice: 3, right: 3, given: 70 },
          { account: 'ben', share: 0, right: 0 },
        ],
        nobody: undefined,
      },
    ]);
  });

  it('pays every worker what it has receipts for when the job has ended', () => {
    const settled: unknown[] = [];
    const settle: Gate['settle'] = async (paid, owed) => {
      settled.push([paid, [...owed]]);
      return ok(undefined);
    };
    create({ settle }, { receipts: () => [receipt('ana', '1', 40)] }).payments.ended(job);
    expect(settled).toEqual([[job, [['ana', 40]]]]);
  });
});

describe('what reading will cost', () => {
  const market = { getPriceEstimate: ({ cost }: { cost: number }) => ok(estimateAt(cost)) };

  it('is said from pages that were read here, and else not at all', () => {
    expect(unwrap(estimateReading(market, [40, 50, 45], 3))).toEqual({
      price: 250,
      median: 240,
      epochs: 6,
      pages: { measured: 3, leastUnits: 40, mostUnits: 50, least: 120, most: 150, enough: 300 },
    });
    expect(unwrap(estimateReading(market, [], 3)).pages).toBeUndefined();
  });

  it('rests on the newest pages that were read to their end', () => {
    const page = (milliCredits: number, phase = 'done') => ({ milliCredits, state: { phase } });
    const jobs = [
      { createdAt: 1, pages: Array.from({ length: 60 }, () => page(1)) },
      { createdAt: 2, pages: [page(7), page(8, 'failed'), page(9, 'reading'), page(0)] },
    ] as unknown as readonly JobView[];
    expect(pageCostsOf(jobs)).toEqual([7, ...Array.from({ length: 49 }, () => 1)]);
  });
});
