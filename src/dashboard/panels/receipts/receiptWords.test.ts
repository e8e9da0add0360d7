import { describe, expect, it } from 'vitest';
import type { ReceiptView } from '../../../app/readModels.ts';
import type { AccountId } from '../../../core/brand.ts';
import { fixturePeer } from '../../testDoubles.ts';
import { filterReceipts, otherLantern, otherName } from './receiptWords.ts';

const view = (
  direction: ReceiptView['direction'],
  state: ReceiptView['state'],
  name: string | undefined = undefined,
): ReceiptView =>
  ({
    direction,
    state,
    otherName: name,
    receipt: {
      body: {
        requester: { account: 'requester-account' as AccountId },
        worker: { account: 'worker-account' as AccountId },
      },
    },
  }) as ReceiptView;

describe('receipts', () => {
  it('a claim is found under claims and under its direction', () => {
    const receipts = [view('earned', 'whole'), view('earned', 'claim'), view('own', 'whole')];
    expect(filterReceipts(receipts, 'all')).toHaveLength(3);
    expect(filterReceipts(receipts, 'earned')).toHaveLength(2);
    expect(filterReceipts(receipts, 'claim')).toEqual([receipts[1]]);
    expect(filterReceipts(receipts, 'spent')).toEqual([]);
  });

  it('names the other side, never ours', () => {
    expect(otherName(view('earned', 'whole'))).toBe('Account requeste…');
    expect(otherName(view('spent', 'whole'))).toBe('Account worker-a…');
    expect(otherName(view('spent', 'whole', 'Kestrel'))).toBe('Kestrel');
    expect(otherName(view('own', 'whole', 'Kestrel'))).toBe('Your own devices');
  });

  it('wears the lantern of a tab that is here, else of the account', () => {
    const peer = fixturePeer(0);
    const here = { ...peer, status: { ...peer.status, account: 'worker-account' as AccountId } };
    expect(otherLantern(view('spent', 'whole'), [here])).toBe(peer.status.peer);
    expect(otherLantern(view('spent', 'whole'), [])).toBe('worker-account');
  });
});
