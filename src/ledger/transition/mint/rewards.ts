import type { AccountId } from '../../../core/brand.ts';
import { type Bytes, concatBytes } from '../../../core/bytes.ts';
import { unwrap } from '../../../core/result.ts';
import { formatAmount, largestRemainder, mulDivFloor } from '../../amounts.ts';
import type { Parameters } from '../../parameters.ts';
import type { Draft, EpochContext } from '../module.ts';
import { burnAmount, credit, mintAmount } from '../purse.ts';
import { mintIdOf } from './commitment.ts';
import { mintLimits } from './limits.ts';
import { patch, setWorker, workerOf } from './state.ts';
import type { ListingContent, ListingId, MintState, Vesting, Worker } from './types.ts';

/** A slot of an accepted unit whose holder was right. */
export type Payment = {
  readonly account: AccountId;
  readonly listing: ListingId;
  readonly unit: number;
  readonly slot: number;
};

type Emit = EpochContext['emit'];
type Priced = Pick<ListingContent, 'cost' | 'cpuMilliseconds' | 'memoryMegabyteSeconds'>;

/**
 * µVC for one slot, before the epoch's cap; no more than the cap.
 *   0: ⌊cost · rate / 10⁶⌋
 *   1: 10 · (cpu_hours / 10 + memory_GB_hours / 100) VCoin, as the original project had it. In milliseconds and
 *      megabyte-seconds (1 GB = 1,000 MB) this is ⌊(10 · cpu + memory) / 36⌋ µVC.
 */
export const rewardOf = (
  { cost, cpuMilliseconds, memoryMegabyteSeconds }: Priced,
  { mintFormula, mintRate, mintCap }: Pick<Parameters, 'mintFormula' | 'mintRate' | 'mintCap'>,
): number =>
  Math.min(
    mintCap,
    mintFormula === 1
      ? mulDivFloor(10 * cpuMilliseconds + memoryMegabyteSeconds, 1, 36)
      : mulDivFloor(cost, mintRate, 1_000_000),
  );

/**
 * Mints what an epoch's accepted units earned, at most the cap, shared by largest remainder with ties by mint id. It counts
 * as unvested until it is paid out. Payments are made in the order of their mint ids: the same whatever order they came in.
 */
export const payAll = (draft: Draft, payments: readonly Payment[], emit: Emit): void => {
  const due = payments
    .map((payment) => ({ ...payment, id: mintIdOf(payment.listing, payment.unit, payment.slot) }))
    .filter((payment) => takeSlot(draft, payment))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (due.length === 0) return;
  const earned = due.map(({ listing }) => {
    const known = draft.mint.listings.get(listing);
    return known ? rewardOf(known, draft.parameters) : 0;
  });
  const rewards = capped(
    earned,
    due.map(({ id }) => id),
    draft.parameters.mintCap,
  );
  for (const [i, { account, id }] of due.entries())
    mintForReceipt(draft, { account, reward: rewards[i] ?? 0, about: id }, emit);
  const lastShare = { granted: sumOf(rewards), earned: sumOf(earned) };
  if (lastShare.earned > 0) patch(draft, { lastShare });
};

/** A reward as it may be expected after the cap: what the last epoch granted of what was earned in it. */
export const expectedReward = (
  listing: Priced,
  { parameters, mint }: { readonly parameters: Parameters; readonly mint: Pick<MintState, 'lastShare'> },
): number =>
  mulDivFloor(rewardOf(listing, parameters), mint.lastShare.granted, Math.max(1, mint.lastShare.earned));

/** What was done is found wrong: the streak ends, and what is not paid out yet is burned. What is paid out stays. */
export const forfeit = (draft: Draft, account: AccountId, about: string, emit: Emit): void => {
  const worker = workerOf(draft, account);
  burnAmount(draft, worker.unvested);
  setWorker(draft, account, { ...worker, streak: 0, unvested: 0, vesting: [] });
  emit({ account, what: `forfeited ${inVCoin(worker.unvested)}`, amount: 0, about });
};

/** Committed, and then silent: the streak ends, nothing is lost. */
export const endStreak = (draft: Draft, account: AccountId, about: string, emit: Emit): void => {
  setWorker(draft, account, { ...workerOf(draft, account), streak: 0 });
  emit({ account, what: 'late: streak ended', amount: 0, about });
};

/**
 * The keeper's side of earning, and the only place where money is made after genesis: one receipt (a committed slot of an accepted
 * unit, named by `about`) adds its reward to what its worker has unvested, and pays out what is vested by it. No receipt of a
 * customer's job comes here: whoever pays oneself would print money.
 */
export const mintForReceipt = (
  draft: Draft,
  {
    account,
    reward,
    about,
  }: { readonly account: AccountId; readonly reward: number; readonly about: string },
  emit: Emit,
): void => {
  // Only a supply that leaves exact integers is not minted; then the work still counts for the streak.
  const minted = mintAmount(draft, reward) ? reward : 0;
  const before = workerOf(draft, account);
  const accepted = before.accepted + 1;
  const queue = withReward(before.vesting, minted, accepted + draft.parameters.vestAfter, draft.parameters);
  const paid = sumOf(queue.filter(({ at }) => at <= accepted).map(({ reward }) => reward));
  const worker: Worker = {
    ...before,
    streak: before.streak + 1,
    accepted,
    unvested: before.unvested + minted - paid,
    vesting: queue.filter(({ at }) => at > accepted),
  };
  setWorker(draft, account, worker);
  emit({ account, what: `earned ${inVCoin(minted)}, vesting`, amount: 0, about });
  if (paid === 0) return;
  credit(draft, account, paid);
  emit({ account, what: 'paid out', amount: paid, about });
};

/**
 * At most about 64 entries, however long vesting takes: rewards of neighbouring units are paid out together, with the last of
 * them. With up to 64 units to wait each has its own entry.
 */
const withReward = (
  queue: readonly Vesting[],
  reward: number,
  at: number,
  { vestAfter }: Pick<Parameters, 'vestAfter'>,
): readonly Vesting[] => {
  const together = Math.ceil(vestAfter / 64);
  const due = Math.ceil(at / together) * together;
  const last = queue.at(-1);
  const merged = last && (last.at === due || queue.length >= mintLimits.maxVesting);
  if (!merged) return [...queue, { reward, at: due }];
  return [...queue.slice(0, -1), { reward: last.reward + reward, at: Math.max(last.at, due) }];
};

const capped = (earned: readonly number[], ids: readonly string[], cap: number): readonly number[] =>
  sumOf(earned) > cap ? unwrap(largestRemainder(cap, earned, ids)) : earned;

const unitsPerEntry = 256;

/** Marks a slot as paid; false if it was before. */
const takeSlot = (draft: Draft, { listing, unit, slot }: Payment): boolean => {
  const key = `${listing}/${Math.floor(unit / unitsPerEntry)}`;
  const known = draft.mint.paid.get(key) ?? new Uint8Array((unitsPerEntry * 3) / 8);
  const bit = (unit % unitsPerEntry) * 3 + slot;
  const mask = 1 << (bit % 8);
  const byte = known[bit >> 3] ?? 0;
  if ((byte & mask) !== 0) return false;
  const marked: Bytes = concatBytes(known);
  marked[bit >> 3] = byte | mask;
  patch(draft, { paid: draft.mint.paid.set(key, marked) });
  return true;
};

const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0);
const inVCoin = (amount: number): string => `${formatAmount(amount)} VC`;
