import type { AccountId } from '../../core/brand.ts';
import { formatAmount } from '../../ledger/amounts.ts';
import type { Action } from '../../ledger/transition/governance/types.ts';
import type { LedgerState, Operation } from '../../ledger/types.ts';
import type { Party } from '../ledgerView.ts';

/** Who is called what, on this page. */
export type NameOf = (account: AccountId) => string | undefined;

export const partyOf = (account: AccountId, own: AccountId, nameOf: NameOf): Party => ({
  account,
  name: nameOf(account),
  own: account === own,
});

export const shortId = (id: string): string => (id.length <= 12 ? id : `${id.slice(0, 8)}…`);

/** "1 unit", "2 units". */
export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

const calledBy = (nameOf: NameOf) => (account: AccountId) => nameOf(account) ?? shortId(account);
const vc = (amount: number) => `${formatAmount(amount, { grouping: true })} VC`;

/** An operation as a person would say it. A total table: a kind without words does not compile. */
export const operationInWords = (operation: Operation, nameOf: NameOf): string => {
  const name = calledBy(nameOf);
  const words: { readonly [Kind in Operation['kind']]: (body: Operation<Kind>['body']) => string } = {
    open: () => 'Open the account',
    transfer: ({ amount, to }) => `Send ${vc(amount)} to ${name(to)}`,
    rotate: ({ by }) => (by === 'recovery' ? 'Move the account to another device' : 'Change the signing key'),
    recovery: () => 'Change the recovery key',
    beacon: ({ keeper }) => `Randomness of keeper ${keeper + 1}`,
    evidence: ({ keeper }) => `Proof that keeper ${keeper + 1} contradicted itself`,
    order: ({ class: kind, max, limit }) =>
      `Order ${kind} work for at most ${vc(Math.ceil((max * limit) / 1e6))}`,
    match: ({ shares }) => `Give an order to ${counted(shares.length, 'worker')}`,
    settle: ({ payees }) => `Pay ${counted(payees.length, 'worker')}`,
    claim: ({ receipts }) => `Claim pay by ${counted(receipts.length, 'receipt')}`,
    cancel: () => 'Cancel an order',
    offer: ({ class: kind, capacity }) =>
      capacity === 0 ? `Withdraw the offer of ${kind} work` : `Offer ${kind} work`,
    enrol: ({ units }) =>
      units === 0 ? 'Leave public work' : `Ask for ${counted(units, 'unit')} of public work`,
    commit: ({ unit }) => `Commit to the result of unit ${unit}`,
    reveal: ({ unit }) => `Reveal the result of unit ${unit}`,
    openings: ({ unit }) => `Open places of the result of unit ${unit}`,
    judge: ({ unit }) => `Judge unit ${unit}`,
    propose: ({ description }) => `Propose “${description.slice(0, 60)}”`,
    countersign: () => 'Countersign as a new keeper',
    vote: ({ choice }) => (choice === 'abstain' ? 'Abstain from a vote' : `Vote ${choice} a proposal`),
    veto: () => 'Veto a proposal',
    delegate: ({ to }) => (to === null ? 'Vote for oneself again' : `Let ${name(to)} vote`),
  };
  return (words[operation.kind] as (body: unknown) => string)(operation.body);
};

/** What an action of a proposal would change, beside how it is now. */
export const actionInWords = (state: LedgerState, action: Action, nameOf: NameOf): string => {
  const name = calledBy(nameOf);
  switch (action.kind) {
    case 'parameter':
      return `Set ${action.name} to ${action.value} (now ${state.parameters[action.name]})`;
    case 'treasury':
      return `Grant ${vc(action.amount)} from the treasury to ${name(action.to)}`;
    case 'upgrade':
      return `Run the build ${shortId(action.build)}${action.url ? ` from ${action.url}` : ''}`;
    case 'keepers':
      return `Keepers: ${[
        ...action.add.map((keeper) => `+ ${keeper.name}`),
        ...action.remove.map((key) => `− ${keeperName(state, key)}`),
      ].join(', ')}`;
    case 'listing':
      return `Let “${action.listing.title}” mint: ${counted(action.listing.units, 'unit')}`;
    case 'unlisting':
      return `Stop “${state.mint.listings.get(action.id)?.title ?? shortId(action.id)}”`;
    default:
      return action satisfies never;
  }
};

const keeperName = (state: LedgerState, key: Uint8Array): string =>
  state.keepers.find((keeper) => keeper.key.every((byte, at) => byte === key[at]))?.name ?? 'a keeper';
