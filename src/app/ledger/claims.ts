import type { AccountId } from '../../core/brand.ts';
import { equalBytes } from '../../core/bytes.ts';
import { type CborValue, encodeCbor } from '../../core/codec.ts';
import { follow } from '../../core/events.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import type { WorkReceipt } from '../../inference/contracts.ts';
import type { LedgerAccess } from '../../ledger/access.ts';
import { jobKey } from '../../ledger/transition/market/escrow.ts';
import type { Escrow, MarketBodies } from '../../ledger/transition/market/types.ts';
import type { LedgerState, OperationId } from '../../ledger/types.ts';

/** Receipts that one claim carries: a receipt has some 700 bytes, an operation at most 48 KiB. */
const receiptsPerClaim = 60;

/**
 * What this account, as a worker, has receipts for and was not paid. Asked for only when the requester has settled and left it out, or
 * when its order is about to close: until then the requester is expected to pay by itself.
 */
export const claimsDue = (
  state: LedgerState,
  account: AccountId,
  receipts: readonly WorkReceipt[],
): readonly MarketBodies['claim'][] =>
  [...ordersOf(state, account, receipts)].flatMap(([id, { escrow, units }]) => {
    const payee = escrow.payees[account] ?? { cost: 0, claimed: 0, last: '' };
    const rising = [...units.values()].sort((a, b) => (a.body.unit < b.body.unit ? -1 : 1));
    const sum = rising.reduce((total, { body }) => total + body.cost.milliCredits, 0);
    const isDue = escrow.settled || state.epoch >= escrow.deadline;
    if (!isDue || sum <= Math.max(payee.cost, payee.claimed) || escrow.delivered >= escrow.max) return [];
    const next = rising.filter(({ body }) => body.unit > payee.last).slice(0, receiptsPerClaim);
    return next.length === 0 ? [] : [{ escrow: id, receipts: next.map(signedReceipt) }];
  });

/** Claims what is owed as epochs pass. One claim of an order at a time: the next goes on after the last one's units. */
export const claimWhatIsOwed = (deps: {
  readonly access: LedgerAccess;
  readonly account: AccountId;
  readonly receipts: () => readonly WorkReceipt[];
  readonly telemetry: Telemetry;
}): void => {
  const { access, account, telemetry } = deps;
  const underway = new Set<OperationId>();
  let epoch = -1;
  const claim = async (body: MarketBodies['claim']) => {
    underway.add(body.escrow);
    const submitted = await access.submit('claim', body);
    if (submitted.ok) await submitted.value.settled();
    else telemetry.log('warn', 'market', `a claim could not be made: ${submitted.error.message}`);
    underway.delete(body.escrow);
  };
  follow(access.state, (state) => {
    if (!state || state.epoch === epoch) return;
    epoch = state.epoch;
    for (const body of claimsDue(state, account, deps.receipts()))
      if (!underway.has(body.escrow)) void claim(body);
  });
};

type Order = { readonly escrow: Escrow; readonly units: Map<string, WorkReceipt> };

const ordersOf = (
  { market }: LedgerState,
  account: AccountId,
  receipts: readonly WorkReceipt[],
): ReadonlyMap<OperationId, Order> => {
  const orders = new Map<OperationId, Order>();
  for (const receipt of receipts) {
    const { worker, requester, job, unit } = receipt.body;
    if (!receipt.requesterSignature || worker.account !== account || requester.account === account) continue;
    const id = market.jobs.get(jobKey(requester.account, job));
    const escrow = id && market.escrows.get(id);
    if (!escrow || !equalBytes(escrow.payerKey, requester.deviceKey)) continue;
    const order = orders.get(id) ?? { escrow, units: new Map() };
    order.units.set(unit, receipt);
    orders.set(id, order);
  }
  return orders;
};

/** The exact bytes that both sides signed, without their domain. */
const signedReceipt = ({ body, requesterSignature }: WorkReceipt) => ({
  body: encodeCbor(body as unknown as CborValue),
  signature: requesterSignature ?? new Uint8Array(64),
});
