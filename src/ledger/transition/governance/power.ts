import type { AccountId } from '../../../core/brand.ts';
import { epochsPerDay } from '../../parameters.ts';
import { emptyTable } from '../../table/index.ts';
import type { Table } from '../../table/types.ts';
import type { LedgerState } from '../../types.ts';
import type { Draft } from '../module.ts';
import { settledBalance } from '../purse.ts';
import { governanceLimits } from './limits.ts';
import type { GovernanceState, Holding, PowerCount } from './types.ts';

/**
 * Voting power: what an opened account could have spent at every moment of the last seven days. Linear, so that accounts
 * by the dozen weigh no more than one. What is unvested, escrowed, put down or in the treasury is in no balance.
 *
 * A snapshot writes down the weights of that moment: per account a list by epoch that grows only where a weight has changed
 * since the snapshot before, so snapshots share what stayed. Nothing but a later snapshot touches it, and that adds behind.
 */

/** One pass over all accounts. */
export const countPower = (state: LedgerState, epoch: number): PowerCount => {
  const { eligible, active } = weigh(state, epoch);
  return { epoch, eligible, active };
};

/** One pass over all accounts, once in an epoch in which voting opens. `oldest`: of the snapshots still in use. */
export const takeSnapshot = (draft: Draft, epoch: number, oldest: number): PowerCount => {
  const { eligible, active, powers } = weigh(draft, epoch);
  const { delegates, holdings: before } = draft.governance;
  const received = new Map<AccountId, number>();
  for (const [id, power] of powers) {
    const to = delegates.get(id);
    if (to) received.set(to, (received.get(to) ?? 0) + power);
  }
  const concerned = new Set([
    ...powers.keys(),
    ...received.keys(),
    ...(before.keys() as Iterable<AccountId>),
  ]);
  let holdings = before;
  for (const id of concerned) {
    const power = powers.get(id) ?? 0;
    const delegate = power > 0 ? (delegates.get(id) ?? null) : null;
    const now = { since: epoch, power, received: received.get(id) ?? 0, delegate };
    holdings = recorded(holdings, id, now, oldest);
  }
  draft.governance = { ...draft.governance, holdings };
  return { epoch, eligible, active };
};

/** As of the snapshot at the end of `epoch`. */
export const holdingAt = (
  { holdings }: Pick<GovernanceState, 'holdings'>,
  epoch: number,
  id: AccountId,
): Holding =>
  holdings.get(id)?.findLast(({ since }) => since <= epoch) ?? {
    since: epoch,
    power: 0,
    received: 0,
    delegate: null,
  };

/** Nothing rests on any snapshot. */
export const dropSnapshots = (draft: Draft): void => {
  if (draft.governance.holdings.size > 0) draft.governance = { ...draft.governance, holdings: emptyTable() };
};

const weigh = (state: LedgerState, epoch: number) => {
  const actedAfter = epoch - governanceLimits.windowDays * epochsPerDay(state.parameters);
  const powers = new Map<AccountId, number>();
  let eligible = 0;
  let active = 0;
  for (const [key, account] of state.accounts.entries()) {
    const id = key as AccountId;
    const power = account.key ? settledBalance(state, id, epoch) : 0;
    if (power === 0) continue;
    powers.set(id, power);
    eligible += power;
    if (account.active > actedAfter) active += power;
  }
  return { eligible, active, powers };
};

const recorded = (
  holdings: Table<readonly Holding[]>,
  id: AccountId,
  now: Holding,
  oldest: number,
): Table<readonly Holding[]> => {
  const list = holdings.get(id) ?? [];
  // The newest that the oldest snapshot sees, and all after it.
  const needed = list.slice(
    Math.max(
      0,
      list.findLastIndex(({ since }) => since <= oldest),
    ),
  );
  const last = needed.at(-1);
  const same = last?.power === now.power && last.received === now.received && last.delegate === now.delegate;
  if (!same) return holdings.set(id, [...needed, now]);
  return needed.length === list.length ? holdings : holdings.set(id, needed);
};
