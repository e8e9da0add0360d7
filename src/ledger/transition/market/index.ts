import * as v from 'valibot';
import { err, fault, ok } from '../../../core/result.ts';
import { countSchema } from '../../../core/schema.ts';
import { accountSchema, epochSchema, idSchema, ownBytes, signatureSchema } from '../../schemas.ts';
import { emptyTable } from '../../table/index.ts';
import type { OperationId } from '../../types.ts';
import type { LedgerModule, Transition } from '../module.ts';
import { claim } from './claims.ts';
import { changeClass, classOf, closeDue } from './escrow.ts';
import { marketLimits } from './limits.ts';
import { cancel, match, order, settle } from './orders.ts';
import { endEpochOf, newClass } from './price.ts';
import { receiptChecks } from './receipts.ts';
import type { MarketBodies, MarketState } from './types.ts';

const className = v.pipe(v.string(), v.regex(/^[\w.-]{1,32}$/, 'is no name of a class'));
const jobId = v.pipe(v.string(), v.regex(/^[\w.:-]{1,64}$/, 'is no id of a job'));
const cost = v.pipe(countSchema(marketLimits.maxCost), v.minValue(1, 'must be more than nothing'));
const price = v.pipe(countSchema(marketLimits.maxPrice), v.minValue(1, 'must be more than nothing'));
const escrow = idSchema<OperationId>();
const shares = v.pipe(
  v.array(v.strictTuple([accountSchema, cost])),
  v.maxLength(marketLimits.maxShares, `are more than ${marketLimits.maxShares}`),
);

/** Offers are words: they lock nothing and bind nobody, and `price.ts` says how far they are believed. */
const offer: Transition<MarketBodies['offer']> = (draft, body, { account, emit }) => {
  const { class: name, capacity } = body;
  const work = classOf(draft.market, name);
  if (!work) return refuse(`there is no work of class ${name}`);
  const key = `${name}/${account}`;
  const { offers } = draft.market;
  const before = offers.get(key)?.capacity ?? 0;
  if (capacity === 0 && before === 0)
    return refuse(`nothing of class ${name} is offered that could be withdrawn`);
  const offered = work.offered - before + capacity;
  if (offered > marketLimits.maxTotalCost)
    return refuse(`more of class ${name} is offered than can be counted`);
  const kept = capacity === 0 ? offers.delete(key) : offers.set(key, { ...body, account });
  draft.market = changeClass({ ...draft.market, offers: kept }, name, { ...work, offered });
  emit({ account, what: capacity === 0 ? 'offer withdrawn' : 'offered', amount: 0, about: name });
  return ok(undefined);
};

/** Work for money: posted prices, escrow, and what becomes of it. */
export const market: LedgerModule<MarketBodies, MarketState> = {
  bodies: {
    order: v.strictObject({ class: className, max: cost, limit: price, deadline: epochSchema, job: jobId }),
    match: v.strictObject({ escrow, shares: v.pipe(shares, v.minLength(1, 'are none')) }),
    settle: v.strictObject({ escrow, payees: shares }),
    claim: v.strictObject({
      escrow,
      receipts: v.pipe(
        v.array(v.strictObject({ body: ownBytes(marketLimits.maxReceiptBytes), signature: signatureSchema })),
        v.minLength(1, 'are none'),
        v.maxLength(marketLimits.maxReceipts, `are more than ${marketLimits.maxReceipts}`),
      ),
    }),
    cancel: v.strictObject({ escrow }),
    offer: v.strictObject({ class: className, capacity: countSchema(marketLimits.maxCost), minPrice: price }),
  },
  transitions: { order, match, settle, claim, cancel, offer },
  signatures: { claim: ({ receipts }) => receiptChecks(receipts) },
  initial: ({ prices }) => ({
    classes: Object.fromEntries(Object.entries(prices).map(([name, first]) => [name, newClass(first)])),
    escrows: emptyTable(),
    jobs: emptyTable(),
    offers: emptyTable(),
    due: emptyTable(),
    dueCounts: emptyTable(),
    closed: emptyTable(),
    locked: 0,
  }),
  endEpoch(draft, { emit }) {
    closeDue(draft, emit);
    const { minPrice } = draft.parameters;
    for (const [name, work] of Object.entries(draft.market.classes)) {
      const ended = endEpochOf(work, minPrice);
      draft.market = changeClass(draft.market, name, ended);
      if (ended.price !== work.price)
        emit({ account: undefined, what: `price ${ended.price}`, amount: 0, about: name });
    }
  },
  held: ({ locked }) => locked,
  countHeld: ({ escrows }) => {
    let sum = 0;
    for (const [, { rest }] of escrows.entries()) sum += rest;
    return sum;
  },
};

const refuse = (message: string) => err(fault('operation', message));
