import type { AccountId, JobId } from '../../core/brand.ts';
import type { Telemetry } from '../../core/ports/telemetry.ts';
import { err, fault, ok } from '../../core/result.ts';
import type { PriceGate, WorkReceipt } from '../../inference/contracts.ts';
import type { PriceGate as Gate } from '../../market/index.ts';

export type JobPaymentsDeps = {
  readonly account: AccountId;
  /** Undefined while there is no ledger here. */
  readonly gate: () => Gate | undefined;
  /** All receipts that are kept here. */
  readonly receipts: () => readonly WorkReceipt[];
  readonly telemetry: Telemetry;
};

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

/**
 * What a job's budget goes through: the market's gate on one side, the inference coordinator's port on the other. What each
 * worker is owed is read from the receipts this account countersigned, so a reload changes nothing, and paying twice pays once.
 */
export const createJobPayments = ({ account, gate, receipts, telemetry }: JobPaymentsDeps): PriceGate => ({
  async reserve(job, budget) {
    const open = gate();
    if (!open)
      return err(fault('budget', 'the ledger is not open here yet: wait a moment, or ask without a budget'));
    const reserved = await open.reserve(job, budget);
    return reserved.ok ? ok(undefined) : err(fault('budget', reserved.error.message));
  },
  ended(job) {
    const open = gate();
    if (!open) return;
    open.settle(job, owedFor(job, account, receipts())).then(
      (settled) => {
        if (!settled.ok)
          telemetry.log('warn', 'market', `a job could not be paid: ${settled.error.message}`, { job });
      },
      (cause: unknown) =>
        telemetry.log('error', 'market', `a job could not be paid: ${String(cause)}`, { job }),
    );
  },
});
