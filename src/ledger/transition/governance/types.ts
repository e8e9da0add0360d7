import type { AccountId } from '../../../core/brand.ts';
import type { Bytes } from '../../../core/bytes.ts';
import type { PublicKey, Signature } from '../../../core/ports/crypto.ts';
import type { ParameterName } from '../../parameters.ts';
import type { Table } from '../../table/types.ts';
import type { Keeper } from '../../types.ts';
import type { ListingTerms } from '../mint/listings.ts';
import type { ListingId } from '../mint/types.ts';

// ── Operations ─────────────────────────────────────────────────────────────────────────────────────────────────

/** What a proposal may do. A total table: `actions/index.ts` has a rule for each. */
export type Actions = {
  parameter: { readonly name: ParameterName; readonly value: number };
  /** The build everybody is to run, named by its SHA-256 (lower-case hex): a url may serve anything, so it is only a hint. */
  upgrade: { readonly build: string; readonly url?: string };
  treasury: { readonly to: AccountId; readonly amount: number };
  /** One for one (a seat), none for three or three for none (a step of N = 3f + 1). Who leaves is named by key. */
  keepers: { readonly remove: readonly PublicKey[]; readonly add: readonly Keeper[] };
  /** Lets public work mint, and no more of it. */
  listing: { readonly listing: ListingTerms };
  unlisting: { readonly id: ListingId };
};
export type ActionKind = keyof Actions;
export type Action<Kind extends ActionKind = ActionKind> = {
  readonly [K in Kind]: { readonly kind: K } & Actions[K];
}[Kind];

export type Choice = 'for' | 'against' | 'abstain';

/** That whoever holds `key` wants to be a keeper by this proposal, and stands at the last certified state. */
export type Countersignature = {
  readonly key: PublicKey;
  readonly stateRoot: Bytes;
  readonly signature: Signature;
};

export type GovernanceBodies = {
  propose: {
    readonly description: string;
    readonly actions: readonly Action[];
    /** Of each keeper that the actions add. */
    readonly countersignatures: readonly Countersignature[];
  };
  /** The newcomer's, again: it must be fresh when the proposal is carried out. Any account may carry it. */
  countersign: Countersignature & { readonly proposal: string };
  vote: { readonly proposal: string; readonly choice: Choice };
  veto: { readonly proposal: string };
  /** Who votes with one's power, in proposals whose voting begins later; null: oneself again. */
  delegate: { readonly to: AccountId | null };
};

// ── State ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** µVC by what they were cast for. */
export type Tally = { readonly [Of in Choice]: number };

/** All settled power at the end of an epoch, and how much of it is of accounts that acted in the 30 days before. */
export type PowerCount = { readonly epoch: number; readonly eligible: number; readonly active: number };

/** The rules of the day a proposal was made, in days and ‰: it lives by them whatever changes meanwhile. */
export type Terms = {
  readonly draftDays: number;
  readonly votingDays: number;
  readonly extensionDays: number;
  readonly timelockDays: number;
  readonly quorumPermille: number;
};

/** `until`: the epoch at whose end the stage is looked at; `snapshot`: when power was counted. */
export type Stage =
  | { readonly phase: 'draft'; readonly until: number }
  | {
      readonly phase: 'voting';
      readonly until: number;
      readonly snapshot: PowerCount;
      readonly tally: Tally;
      /** The epoch since which quorum has been met without a break; null: it is not. */
      readonly quorumSince: number | null;
      readonly extended: boolean;
    }
  | {
      readonly phase: 'timelock';
      readonly until: number;
      readonly snapshot: PowerCount;
      readonly tally: Tally;
      readonly vetoPower: number;
    }
  | {
      readonly phase: 'executed' | 'rejected' | 'failed' | 'vetoed';
      /** The epoch whose end brought it. */
      readonly at: number;
      /** Null where nobody was asked: the host decided. */
      readonly snapshot: PowerCount | null;
      readonly tally: Tally;
      readonly vetoPower: number;
      readonly reason: string;
    };

export type Proposal = {
  /** base64url of SHA-256 over (actions, description). */
  readonly id: string;
  /** The same over the actions alone. */
  readonly actionsHash: string;
  /** Counts proposals: the order in which they are carried out. */
  readonly number: number;
  readonly proposer: AccountId;
  readonly description: string;
  readonly actions: readonly Action[];
  readonly deposit: number;
  /** The epoch in which it was proposed. */
  readonly proposed: number;
  readonly terms: Terms;
  /** When each newcomer last countersigned. */
  readonly countersigned: readonly { readonly key: PublicKey; readonly epoch: number }[];
  readonly stage: Stage;
};

export type Ballot = {
  readonly votes: Table<Choice>;
  readonly vetoes: Table<true>;
  /** By delegate: power of those who spoke for themselves. */
  readonly overridden: Table<number>;
};

/** An account's weight from the snapshot at the end of epoch `since` on, until the next of its list. */
export type Holding = {
  readonly since: number;
  readonly power: number;
  /** Power of those who had delegated to it. */
  readonly received: number;
  readonly delegate: AccountId | null;
};

export type TreasuryDay = { readonly opening: number; readonly granted: number };

export type GovernanceState = {
  /** From genesis until enough power is settled, once and for all: see `life.ts`. */
  readonly hostGoverns: boolean;
  /** Counted at the end of every day and at every snapshot. */
  readonly power: PowerCount;
  readonly proposed: number;
  readonly open: Table<Proposal>;
  /** Voting or in the timelock, by proposal. */
  readonly ballots: { readonly [proposal: string]: Ballot };
  /** Weights as of the snapshots that open proposals rest on. */
  readonly holdings: Table<readonly Holding[]>;
  readonly delegates: Table<AccountId>;
  /** The newest that are over, by id, and their ids, newest last. */
  readonly closed: Table<Proposal>;
  readonly closedOrder: readonly string[];
  /** Actions that were vetoed once, by their hash, with the epoch. */
  readonly vetoed: Table<number>;
  /** Sum of deposits of open proposals. */
  readonly deposits: number;
  /** By parameter: the first epoch at whose end it may change again. */
  readonly nextChange: { readonly [name: string]: number };
  /** Builds that were agreed upon, newest last: the last is the one that holds. */
  readonly upgrades: readonly {
    readonly build: string;
    readonly url: string;
    readonly epoch: number;
    readonly proposal: string;
  }[];
  /** The present day and up to 29 before it, newest first. */
  readonly treasuryDays: readonly TreasuryDay[];
};
