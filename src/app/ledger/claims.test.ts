import { beforeEach, describe, expect, it } from 'vitest';
import { decodeCbor } from '../../core/codec.ts';
import { unwrap } from '../../core/result.ts';
import type { WorkReceipt } from '../../inference/contracts.ts';
import {
  createPerson,
  createTestGenesis,
  createTestLedger,
  type Person,
  type TestLedger,
} from '../../ledger/testDoubles.ts';
import { signedReceiptOf } from '../../ledger/transition/market/testDoubles.ts';
import type { OperationId } from '../../ledger/types.ts';
import { claimsDue } from './claims.ts';

const vcoin = 1_000_000;
const [ada, bob, eve] = ['ada', 'bob', 'eve'].map(createPerson) as [Person, Person, Person];

let ledger: TestLedger;
let order: OperationId;

const receipt = (unit: string, cost: number, more: { job?: string; worker?: Person } = {}): WorkReceipt => {
  const { body, signature } = signedReceiptOf({
    requester: ada,
    worker: more.worker ?? bob,
    job: more.job ?? 'job',
    unit,
    cost,
  });
  const read = unwrap(decodeCbor(body)) as unknown as WorkReceipt['body'];
  return { id: unit, body: read, workerSignature: signature, requesterSignature: signature } as WorkReceipt;
};
const due = (...receipts: readonly WorkReceipt[]) => claimsDue(ledger.state, bob.id, receipts);

beforeEach(() => {
  ledger = createTestLedger(createTestGenesis({ allocations: [{ account: ada.id, amount: 100 * vcoin }] }));
  ledger.open(ada, bob, eve);
  const body = { class: 'ocr', max: 10_000, limit: 300_000_000, deadline: 20, job: 'job' };
  expect(ledger.act(ada, 'order', body)).toBeUndefined();
  order = [...ledger.state.market.escrows.keys()][0] as OperationId;
});

describe('what a worker claims by itself', () => {
  it('is nothing while its requester may still pay', () => {
    expect(due(receipt('u1', 400))).toEqual([]);
  });

  it('is what its receipts come to when the requester settled without it', () => {
    ledger.act(ada, 'settle', { escrow: order, payees: [[eve.id, 100]] });
    const [claim] = due(receipt('u2', 300), receipt('u1', 400), receipt('u1', 400));
    if (!claim) throw new Error('nothing is claimed');
    expect(claim.escrow).toBe(order);
    expect(claim.receipts).toHaveLength(2);
    expect(ledger.act(bob, 'claim', claim)).toBeUndefined();
    expect(ledger.balance(bob)).toBe(700 * 250 - Math.floor((700 * 250) / 50));
    // Paid is paid: there is nothing more to claim.
    expect(due(receipt('u1', 400), receipt('u2', 300))).toEqual([]);
  });

  it('is nothing if the requester paid what the receipts say', () => {
    ledger.act(ada, 'settle', { escrow: order, payees: [[bob.id, 700]] });
    expect(due(receipt('u1', 400), receipt('u2', 300))).toEqual([]);
  });

  it('is claimed at the deadline when the requester has gone', () => {
    ledger.endEpochs(19);
    expect(due(receipt('u1', 400))).toEqual([]);
    ledger.endEpochs(1);
    expect(due(receipt('u1', 400))).toHaveLength(1);
  });

  it('goes on after the units of the claim before, where one can not hold all', () => {
    ledger.act(ada, 'settle', { escrow: order, payees: [[eve.id, 100]] });
    const many = Array.from({ length: 100 }, (_, index) => receipt(`u${100 + index}`, 10));
    for (const expected of [60, 40]) {
      const [claim] = due(...many);
      if (!claim) throw new Error('nothing is claimed');
      expect(claim.receipts).toHaveLength(expected);
      expect(ledger.act(bob, 'claim', claim)).toBeUndefined();
    }
    expect(due(...many)).toEqual([]);
    expect(ledger.state.market.escrows.get(order)?.payees[bob.id]?.cost).toBe(1_000);
  });

  it('leaves out what is of another job, of somebody else, or signed by one side only', () => {
    ledger.act(ada, 'settle', { escrow: order, payees: [[eve.id, 100]] });
    const { requesterSignature: _, ...half } = receipt('u3', 9);
    expect(due(receipt('u1', 9, { job: 'other' }), receipt('u2', 9, { worker: eve }), half)).toEqual([]);
  });
});
