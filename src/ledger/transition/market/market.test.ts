import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { unwrap } from '../../../core/result.ts';
import { audit } from '../../audit.ts';
import { readOperation } from '../../operation.ts';
import { signatureChecksOf } from '../../signatures.ts';
import { stateRootOf } from '../../stateRoot.ts';
import {
  createPerson,
  createTestGenesis,
  createTestLedger,
  operationOf,
  type Person,
  type TestLedger,
  testVerify,
} from '../../testDoubles.ts';
import type { OperationBodies, OperationId, OperationKind } from '../../types.ts';
import { marketLimits } from './limits.ts';
import { signedReceiptOf } from './testDoubles.ts';

const [ana, ben, eve] = ['ana', 'ben', 'eve'].map(createPerson) as [Person, Person, Person];
const vcoin = 1_000_000;
/** Price 250 VC per 10⁶: 400 of cost are 0.1 VC. */
const wanted = { class: 'ocr', max: 400, limit: 250 * vcoin, deadline: 5, job: 'job' };

let ledger: TestLedger;
beforeEach(() => {
  ledger = createTestLedger(createTestGenesis({ allocations: [{ account: ana.id, amount: 10 * vcoin }] }));
  ledger.open(ana, ben, eve);
});

const place = (change: Partial<OperationBodies['order']> = {}, by = ana): OperationId => {
  const body = { ...wanted, ...change };
  expect(ledger.act(by, 'order', body)).toBeUndefined();
  const id = ledger.state.market.jobs.get(`${by.id}/${body.job}`);
  if (!id) throw new Error('the order is not there');
  return id;
};
const receipt = (
  unit: string,
  cost: number,
  change: { worker?: Person; job?: string; requester?: Person } = {},
) => signedReceiptOf({ requester: ana, worker: ben, job: 'job', unit, cost, ...change });
const happened = (account: Person) =>
  ledger.events.filter((event) => event.account === account.id && event.amount !== 0);

describe('an order', () => {
  it('locks its maximum at its limit, rounded up, and gives it back at its deadline', () => {
    const id = place({ max: 3, limit: 250_000_001 });
    expect(ledger.balance(ana)).toBe(10 * vcoin - 751);
    expect(ledger.state.market.locked).toBe(751);
    ledger.endEpochs(5);
    expect(ledger.state.market.escrows.has(id)).toBe(true);
    ledger.endEpochs(1);
    expect(ledger.state.market.escrows.has(id)).toBe(false);
    expect(ledger.balance(ana)).toBe(10 * vcoin);
  });

  it('is refused with the reason', () => {
    place();
    const refused = (change: Partial<OperationBodies['order']>) =>
      ledger.act(ana, 'order', { ...wanted, job: 'other', ...change });
    expect(refused({ class: 'constructor' })).toBe('there is no work of class constructor');
    expect(refused({ limit: 1 })).toContain('the price is 250');
    expect(refused({ deadline: 1_009 })).toBe('an order waits 1008 epochs at most');
    expect(refused({ job: 'job' })).toContain('job job has an open order');
    expect(refused({ max: 1_000_000 })).toBe('this needs 250 VC, the account has 9.9 VC');
    ledger.endEpochs(1);
    expect(refused({ deadline: 0 })).toBe('its deadline was epoch 0, this is 1');
  });

  it('of the largest size at the largest limit is still an exact integer', () => {
    const most = { max: marketLimits.maxCost, limit: marketLimits.maxPrice };
    expect(ledger.act(ana, 'order', { ...wanted, ...most })).toMatch(/^this needs 4722366482\.869646 VC/);
  });

  it('can be cancelled for a fiftieth as long as nobody was asked to work', () => {
    const id = place();
    expect(ledger.act(ben, 'cancel', { escrow: id })).toBe('only who placed an order may do this');
    expect(ledger.act(ana, 'cancel', { escrow: id })).toBeUndefined();
    expect(ledger.balance(ana)).toBe(10 * vcoin - 2_000);
    expect(ledger.act(ana, 'cancel', { escrow: id })).toBe(`order ${id} was closed in epoch 0, this is 0`);
    const other = place({ job: 'other' });
    ledger.act(ana, 'match', { escrow: other, shares: [[ben.id, 400]] });
    expect(ledger.act(ana, 'cancel', { escrow: other })).toContain('workers were asked already');
  });

  it('that was matched stays open for claims beyond its deadline', () => {
    const id = place({ deadline: 1 });
    expect(ledger.act(ana, 'match', { escrow: id, shares: [[ben.id, 401]] })).toContain('more than the 400');
    expect(ledger.act(ana, 'match', { escrow: id, shares: [[ana.id, 1]] })).toContain('earns nothing');
    ledger.act(ana, 'match', { escrow: id, shares: [[ben.id, 300]] });
    ledger.endEpochs(2);
    expect(ledger.act(ana, 'match', { escrow: id, shares: [[eve.id, 300]] })).toBe(
      'its deadline was epoch 1',
    );
    ledger.endEpochs(1);
    expect(ledger.state.market.escrows.has(id)).toBe(true);
    ledger.endEpochs(1);
    expect(ledger.state.market.escrows.has(id)).toBe(false);
    expect(ledger.balance(ana)).toBe(10 * vcoin);
  });
});

describe('a settlement', () => {
  it('pays at the posted price, the fee out of the pay, and gives back the rest after the challenge', () => {
    const { treasury } = ledger.state;
    const id = place({ limit: 300 * vcoin });
    const payees = [
      [ben.id, 301],
      [eve.id, 1],
    ] as const;
    expect(ledger.act(ana, 'settle', { escrow: id, payees })).toBeUndefined();
    expect(ledger.balance(ben)).toBe(75_250 - 1_505);
    expect(ledger.balance(eve)).toBe(250 - 5);
    expect(ledger.state.treasury).toBe(treasury + 1_510);
    expect(ledger.state.market.locked).toBe(120_000 - 75_500);
    ledger.endEpochs(3);
    expect(ledger.balance(ana)).toBe(10 * vcoin - 75_500);
    expect(ledger.state.market.locked).toBe(0);
    expect(happened(ana).map(({ what, amount }) => [what, amount])).toEqual([
      ['locked', -120_000],
      ['refunded', 44_500],
    ]);
    expect(happened(ben).map(({ what, amount }) => [what, amount])).toEqual([
      ['earned', 75_250],
      ['fee', -1_505],
    ]);
  });

  it('may say more later, never less, and never more than was ordered', () => {
    const id = place();
    const settle = (payees: OperationBodies['settle']['payees']) =>
      ledger.act(ana, 'settle', { escrow: id, payees });
    expect(settle([[ben.id, 401]])).toBe('401 in all is more than the 400 ordered');
    expect(settle([[ana.id, 1]])).toBe('work inside one account earns nothing');
    expect(
      settle([
        [ben.id, 1],
        [ben.id, 2],
      ]),
    ).toBe('an account is named twice');
    expect(settle([[ben.id, 100]])).toBeUndefined();
    expect(settle([[ben.id, 99]])).toContain('was paid for 100 already');
    expect(settle([[ben.id, 100]])).toBe('this pays nothing that was not paid before');
    expect(settle([[eve.id, 301]])).toBe('401 in all is more than the 400 ordered');
    expect(settle([[eve.id, 300]])).toBeUndefined();
    expect(ledger.balance(ben) + ledger.balance(eve)).toBe(98_000);
  });

  it('in many small steps costs the same fee as in one', () => {
    const allocations = [{ account: ana.id, amount: 10 * vcoin }];
    ledger = createTestLedger(createTestGenesis({ allocations, parameters: { payFeeDivisor: 30 } }));
    ledger.open(ana, ben);
    const id = place();
    for (let cost = 1; cost <= 100; cost++)
      ledger.act(ana, 'settle', { escrow: id, payees: [[ben.id, cost]] });
    expect(ledger.balance(ben)).toBe(25_000 - 833);
  });

  it('of nothing ends an order of which nothing came, though not to get around the price of cancelling', () => {
    const id = place();
    expect(ledger.act(ana, 'settle', { escrow: id, payees: [] })).toContain('nobody was asked to work');
    ledger.act(ana, 'match', { escrow: id, shares: [[ben.id, 400]] });
    expect(ledger.act(ana, 'settle', { escrow: id, payees: [] })).toBeUndefined();
    ledger.endEpochs(3);
    expect(ledger.balance(ana)).toBe(10 * vcoin);
  });
});

describe('a claim', () => {
  const claim = (id: OperationId, receipts: OperationBodies['claim']['receipts'], by = ben) =>
    ledger.act(by, 'claim', { escrow: id, receipts });

  it('pays what the requester signed for and did not pay', () => {
    const id = place();
    ledger.act(ana, 'settle', { escrow: id, payees: [[ben.id, 100]] });
    expect(claim(id, [receipt('u1', 80), receipt('u2', 70)])).toBeUndefined();
    expect(ledger.balance(ben)).toBe(37_500 - 750);
    ledger.endEpochs(3);
    expect(ledger.balance(ana)).toBe(10 * vcoin - 37_500);
    expect(claim(id, [receipt('u3', 80)])).toBe(`order ${id} was closed in epoch 2, this is 3`);
  });

  it('goes on where the one before ended, or begins anew, and counts no receipt twice', () => {
    const id = place();
    claim(id, [receipt('u1', 10), receipt('u2', 10)]);
    claim(id, [receipt('u3', 10)]);
    expect(ledger.balance(ben)).toBe(7_500 - 150);
    claim(id, [receipt('u3', 10)]);
    claim(id, [receipt('u1', 10), receipt('u2', 10), receipt('u3', 10)]);
    expect(ledger.balance(ben)).toBe(7_500 - 150);
    expect(claim(id, [receipt('u5', 10), receipt('u5', 10)])).toContain('units must rise');
  });

  it('beyond what is left is paid what is left', () => {
    const id = place();
    ledger.act(ana, 'settle', { escrow: id, payees: [[eve.id, 300]] });
    claim(id, [receipt('u1', 250)]);
    expect(ledger.balance(ben)).toBe(25_000 - 500);
    expect(ledger.events.at(-1)?.what).toBe('claimed 250, of which 100 were left');
  });

  it('keeps an order open that was never settled', () => {
    const id = place({ deadline: 0 });
    claim(id, [receipt('u1', 1)]);
    ledger.endEpochs(2);
    expect(ledger.state.market.escrows.has(id)).toBe(true);
    ledger.endEpochs(1);
    expect(ledger.state.market.escrows.has(id)).toBe(false);
  });

  it('is refused for what is not of this order', () => {
    const id = place();
    expect(claim(id, [receipt('u1', 1, { job: 'other' })])).toBe(
      'receipt 0 is of job other, the order is for job',
    );
    expect(claim(id, [receipt('u1', 1, { worker: eve })])).toContain('for the work of another account');
    expect(claim(id, [receipt('u1', 1, { requester: eve })])).toContain('signed by another account');
    const replaced = { ...ana, device: eve.device };
    expect(claim(id, [receipt('u1', 1, { requester: replaced })])).toContain('signed by another key');
    expect(claim(id, [receipt('u1', 1, { worker: ana })], ana)).toContain('earns nothing');
    const rubbish = { body: new Uint8Array([0x9f, 0xff]), signature: new Uint8Array(64) };
    expect(claim(id, [rubbish])).toContain("receipt 0 can't be read");
    expect(ledger.balance(ben)).toBe(0);
  });

  it('rests on the signature of every receipt, also in the block of its order', () => {
    const id = place();
    const good = receipt('u1', 1);
    const forged = { ...receipt('u2', 1), signature: new Uint8Array(64) };
    const body = { escrow: id, receipts: [good, forged] };
    const operation = operationOf(ledger.state, ben.device, { account: ben.id, kind: 'claim', body });
    const [checks = []] = unwrap(signatureChecksOf(ledger.state, [operation]));
    expect(checks.map(({ key, message, signature }) => testVerify(key, message, signature))).toEqual([
      true,
      true,
      false,
    ]);
    const before = createTestLedger(createTestGenesis({}));
    before.open(ben);
    expect(unwrap(signatureChecksOf(before.state, [operation]))[0]).toHaveLength(3);
  });

  it('of sixty-four receipts fits into an operation', () => {
    const id = place();
    const receipts = Array.from({ length: 64 }, (_, n) => receipt(`unit-${100 + n}-of-the-job-of-ana`, 1));
    const operation = operationOf(ledger.state, ben.device, {
      account: ben.id,
      kind: 'claim',
      body: { escrow: id, receipts },
    });
    expect(unwrap(readOperation(operation)).operation.kind).toBe('claim');
  });
});

describe('offers', () => {
  it('are replaced, counted and withdrawn', () => {
    const offer = (by: Person, capacity: number) =>
      ledger.act(by, 'offer', { class: 'ocr', capacity, minPrice: 8 });
    offer(ben, 100);
    offer(eve, 50);
    offer(ben, 70);
    expect(ledger.state.market.classes['ocr']?.offered).toBe(120);
    expect([...ledger.state.market.offers.entries()].map(([, { account }]) => account).sort()).toEqual(
      [ben.id, eve.id].sort(),
    );
    expect(offer(ben, 0)).toBeUndefined();
    expect(offer(ben, 0)).toContain('nothing of class ocr is offered');
    expect(ledger.state.market.classes['ocr']?.offered).toBe(50);
  });
});

describe('the end of an epoch', () => {
  it('raises the price by an eighth at most, and only for what waited through a whole epoch', () => {
    place({ deadline: 3 });
    ledger.endEpochs(1);
    expect(ledger.state.market.classes['ocr']?.price).toBe(250 * vcoin);
    ledger.endEpochs(1);
    expect(ledger.state.market.classes['ocr']?.price).toBe(281_250_000);
    ledger.endEpochs(1);
    expect(ledger.state.market.classes['ocr']?.price).toBe(281_250_000);
  });

  it('counts what was settled in time as satisfied, and the rest of the maximum as never wanted', () => {
    const id = place({ deadline: 3 });
    ledger.act(ana, 'settle', { escrow: id, payees: [[ben.id, 200]] });
    ledger.endEpochs(1);
    expect(ledger.state.market.classes['ocr']).toMatchObject({
      history: [{ demand: 200, waited: 0 }],
      samples: [200],
      open: 0,
    });
    expect(ledger.state.market.classes['ocr']?.price).toBe(250 * vcoin);
  });

  it('forgets when orders were closed after a week', () => {
    const id = place({ deadline: 0 });
    ledger.endEpochs(1);
    expect(ledger.state.market.closed.get(id)).toBe(0);
    ledger.endEpochs(marketLimits.closedKept);
    expect(ledger.state.market.closed.size).toBe(0);
    expect(ledger.state.market.due.size + ledger.state.market.dueCounts.size).toBe(0);
  });
});

describe('bodies of strangers', () => {
  const escrow = 'A'.repeat(43) as OperationId;
  const readable = <Kind extends OperationKind>(kind: Kind, body: unknown): boolean =>
    readOperation(
      operationOf(ledger.state, ana.device, { account: ana.id, kind, body: body as OperationBodies[Kind] }),
    ).ok;
  const accounts = (count: number) => Array.from({ length: count }, (_, n) => [createPerson(`${n}`).id, 1]);

  it('are read within bounds', () => {
    expect(readable('order', wanted)).toBe(true);
    expect(readable('match', { escrow, shares: accounts(64) })).toBe(true);
    expect(readable('settle', { escrow, payees: [] })).toBe(true);
    expect(readable('cancel', { escrow })).toBe(true);
    expect(readable('offer', { class: 'ocr', capacity: 0, minPrice: 8 })).toBe(true);
  });

  it('are refused outside of them', () => {
    for (const wrong of [
      { max: 0 },
      { max: 1.5 },
      { max: 2 ** 31 + 1 },
      { limit: 2 ** 41 + 1 },
      { limit: -1 },
    ])
      expect(readable('order', { ...wanted, ...wrong })).toBe(false);
    for (const wrong of [
      { class: '' },
      { class: 'a/b' },
      { job: '' },
      { job: 'é' },
      { job: 'x'.repeat(65) },
      { more: 1 },
    ])
      expect(readable('order', { ...wanted, ...wrong })).toBe(false);
    expect(readable('match', { escrow, shares: [] })).toBe(false);
    expect(readable('match', { escrow, shares: accounts(65) })).toBe(false);
    expect(readable('settle', { escrow, payees: [[ben.id, 0]] })).toBe(false);
    expect(readable('claim', { escrow, receipts: [] })).toBe(false);
    const body = new Uint8Array(marketLimits.maxReceiptBytes + 1);
    expect(readable('claim', { escrow, receipts: [{ body, signature: new Uint8Array(64) }] })).toBe(false);
    expect(readable('offer', { class: 'ocr', capacity: -1, minPrice: 8 })).toBe(false);
  });
});

describe('whatever people do', () => {
  const share = fc.tuple(fc.constantFrom(0, 1, 2), fc.integer({ min: 1, max: 60 }));
  const step = fc.oneof(
    fc.record({ t: fc.constant('order' as const), by: share, job: fc.constantFrom('a', 'b'), more: share }),
    fc.record({
      t: fc.constantFrom('match', 'settle', 'cancel', 'claim'),
      by: share,
      at: fc.nat(3),
      to: share,
    }),
    fc.record({ t: fc.constant('epoch' as const) }),
  );

  type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

  it('every sum meets, and the same history gives the same state', () => {
    const people = [ana, ben, eve] as const;
    const play = (steps: readonly Step[]): TestLedger => {
      const allocations = people.map(({ id: account }) => ({ account, amount: 20_000 }));
      const played = createTestLedger(createTestGenesis({ allocations }));
      played.open(...people);
      for (const now of steps) {
        if (now.t === 'epoch') {
          played.endEpochs(1);
          continue;
        }
        const by = people[now.by[0] as 0 | 1 | 2];
        if ('job' in now) {
          const { price = 0 } = played.state.market.classes['ocr'] ?? {};
          const deadline = played.state.epoch + (now.more[1] % 4);
          played.act(by, 'order', {
            class: 'ocr',
            max: now.by[1],
            limit: price + now.more[1],
            deadline,
            job: now.job,
          });
          continue;
        }
        const orders = [...played.state.market.escrows.entries()];
        const [escrow, about] = orders[now.at % Math.max(1, orders.length)] ?? [];
        if (escrow === undefined || !about) continue;
        const id = escrow as OperationId;
        const worker = people[now.to[0] as 0 | 1 | 2];
        const payer = people.find((person) => person.id === about.payer) ?? ana;
        const shares = [[worker.id, now.to[1]]] as const;
        if (now.t === 'match') played.act(payer, 'match', { escrow: id, shares });
        if (now.t === 'settle') played.act(payer, 'settle', { escrow: id, payees: shares });
        if (now.t === 'cancel') played.act(payer, 'cancel', { escrow: id });
        const signed = signedReceiptOf({
          requester: payer,
          worker,
          job: about.job,
          unit: `${now.to[1]}`,
          cost: now.to[1],
        });
        if (now.t === 'claim') played.act(worker, 'claim', { escrow: id, receipts: [signed] });
      }
      return played;
    };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const one = play(steps);
        expect(unwrap(audit(one.state)).escrow).toBe(one.state.market.locked);
        const open = [...one.state.market.escrows.entries()].reduce(
          (sum, [, { settled, max, delivered }]) => sum + (settled ? 0 : max - delivered),
          0,
        );
        expect(one.state.market.classes['ocr']?.open).toBe(open);
        one.endEpochs(12);
        expect(one.state.market.locked).toBe(0);
        const changes = one.events.reduce((sum, { amount }) => sum + amount, 0);
        expect(one.state.balances).toBe(60_000 + changes);
      }),
      { seed: 11, numRuns: 60 },
    );
    const same =
      fc.sample(fc.array(step, { minLength: 30, maxLength: 30 }), { seed: 3, numRuns: 1 })[0] ?? [];
    expect(stateRootOf(play(same).state)).toEqual(stateRootOf(play(same).state));
  });
});
