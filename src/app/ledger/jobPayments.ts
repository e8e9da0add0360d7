import type { AccountId, JobId } from '../../core/brand.ts';
import type { Clock } from '../../core/ports/clock.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok } from '../../core/result.ts';
import type { PriceGate, Prospect, WorkReceipt } from '../../inference/contracts.ts';
import {
  type PriceGate as Gate,
  isStrategy,
  type MarketOrchestrator,
  type Reserved,
  type Worker,
} from '../../market/index.ts';
import type { PaymentBook, PaymentRecord } from './paymentBook.ts';
import { estimateReading } from './readingCost.ts';
import type { NameOf } from './words.ts';

export type JobPaymentsDeps = {
  readonly account: AccountId;
  readonly gate: Gate;
  readonly market: Pick<MarketOrchestrator, 'getPriceEstimate'>;
  /** All receipts that are kept here. */
  readonly receipts: () => readonly WorkReceipt[];
  /** Units that each of the last pages read here came to. */
  readonly pageCosts: () => readonly number[];
  readonly book: Pick<PaymentBook, 'put'>;
  readonly nameOf: NameOf;
  readonly clock: Pick<Clock, 'now'>;
  readonly telemetry: Telemetry;
};

/** What an account did for this one is taken turns by for so long. */
const turnMs = 24 * 3_600_000;

/** Of another requester's job, of a claim nobody signed, or of own work, nothing is owed. */
export const owedFor = (
  job: JobId,
  account: AccountId,
  receipts: readonly WorkReceipt[],
): ReadonlyMap<AccountId, number> => {
  const owed = new Map<AccountId, number>();
  const counted = new Set<string>();
  for (const { body, requesterSignature } of receipts) {
    const { worker, requester, unit, cost } = body;
    const isOwed =
      requesterSignature !== undefined &&
      body.job === job &&
      requester.account === account &&
      worker.account !== account;
    const key = `${unit}/${worker.account}`;
    if (!isOwed || counted.has(key)) continue;
    counted.add(key);
    owed.set(worker.account, (owed.get(worker.account) ?? 0) + cost.milliCredits);
  }
  return owed;
};

export type WorkerHistory = { readonly right: number; readonly given: number };

/** Tasks that an account did for this one and that were countersigned, and what they came to since `from` (Unix ms). */
export const historyWith = (
  worker: AccountId,
  account: AccountId,
  receipts: readonly WorkReceipt[],
  from: number,
): WorkerHistory => {
  const own = receipts.filter(
    ({ body, requesterSignature }) =>
      requesterSignature !== undefined &&
      body.requester.account === account &&
      body.worker.account === worker,
  );
  const lately = own.filter(({ body }) => body.at >= from);
  return { right: own.length, given: lately.reduce((sum, { body }) => sum + body.cost.milliCredits, 0) };
};

/**
 * What a job's budget goes through: the market's gate on one side, the inference coordinator's port on the other. What each
 * worker is owed is read from the receipts this account countersigned, so a reload changes nothing, and paying twice pays once.
 * Whom the market chose, and why, is kept in the book, because the ledger forgets it.
 */
export const createJobPayments = (deps: JobPaymentsDeps): PriceGate => {
  const { account, gate, telemetry } = deps;

  return {
    async reserve(job, { budget, strategy: asked = 'balanced', pages }, prospects) {
      if (!isStrategy(asked))
        return err(fault('budget', `there is no strategy "${asked}": choose another, or none`));
      const measured = estimateReading(deps.market, deps.pageCosts(), pages);
      const expected = measured.ok ? measured.value.pages : undefined;
      const known = knownWorkers(prospects, deps);
      const reserved = await gate.reserve(job, budget, {
        strategy: asked,
        present: known.map(({ worker }) => worker),
        expected: expected && pages * expected.mostUnits,
      });
      if (!reserved.ok) return err(fault('budget', reserved.error.message));
      deps.book.put({
        ...recordFrom(job, reserved.value, known, deps),
        estimate: expected && {
          least: expected.least,
          most: expected.most,
          measured: expected.measured,
        },
      });
      return ok(undefined);
    },
    preferences: gate.preferences,
    ended(job) {
      gate.settle(job, owedFor(job, account, deps.receipts())).then(
        (settled) => {
          if (!settled.ok)
            telemetry.log('warn', 'market', `a job could not be paid: ${settled.error.message}`, { job });
        },
        (cause: unknown) =>
          telemetry.log('error', 'market', `a job could not be paid: ${String(cause)}`, { job }),
      );
    },
  };
};

type Known = { readonly worker: Worker; readonly right: number; readonly lost: number };

/** Those who are there, with what they did before: a newcomer counts as half reliable (Laplace's rule of succession). */
const knownWorkers = (
  prospects: readonly Prospect[],
  { account, receipts, clock }: JobPaymentsDeps,
): readonly Known[] => {
  const all = receipts();
  return prospects.map(({ account: worker, speed, lost }) => {
    const { right, given } = historyWith(worker, account, all, clock.now() - turnMs);
    const reliability = Math.floor((1_000 * (right + 1)) / (right + lost + 2));
    return {
      worker: { account: worker, speed, reliability, minPrice: 0, capacity: undefined, given },
      right,
      lost,
    };
  });
};

const recordFrom = (
  job: JobId,
  { allocation, escrow, strategy, locked, price }: Reserved,
  known: readonly Known[],
  { nameOf, clock }: JobPaymentsDeps,
): PaymentRecord => {
  const shares = new Map(allocation.ok ? allocation.value.shares : []);
  const offered = new Map(
    allocation.ok ? allocation.value.considered.map((worker) => [worker.account, worker]) : [],
  );
  return {
    v: 1,
    job,
    order: escrow,
    at: clock.now(),
    strategy,
    locked,
    price,
    workers: known.map(({ worker, right, lost }) => {
      const { account, speed, given, minPrice } = offered.get(worker.account) ?? worker;
      return {
        account,
        name: nameOf(account),
        share: shares.get(account) ?? 0,
        minPrice,
        speed,
        right,
        lost,
        given,
      };
    }),
    nobody: allocation.ok ? undefined : allocation.error.message,
    payees: [],
  };
};
