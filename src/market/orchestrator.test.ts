import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountId } from '../core/brand.ts';
import { type Result, unwrap } from '../core/result.ts';
import {
  createPerson,
  createTestGenesis,
  createTestLedger,
  type Person,
  type TestLedger,
} from '../ledger/testDoubles.ts';
import type { Choice, MarketFault, MarketOrchestrator, PriceGate, ResourceRequest } from './contracts.ts';
import { createMarketOrchestrator, createPriceGate, type Worker } from './index.ts';
import { createTestAccess, type TestAccess } from './testDoubles.ts';

const [ana, ben, eve] = ['ana', 'ben', 'eve'].map(createPerson) as [Person, Person, Person];
const vcoin = 1_000_000;
const request: ResourceRequest = {
  class: 'ocr',
  cost: 400,
  budget: 120_000,
  strategy: 'speed',
  deadline: 3,
  job: 'job',
};

let ledger: TestLedger;
let access: TestAccess;
let market: MarketOrchestrator;
beforeEach(() => {
  ledger = createTestLedger(createTestGenesis({ allocations: [{ account: ana.id, amount: vcoin }] }));
  ledger.open(ana, ben, eve);
  access = createTestAccess(ledger, ana);
  market = createMarketOrchestrator({ ledger: access });
  market.start();
});

const worker = (person: Person, change: Partial<Worker> = {}): Worker => ({
  account: person.id,
  speed: 100,
  reliability: 900,
  minPrice: 1,
  capacity: undefined,
  given: 0,
  ...change,
});
const faultOf = (result: Result<unknown, MarketFault>): string =>
  result.ok ? 'no fault' : `${result.error.code}: ${result.error.message}`;
const phaseOf = () => market.allocations.get().map(({ phase }) => phase);

describe('the market orchestrator', () => {
  it('leads an order from its placing to its end', async () => {
    const order = unwrap(await market.requestResources(request));
    expect(order).toMatchObject({ job: 'job', locked: 120_000, price: 250 * vcoin });
    expect(phaseOf()).toEqual(['waiting']);
    const known = [worker(ben, { speed: 300 }), worker(eve)];
    const { shares, unplaced } = unwrap(await market.allocateResources(order.escrow, known));
    expect(unplaced).toBe(0);
    const parts = new Map(shares);
    expect((parts.get(ben.id) ?? 0) > (parts.get(eve.id) ?? 0)).toBe(true);
    expect(phaseOf()).toEqual(['allocated']);
    unwrap(await market.settle(order.escrow, [[ben.id, 300]]));
    expect(market.getAllocationStatus(order.escrow)).toMatchObject({
      phase: 'settled',
      paid: 75_000,
      delivered: 300,
      payees: [[ben.id, 300]],
    });
    ledger.endEpochs(3);
    access.refresh();
    expect(market.allocations.get()).toEqual([{ phase: 'closed', escrow: order.escrow, epoch: 2 }]);
    expect(ledger.balance(ana)).toBe(vcoin - 75_000);
  });

  it('says what stands in the way, and what to do', async () => {
    const asked = async (change: Partial<ResourceRequest>) =>
      faultOf(await market.requestResources({ ...request, ...change }));
    expect(await asked({ class: 'bread' })).toBe(
      'request: there is no work of class bread: this swarm has ocr',
    );
    expect(await asked({ budget: 99_999 })).toContain('budget: this costs 0.1 VC at today');
    expect(await asked({ budget: 99_999 })).toContain('0.000001 VC more than the budget');
    expect(await asked({ budget: 3 * vcoin })).toContain(
      'balance: this locks 3 VC and the account has 1 VC: 2 VC',
    );
    expect(await asked({ budget: 0.5 })).toContain('whole number of µVC');
    expect(await asked({ cost: 0 })).toContain('a cost is a whole number');
    expect(await asked({ deadline: 1_009 })).toContain('an order waits 0 to 1008 epochs');
    unwrap(await market.requestResources(request));
    expect(await asked({})).toContain('job job has an open order already');
    expect(await asked({ job: 'no such id' })).toMatch(/^refused: /);
  });

  it('shares work among those who are there, at the price they offer and within their room', async () => {
    ledger.act(ben, 'offer', { class: 'ocr', capacity: 100, minPrice: 8 });
    ledger.act(eve, 'offer', { class: 'ocr', capacity: 900, minPrice: 400 * vcoin });
    ledger.act(ana, 'offer', { class: 'ocr', capacity: 900, minPrice: 8 });
    access.refresh();
    const { escrow } = unwrap(await market.requestResources(request));
    const joe = createPerson('joe');
    const allocated = unwrap(await market.allocateResources(escrow, [worker(ben), worker(eve)]));
    expect(allocated).toMatchObject({ shares: [[ben.id, 100]], unplaced: 300 });
    const more = unwrap(await market.allocateResources(escrow, [worker(joe), worker(eve)]));
    expect(more).toMatchObject({ shares: [[joe.id, 400]], unplaced: 0 });
    const few = unwrap(await market.allocateResources(escrow, [worker(joe), worker(ben)], 80));
    expect(new Map(few.shares).get(ben.id)).toBeGreaterThan(0);
    expect(few.shares.reduce((sum, [, share]) => sum + share, 0)).toBe(80);
  });

  it('finds nobody where nobody works at the price', async () => {
    const { escrow } = unwrap(await market.requestResources(request));
    expect(faultOf(await market.allocateResources(escrow, []))).toContain(
      'no-worker: nobody offers this work',
    );
  });

  it('estimates by the posted price, and tells what that rests on', () => {
    expect(unwrap(market.getPriceEstimate({ class: 'ocr', cost: 401 }))).toEqual({
      class: 'ocr',
      cost: 401,
      amount: 100_250,
      basis: { posted: 250 * vcoin, median: 250 * vcoin, samples: 0, capacity: 0, waiting: 0 },
      next: { least: 87_719, most: 112_782 },
    });
    ledger.endEpochs(2);
    access.refresh();
    expect(unwrap(market.getPriceEstimate({ class: 'ocr', cost: 1 })).basis.samples).toBe(2);
    expect(faultOf(market.getPriceEstimate({ class: 'x', cost: 1 }))).toContain('no work of class x');
  });

  it('cancels, and then knows the order as closed', async () => {
    const { escrow } = unwrap(await market.requestResources(request));
    unwrap(await market.cancelAllocation(escrow));
    expect(ledger.balance(ana)).toBe(vcoin - 2_400);
    expect(phaseOf()).toEqual(['closed']);
    expect(faultOf(await market.cancelAllocation(escrow))).toContain('no-order');
  });

  it('finds open orders again after it was stopped, and does nothing while it is', async () => {
    const { escrow } = unwrap(await market.requestResources(request));
    market.stop();
    market.stop();
    expect(faultOf(await market.requestResources({ ...request, job: 'other' }))).toContain(
      'closed: the market',
    );
    const again = createMarketOrchestrator({ ledger: access });
    again.start();
    expect(again.allocations.get().map((status) => status.escrow)).toEqual([escrow]);
  });

  it('clears a batch of unit bids', () => {
    const [bids, asks] = [
      [9, 8, 5],
      [2, 3, 7],
    ].map((prices, side) => prices.map((price, index) => ({ id: `${side}${index}`, price })));
    expect(market.clearBatch(bids ?? [], asks ?? []).buyPrice).toBe(6);
  });
});

describe('the price gate', () => {
  let gate: PriceGate;
  beforeEach(() => {
    const options = { class: 'ocr', deadline: 3 } as const;
    gate = createPriceGate({ market, ledger: access }, options);
  });
  const work = (...entries: (readonly [Person, number])[]) =>
    new Map<AccountId, number>(entries.map(([person, cost]) => [person.id, cost]));
  const nobodyHere: Choice = { strategy: 'balanced', present: [], expected: undefined };
  /** What pays for 400 units, with room for one rise of the price. */
  const budget = 112_500;
  const payees = () => market.allocations.get().map((status) => ('payees' in status ? status.payees : []));

  it('sets a budget aside, pays what was done, and gives back the rest', async () => {
    unwrap(await gate.reserve('page', 200_000, nobodyHere));
    expect(ledger.balance(ana)).toBeGreaterThanOrEqual(800_000);
    expect(ledger.balance(ana)).toBeLessThan(801_000);
    unwrap(await gate.settle('page', work([ben, 100], [ana, 50], [eve, 20])));
    expect(ledger.balance(ben)).toBe(24_500);
    unwrap(await gate.settle('page', work([ben, 120], [eve, 20])));
    unwrap(await gate.settle('page', work([ben, 120], [eve, 20])));
    expect(ledger.balance(ben)).toBe(29_400);
    unwrap(await gate.release('page'));
    ledger.endEpochs(3);
    expect(ledger.balance(ana)).toBe(vcoin - 35_000);
  });

  it('shares what there is where more was done than the budget pays for', async () => {
    unwrap(await gate.reserve('page', budget, nobodyHere));
    unwrap(await gate.settle('page', work([ben, 600], [eve, 200])));
    expect(new Map(payees()[0])).toEqual(work([ben, 300], [eve, 100]));
    unwrap(await gate.settle('page', work([ben, 900], [eve, 200])));
    expect(new Map(payees()[0])).toEqual(work([ben, 300], [eve, 100]));
  });

  it('pays more accounts than fit into one operation', async () => {
    unwrap(await gate.reserve('page', budget, nobodyHere));
    const many = Array.from({ length: 100 }, (_, n) => createPerson(`worker ${n}`));
    unwrap(await gate.settle('page', work(...many.map((person) => [person, 2] as const))));
    expect(many.every((person) => ledger.balance(person) === 490)).toBe(true);
  });

  it('releases at the price of cancelling if nobody was asked, else for nothing', async () => {
    unwrap(await gate.reserve('one', budget, nobodyHere));
    unwrap(await gate.settle('one', work([ana, 10])));
    expect(ledger.balance(ana)).toBe(vcoin - 2_250);
    unwrap(await gate.reserve('two', budget, { ...nobodyHere, present: [worker(ben)] }));
    unwrap(await gate.release('two'));
    unwrap(await gate.release('two'));
    unwrap(await gate.release('never reserved'));
    ledger.endEpochs(3);
    expect(ledger.balance(ana)).toBe(vcoin - 2_250);
  });

  it('refuses a budget that pays for nothing', async () => {
    expect(faultOf(await gate.reserve('page', 1, nobodyHere))).toContain('pays for no work at all');
    expect(faultOf(await gate.reserve('page', Number.NaN, nobodyHere))).toContain('whole number of µVC');
  });

  it('prefers whom the strategy chose, keeps away from who asks for more, and knows both from the ledger alone', async () => {
    const dear = createPerson('dear');
    ledger.open(dear);
    ledger.act(dear, 'offer', { class: 'ocr', capacity: 1_000, minPrice: 300 * vcoin });
    ledger.act(eve, 'offer', { class: 'ocr', capacity: 1_000, minPrice: 200 * vcoin });
    access.refresh();
    const present = [worker(ben, { speed: 400 }), worker(eve), worker(dear, { speed: 900 })];
    const { allocation } = unwrap(
      await gate.reserve('page', budget, { strategy: 'speed', present, expected: 100 }),
    );
    const { shares, considered } = unwrap(allocation);
    expect(shares.reduce((sum, [, share]) => sum + share, 0)).toBe(100);
    expect(considered.find(({ account }) => account === dear.id)?.minPrice).toBe(300 * vcoin);
    const again = createPriceGate({ market, ledger: access }, { class: 'ocr', deadline: 3 });
    const preference = again.preferences('page');
    expect(preference?.(ben.id)).toEqual({ weight: 1 });
    const other = preference?.(eve.id);
    expect(other && 'weight' in other && other.weight > 0 && other.weight < 0.5).toBe(true);
    expect(preference?.(createPerson('late').id)).toEqual({ weight: 0 });
    expect(preference?.(dear.id)).toEqual({ closed: 'it asks for 300 VC, and this job pays 250 VC' });
    expect(again.preferences('another')).toBeUndefined();
  });

  it('sets a budget aside even if nobody is there to be chosen, and then prefers nobody', async () => {
    const { allocation } = unwrap(await gate.reserve('page', budget, nobodyHere));
    expect(faultOf(allocation)).toContain('no-worker');
    expect(gate.preferences('page')?.(ben.id)).toEqual({ weight: 1 });
  });
});
