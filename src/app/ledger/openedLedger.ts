import { follow, type Store } from '../../core/events.ts';
import type { CryptoPort } from '../../core/ports/crypto.ts';
import { type Fault, ok, type Result } from '../../core/result.ts';
import type { PriceGate, WorkReceipt } from '../../inference/contracts.ts';
import type { LedgerAccess } from '../../ledger/access.ts';
import type { Holder } from '../../ledger/wallet/outbox.ts';
import { createMarketOrchestrator, createPriceGate } from '../../market/index.ts';
import { claimWhatIsOwed } from './claims.ts';
import { createJobPayments } from './jobPayments.ts';
import { createLedgerScreen, type LedgerScreen } from './ledgerScreen.ts';
import { openBrowserLedger } from './openBrowserLedger.ts';
import { openPaymentBook } from './paymentBook.ts';
import { keepPayees } from './paymentView.ts';
import { estimateReading, readingClass } from './readingCost.ts';
import type { NameOf } from './words.ts';

export type OpenedLedgerDeps = Omit<Parameters<typeof openBrowserLedger>[0], 'crypto'> & {
  readonly crypto: CryptoPort;
  readonly nameOf: NameOf;
  /** All receipts that are kept here. */
  readonly receipts: () => readonly WorkReceipt[];
  /** Own orders that are open, by their jobs: whoever knows the jobs settles those that have ended. */
  readonly onOrders: (jobs: readonly string[]) => void;
  /** Units that each of the last pages read here came to. */
  readonly pageCosts: () => readonly number[];
};

export type OpenedLedger = {
  readonly access: LedgerAccess;
  readonly holder: Store<Holder | undefined>;
  readonly screen: LedgerScreen;
  /** What jobs with a budget go through. */
  readonly payments: PriceGate;
};

/** Work that a job's order waits for: epochs of ten minutes, a day of them. */
const orderEpochs = 144;

/** The ledger of this page's host with what the app builds on it. */
export const openLedgerHere = async (deps: OpenedLedgerDeps): Promise<Result<OpenedLedger, Fault>> => {
  const opened = await openBrowserLedger(deps);
  if (!opened.ok) return opened;
  const ledger = opened.value;
  const { access } = ledger;
  const { account } = deps.identity;
  const market = createMarketOrchestrator({ ...deps, ledger: access });
  market.start();
  const gate = createPriceGate({ market, ledger: access }, { class: readingClass, deadline: orderEpochs });
  const book = await openPaymentBook(deps);
  keepPayees(market, book);
  const screen = createLedgerScreen({
    ...deps,
    ledger,
    account,
    payments: book.records,
    statusOf: market.getAllocationStatus,
    estimateReading: (pages) => estimateReading(market, deps.pageCosts(), pages),
  });
  const payments = createJobPayments({ ...deps, account, market, gate, book });
  claimWhatIsOwed({ ...deps, access, account });
  let epoch = -1;
  follow(access.state, (state) => {
    if (!state || state.epoch === epoch) return;
    epoch = state.epoch;
    deps.onOrders(
      [...state.market.escrows.entries()].flatMap(([, { payer, job }]) => (payer === account ? [job] : [])),
    );
  });
  return ok({ access, holder: ledger.wallet.holder, screen, payments });
};
