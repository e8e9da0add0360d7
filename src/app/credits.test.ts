import { describe, expect, it } from 'vitest';
import type { AccountId } from '../core/brand.ts';
import type { WorkReceipt } from '../inference/contracts.ts';
import { createCreditBook } from './credits.ts';

const me = 'me' as AccountId;
const ana = 'ana' as AccountId;

const receipt = (
  id: string,
  requester: AccountId,
  worker: AccountId,
  milliCredits: number,
  whole: boolean,
): WorkReceipt =>
  ({
    id,
    body: {
      requester: { account: requester },
      worker: { account: worker },
      cost: { milliCredits },
      at: milliCredits,
    },
    workerSignature: new Uint8Array(64),
    ...(whole ? { requesterSignature: new Uint8Array(64) } : {}),
  }) as unknown as WorkReceipt;

const openBook = () => createCreditBook({ account: me, nameOf: (account) => `name of ${account}` });

describe('credit book', () => {
  it('counts what we earned and what we spent apart', () => {
    const book = openBook();
    book.add(receipt('a', ana, me, 1_200, true));
    book.add(receipt('b', me, ana, 300, true));
    expect(book.view.get()).toMatchObject({ earned: 1_200, spent: 300 });
    expect(book.view.get().receipts.map(({ direction }) => direction)).toEqual(['earned', 'spent']);
  });

  it('counts a receipt once, however often it arrives', () => {
    const book = openBook();
    for (let i = 0; i < 3; i++) book.add(receipt('a', ana, me, 500, true));
    expect(book.view.get().earned).toBe(500);
    expect(book.view.get().receipts).toHaveLength(1);
  });

  it('shows a claim without counting it, and counts it when it becomes whole', () => {
    const book = openBook();
    book.add(receipt('a', ana, me, 500, false));
    expect(book.view.get()).toMatchObject({ earned: 0, receipts: [{ state: 'claim' }] });
    book.add(receipt('a', ana, me, 500, true));
    expect(book.view.get()).toMatchObject({ earned: 500, receipts: [{ state: 'whole' }] });
  });

  it('does not turn a whole receipt back into a claim', () => {
    const book = openBook();
    book.add(receipt('a', ana, me, 500, true));
    book.add(receipt('a', ana, me, 500, false));
    expect(book.view.get().earned).toBe(500);
  });

  it('earns nothing from work between nodes of one account', () => {
    const book = openBook();
    book.add(receipt('a', me, me, 900, true));
    expect(book.view.get()).toMatchObject({ earned: 0, spent: 0, receipts: [{ direction: 'own' }] });
  });

  it('names the other side', () => {
    const book = openBook();
    book.add(receipt('a', ana, me, 1, true));
    expect(book.view.get().receipts[0]?.otherName).toBe('name of ana');
  });
});
