import type { AccountId } from '../../core/brand.ts';
import { follow } from '../../core/events.ts';
import { formatAmount } from '../../ledger/amounts.ts';
import type { OwnRow } from '../../ledger/replica/store.ts';
import { payFor } from '../../ledger/transition/market/escrow.ts';
import type { MarketOrchestrator, Strategy } from '../../market/index.ts';
import type { JobPaymentView } from '../ledgerView.ts';
import type { ConsideredWorker, PaymentBook, PaymentRecord } from './paymentBook.ts';
import { type NameOf, partyOf } from './words.ts';

export type PaymentFacts = {
  readonly statusOf: MarketOrchestrator['getAllocationStatus'];
  readonly records: readonly PaymentRecord[];
  /** The own history, newest first: it knows what came back of orders that are closed. */
  readonly rows: readonly OwnRow[];
  readonly own: AccountId;
  readonly nameOf: NameOf;
};

/** What became of each budget: the ledger's word where it still has one, else what was kept here. */
export const paymentViewsOf = (facts: PaymentFacts): readonly JobPaymentView[] => {
  const refunds = refundsOf(facts);
  return facts.records.map((record) => {
    const { strategy, price, locked, workers, estimate, nobody, job, order } = record;
    const status = facts.statusOf(order);
    const open = status?.phase === 'closed' ? undefined : status;
    const payees = new Map(open?.payees ?? record.payees);
    const who = (account: AccountId, name?: string) =>
      partyOf(account, facts.own, (one) => facts.nameOf(one) ?? name);
    const paidTo = (account: AccountId) => payFor(payees.get(account) ?? 0, price);
    const refund = refunds.get(order);
    const paidOfClosed = refund === undefined ? sumOf(payees, price) : locked - refund;
    const whole = Math.max(
      1,
      workers.reduce((sum, { share }) => sum + share, 0),
    );
    const isChosen = ({ share }: ConsideredWorker) => share > 0;
    const chosenAccounts = new Set(workers.filter(isChosen).map(({ account }) => account));
    return {
      job,
      order,
      strategy,
      price,
      locked,
      estimate,
      nobody,
      paid: open?.paid ?? paidOfClosed,
      phase: open ? (open.phase === 'settled' ? 'settled' : 'open') : 'closed',
      chosen: workers
        .filter(isChosen)
        .toSorted((a, b) => b.share - a.share)
        .map((worker) => ({
          who: who(worker.account, worker.name),
          part: Math.round((1_000 * worker.share) / whole),
          why: whyChosen(worker, strategy),
          paid: paidTo(worker.account),
        })),
      leftOut: workers
        .filter((worker) => !isChosen(worker))
        .map((worker) => ({ who: who(worker.account, worker.name), why: whyLeftOut(worker, price) })),
      others: [...payees.keys()]
        .filter((account) => !chosenAccounts.has(account))
        .map((account) => ({ who: who(account), paid: paidTo(account) })),
    };
  });
};

/** Keeps whom the ledger shows as paid: it forgets that when it closes the order. */
export const keepPayees = (
  { allocations }: Pick<MarketOrchestrator, 'allocations'>,
  book: PaymentBook,
): void => {
  follow(allocations, (statuses) => {
    for (const status of statuses) {
      const record = book.records.get().find(({ order }) => order === status.escrow);
      if (!record || status.phase === 'closed') continue;
      const { payees } = status;
      const had = new Map(record.payees);
      if (payees.some(([account, cost]) => had.get(account) !== cost)) book.put({ ...record, payees });
    }
  });
};

const sumOf = (payees: ReadonlyMap<AccountId, number>, price: number): number =>
  [...payees.values()].reduce((sum, cost) => sum + payFor(cost, price), 0);

/** What came back of orders, by order. */
const refundsOf = ({ rows, own }: PaymentFacts): ReadonlyMap<string, number> =>
  new Map(
    rows.flatMap(({ events }) =>
      events.flatMap(({ account, what, about, amount }) =>
        account === own && what === 'refunded' && about !== undefined ? [[about, amount] as const] : [],
      ),
    ),
  );

type Criterion = 'price' | 'speed' | 'reliability' | 'turn';

/** What each strategy looks at first. */
const criteria: Readonly<Record<Strategy, readonly Criterion[]>> = {
  balanced: ['price', 'speed', 'reliability'],
  speed: ['speed'],
  cost: ['price'],
  quality: ['reliability'],
  fair: ['turn'],
};

const whyChosen = (worker: ConsideredWorker, strategy: Strategy): string =>
  criteria[strategy].map((criterion) => criterionInWords[criterion](worker)).join(', ');

const criterionInWords: Readonly<Record<Criterion, (worker: ConsideredWorker) => string>> = {
  price: ({ minPrice }) => (minPrice > 0 ? `works from ${vc(minPrice)} on` : 'names no least price'),
  speed: ({ speed }) => (speed > 0 ? `${speed} units a second` : 'speed not known yet'),
  reliability: ({ right, lost }) => {
    if (right + lost === 0) return 'new to you';
    return lost === 0 ? `${right} tasks done right` : `${right} tasks done right, ${lost} lost or wrong`;
  },
  turn: ({ given }) =>
    given > 0 ? `${given} units since yesterday` : 'had no work of yours since yesterday',
};

const whyLeftOut = ({ minPrice }: ConsideredWorker, price: number): string =>
  minPrice > price
    ? `asks for ${vc(minPrice)}, the price was ${vc(price)}`
    : 'has no room, or others suit better';

const vc = (amount: number) => `${formatAmount(amount, { grouping: true })} VC`;
