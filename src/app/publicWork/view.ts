import type { AccountId } from '../../core/brand.ts';
import { toHex } from '../../core/bytes.ts';
import { formatAmount } from '../../ledger/amounts.ts';
import { earningsOf, rewardOf } from '../../ledger/transition/mint/index.ts';
import { listingIdOf } from '../../ledger/transition/mint/listings.ts';
import { workerOf } from '../../ledger/transition/mint/state.ts';
import type { Listing } from '../../ledger/transition/mint/types.ts';
import type { LedgerState } from '../../ledger/types.ts';
import type { Holder } from '../../ledger/wallet/outbox.ts';
import type {
  ListingRunView,
  ListingView,
  OfferedPagesView,
  OpenPublicWorkView,
  WorkerView,
} from '../publicWorkView.ts';
import { enrolmentsOf, isReadable } from './nextWork.ts';
import { readingModel } from './output.ts';
import { type InputList, pageOf } from './source.ts';
import type { WorkerStatus } from './worker.ts';

/** What the page shows of public work. Pure. */
export const publicWorkViewOf = (
  state: LedgerState,
  account: AccountId,
  given: {
    readonly lists: readonly InputList[];
    readonly status: WorkerStatus;
    readonly listing: ListingRunView;
  },
): OpenPublicWorkView => {
  const { streak, accepted, unvested, next } = earningsOf(state, account);
  return {
    phase: 'open',
    listings: [...state.mint.listings.entries()].map(([, one]) => listingView(state, one, given.lists)),
    offered: given.lists.flatMap((list) => offeredView(state, list)),
    worker: workerView(state, account, given.status),
    earnings: { streak, veteranStreak: state.parameters.veteranStreak, accepted, unvested, next },
    listing: given.listing,
  };
};

const listingView = (state: LedgerState, listing: Listing, lists: readonly InputList[]): ListingView => {
  const { id, title, units, accepted, voided, closed } = listing;
  const reward = rewardOf(listing, state.parameters);
  return { id, title, units, accepted, voided, closed, reward, obstacle: obstacleOf(listing, lists) };
};

const obstacleOf = (listing: Listing, lists: readonly InputList[]): string | undefined => {
  if (!isReadable(listing)) return 'It needs another version of this page.';
  return pageOf(listing, 0, lists) ? undefined : 'This host does not offer its pages.';
};

const offeredView = (
  state: LedgerState,
  { root, key, name, pages }: InputList,
): readonly OfferedPagesView[] => {
  if (state.mint.listings.has(listingIdOf({ model: readingModel, inputs: root }))) return [];
  const proposed = [...state.governance.open.entries()].some(([, { actions }]) =>
    actions.some((action) => action.kind === 'listing' && toHex(action.listing.inputs) === key),
  );
  return [{ id: key, name, pages: pages.length, state: proposed ? 'proposed' : 'unlisted' }];
};

const workerView = (state: LedgerState, account: AccountId, status: WorkerStatus): WorkerView => ({
  ...status,
  asked: enrolmentsOf(state, account).reduce((sum, { units }) => sum + units, 0),
  held: workerOf(state, account).live,
});

/** Why this account can't propose a listing now, and what it would put down for it. */
export const mayPropose = (
  state: LedgerState,
  account: AccountId,
  holder: Holder | undefined,
): { readonly refusal: string | undefined; readonly deposit: number } => {
  const { governance, parameters, host } = state;
  const deposit = governance.hostGoverns ? 0 : parameters.proposalDeposit;
  const balance = state.accounts.get(account)?.balance ?? 0;
  const refusal =
    holder === 'elsewhere'
      ? 'Another device signs for this account.'
      : governance.hostGoverns && account !== host
        ? 'The host decides what is listed, until enough VCoin is held by others.'
        : balance < deposit
          ? `A proposal takes a deposit of ${formatAmount(deposit)} VC, and this account has ${formatAmount(balance)} VC.`
          : undefined;
  return { refusal, deposit };
};
