import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountId, JobId } from '../../core/brand.ts';
import { silentTelemetry } from '../../core/ports/telemetry.ts';
import type { OwnRow } from '../../ledger/replica/store.ts';
import {
  createPerson,
  createTestGenesis,
  createTestLedger,
  type Person,
  type TestLedger,
} from '../../ledger/testDoubles.ts';
import type { OperationId } from '../../ledger/types.ts';
import { createMarketOrchestrator, type MarketOrchestrator } from '../../market/index.ts';
import { createTestAccess, type TestAccess } from '../../market/testDoubles.ts';
import { createMemoryStore } from '../../storage/memory.ts';
import { openPaymentBook, type PaymentRecord } from './paymentBook.ts';
import { keepPayees, paymentViewsOf } from './paymentView.ts';

const vcoin = 1_000_000;
const [ada, bob, eve, dan] = ['ada', 'bob', 'eve', 'dan'].map(createPerson) as [
  Person,
  Person,
  Person,
  Person,
];
const job = 'page' as JobId;

let ledger: TestLedger;
let record: PaymentRecord;
let access: TestAccess;
let market: MarketOrchestrator;
beforeEach(() => {
  ledger = createTestLedger(createTestGenesis({ allocations: [{ account: ada.id, amount: vcoin }] }));
  ledger.open(ada, bob, eve, dan);
  access = createTestAccess(ledger, ada);
  market = createMarketOrchestrator({ ledger: access });
  const body = { class: 'ocr', max: 400, limit: 250 * vcoin, deadline: 20, job };
  expect(ledger.act(ada, 'order', body)).toBeUndefined();
  access.refresh();
  market.start();
  const worker = { minPrice: 0, speed: 0, right: 0, lost: 0, given: 0 };
  record = {
    v: 1,
    job,
    order: [...ledger.state.market.escrows.keys()][0] as OperationId,
    at: 5,
    strategy: 'quality',
    locked: 100_000,
    price: 250 * vcoin,
    estimate: { least: 50_000, most: 90_000, measured: 12 },
    workers: [
      { ...worker, account: eve.id, share: 100 },
      { ...worker, account: bob.id, name: 'Bob', share: 300, right: 12, lost: 1 },
      { ...worker, account: dan.id, share: 0, minPrice: 300 * vcoin },
    ],
    payees: [],
  };
});
const viewOf = (kept: PaymentRecord, rows: readonly OwnRow[] = []) =>
  paymentViewsOf({
    statusOf: market.getAllocationStatus,
    records: [kept],
    rows,
    own: ada.id,
    nameOf: () => undefined,
  })[0];
const openBook = (store = createMemoryStore()) => openPaymentBook({ store, telemetry: silentTelemetry });

describe('what became of a budget', () => {
  it('says whom the strategy chose, why, and who was left out', () => {
    expect(viewOf(record)).toMatchObject({
      strategy: 'quality',
      phase: 'open',
      paid: 0,
      estimate: { least: 50_000, most: 90_000 },
      chosen: [
        { who: { name: 'Bob' }, part: 750, why: '12 tasks done right, 1 lost or wrong' },
        { who: { account: eve.id }, part: 250, why: 'new to you' },
      ],
      leftOut: [{ who: { account: dan.id }, why: 'asks for 300 VC, the price was 250 VC' }],
    });
  });

  it('is the ledger’s word while the order is there, and what was kept and came back when it is closed', async () => {
    const book = await openBook();
    book.put(record);
    keepPayees(market, book);
    const payees = [
      [bob.id, 200],
      [dan.id, 8],
    ] as const;
    expect(ledger.act(ada, 'settle', { escrow: record.order, payees })).toBeUndefined();
    access.refresh();
    const [kept] = book.records.get();
    if (!kept) throw new Error('the record is gone');
    const paid = {
      paid: 52_000,
      chosen: [{ paid: 50_000 }, { paid: 0 }],
      others: [{ who: { account: dan.id }, paid: 2_000 }],
    };
    expect(viewOf(kept)).toMatchObject({ phase: 'settled', ...paid });
    ledger.endEpochs(3);
    access.refresh();
    expect(viewOf(kept)).toMatchObject({ phase: 'closed', ...paid });
    // A claim that this device did not see: what came back tells.
    const refund = { account: ada.id, what: 'refunded', amount: 40_000, about: record.order };
    const row = { events: [refund] } as unknown as OwnRow;
    expect(viewOf(kept, [row])?.paid).toBe(60_000);
  });
});

describe('the book of payments', () => {
  it('finds what it kept again, newest first, and leaves out what it can not read', async () => {
    const store = createMemoryStore();
    const first = await openBook(store);
    first.put(record);
    first.put({ ...record, job: 'later' as JobId, at: 9 });
    first.put({ ...record, payees: [['x'.repeat(43) as AccountId, 4]] });
    await store.set('wallet', 'payment/broken', { v: 1, job: 3 });
    const again = await openBook(store);
    expect(again.records.get().map((one) => one.job)).toEqual(['later', job]);
    expect(again.records.get()[1]?.payees).toHaveLength(1);
  });
});
