import { err, type Fault, fault, ok, type Result } from '../core/result.ts';
import { modules } from './transition/modules.ts';
import type { LedgerState } from './types.ts';

export type AuditFault = Fault<'audit'>;

/** Where all money is, in micro-VCoin. */
export type Holdings = {
  readonly balances: number;
  readonly treasury: number;
  /** Locked for orders. */
  readonly escrow: number;
  /** Earned, not yet paid out. */
  readonly unvested: number;
  /** Put down for proposals. */
  readonly deposits: number;
};

export const holdingsOf = (state: LedgerState): Holdings => ({
  balances: state.balances,
  treasury: state.treasury,
  escrow: modules.market.held(state.market),
  unvested: modules.mint.held(state.mint),
  deposits: modules.governance.held(state.governance),
});

/** Rule 9 of the protocol, over running sums: what is held anywhere is what was minted and not burned. */
export const checkConservation = (state: LedgerState): Result<void, AuditFault> => {
  const held = sumOf(holdingsOf(state));
  const { minted, burned } = state.supply;
  if (held === minted - burned) return ok(undefined);
  return refuse(`${held} µVC are held, ${minted} were minted and ${burned} burned`);
};

/** The same, counted entry by entry: nothing is taken on trust but the entries. */
export const audit = (state: LedgerState): Result<Holdings, AuditFault> => {
  let balances = 0;
  for (const [id, { balance }] of state.accounts.entries()) {
    if (!Number.isSafeInteger(balance) || balance < 0) return refuse(`account ${id} holds ${balance} µVC`);
    balances += balance;
  }
  const counted: Holdings = {
    balances,
    treasury: state.treasury,
    escrow: modules.market.countHeld(state.market),
    unvested: modules.mint.countHeld(state.mint),
    deposits: modules.governance.countHeld(state.governance),
  };
  const running = holdingsOf(state);
  for (const name of Object.keys(counted) as (keyof Holdings)[]) {
    if (counted[name] !== running[name])
      return refuse(`${name}: ${counted[name]} µVC by its entries, ${running[name]} by its sum`);
  }
  const conserved = checkConservation(state);
  return conserved.ok ? ok(counted) : conserved;
};

const sumOf = (holdings: Holdings): number => Object.values(holdings).reduce((sum, part) => sum + part, 0);
const refuse = (message: string) => err(fault('audit', message));
