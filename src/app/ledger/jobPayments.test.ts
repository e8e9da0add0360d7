import { describe, expect, it } from 'vitest';
import type { AccountId, JobId } from '../../core/brand.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok } from '../../core/result.ts';
import type { WorkReceipt } from '../../inference/contracts.ts';
import type { PriceGate } from '../../market/index.ts';
import { createJobPayments, owedFor } from './jobPayments.ts';

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
  const create = (gate: PriceGate | undefined, receipts: readonly WorkReceipt[] = []) =>
    createJobPayments({
      account: own,
      gate: () => gate,
      receipts: () => receipts,
      telemetry: silentTelemetry,
    });

  it('asks the market, and tells in words why a budget can not be set aside', async () => {
    const poor = { reserve: async () => err(fault('balance', '3 VC are missing')) } as unknown as PriceGate;
    expect(await create(poor).reserve(job, 5)).toMatchObject({
      error: { code: 'budget', message: '3 VC are missing' },
    });
    expect(await create(undefined).reserve(job, 5)).toMatchObject({
      error: { message: /not open here yet/ },
    });
  });

  it('pays every worker what it has receipts for when the job has ended', () => {
    const settled: unknown[] = [];
    const gate = {
      async settle(paid: JobId, owed: ReadonlyMap<AccountId, number>) {
        settled.push([paid, [...owed]]);
        return ok(undefined);
      },
    } as unknown as PriceGate;
    create(gate, [receipt('ana', '1', 40)]).ended(job);
    expect(settled).toEqual([[job, [['ana', 40]]]]);
  });
});
