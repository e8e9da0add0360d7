import type { AccountId, JobId } from '../core/brand.ts';
import type { Result } from '../core/result.ts';

/**
 * The Wallet screen: money, market, votes and who orders them, as this browser has checked it. Amounts are whole µVC
 * (1 VC = 1,000,000) and shown as exact decimals; epochs become times by `EpochView`.
 */
export type LedgerView =
  /** This host keeps no ledger, or there is no network by the person's own choice. */
  | { readonly phase: 'off'; readonly reason: string }
  | {
      readonly phase: 'opening';
      /** Operations checked so far, and how many there are; undefined until that is known. */
      readonly progress: { readonly done: number; readonly total: number } | undefined;
    }
  /** Two histories were signed: this browser follows neither any more, and holds the proof. */
  | {
      readonly phase: 'forked';
      /** Of the two blocks: up to the one before, all agree. */
      readonly height: number;
      readonly reason: string;
      readonly account: AccountId;
      /** What `openLedgerItem` opens: both blocks. */
      readonly proof: string;
    }
  | OpenLedgerView;

export type OpenLedgerView = {
  readonly phase: 'open';
  readonly net: string;
  readonly name: string;
  readonly epoch: EpochView;
  readonly wallet: WalletView;
  readonly market: MarketView;
  readonly governance: GovernanceView;
  readonly chain: ChainView;
  /** What the person should know before trusting this, in one sentence; said openly where one keeper orders alone. */
  readonly trust: string;
  /** Whether what is kept here outlives the tab. */
  readonly durable: boolean;
};

export type EpochView = {
  readonly number: number;
  readonly seconds: number;
  /** Monotonic ms when the present one is due to end. */
  readonly endsAt: number;
};

export type Party = { readonly account: AccountId; readonly name: string | undefined; readonly own: boolean };

// ── Wallet ─────────────────────────────────────────────────────────────────────────────────────────────────────

export type WalletView = {
  readonly account: AccountId;
  readonly balance: number;
  /** Earned by public work, paid out after further accepted work. */
  readonly unvested: number;
  /** Locked in own orders and deposits. */
  readonly locked: number;
  readonly transferFee: number;
  readonly key: /** This device signs. */
    | { readonly phase: 'here' }
    /** Not used yet: the first operation opens it. */
    | { readonly phase: 'unopened' }
    /** Another device signs for this account; the recovery key can move it here. */
    | { readonly phase: 'elsewhere' };
  /** Own operations that are not final yet, oldest first. */
  readonly pending: readonly PendingView[];
  /** Newest first; the newest few hundred. */
  readonly history: readonly HistoryEntry[];
};

export type PendingView = {
  readonly id: string;
  /** In words: "Send 5 VC to Kestrel". */
  readonly what: string;
  /** Change of the own balance once it is final, its fee included: -5,001,000 for 5 VC sent. */
  readonly amount: number;
  /** Unix ms when it was signed here. */
  readonly since: number;
  /** pending: kept here and sent; waiting: no keeper can be reached now; refused: will never be final, with why. */
  readonly state: 'pending' | 'waiting' | 'refused';
  readonly reason: string | undefined;
};

export type HistoryEntry = {
  /** Unique and stable. */
  readonly key: string;
  readonly what: string;
  /** Change of the own balance. */
  readonly amount: number;
  readonly with: Party | undefined;
  readonly memo: string | undefined;
  readonly epoch: number;
  readonly height: number;
  /** Advisory wall time of the block. */
  readonly at: number;
  /** What the explorer opens: an operation or a block. */
  readonly item: string;
};

// ── Market ─────────────────────────────────────────────────────────────────────────────────────────────────────

export type MarketView = {
  readonly classes: readonly MarketClassView[];
  readonly ownOffers: readonly OfferView[];
  readonly ownOrders: readonly OrderView[];
  /** Own jobs with a budget, newest first. */
  readonly payments: readonly JobPaymentView[];
};

/** How workers are chosen for a budget. */
export type StrategyName = 'balanced' | 'speed' | 'cost' | 'quality' | 'fair';

/** What pages would cost now if others read all of them. Prices in µVC per million units. */
export type ReadingEstimate = {
  readonly price: number;
  /** Of the prices of so many ended epochs. */
  readonly median: number;
  readonly epochs: number;
  /** From the cheapest to the dearest of `measured` pages read here; undefined while there is none. */
  readonly pages:
    | {
        readonly measured: number;
        readonly leastUnits: number;
        readonly mostUnits: number;
        /** µVC for all the pages that were asked about. */
        readonly least: number;
        readonly most: number;
        /** A budget that pays for `most` even if the price rises before the order stands. */
        readonly enough: number;
      }
    | undefined;
};

/** What became of a job's budget. */
export type JobPaymentView = {
  readonly job: JobId;
  /** Its order, which the explorer opens. */
  readonly order: string;
  readonly strategy: StrategyName;
  readonly price: number;
  readonly locked: number;
  readonly paid: number;
  readonly estimate: { readonly least: number; readonly most: number; readonly measured: number } | undefined;
  /** open: at work; settled: paid, and what is left comes back when workers had time to object; closed: it came back. */
  readonly phase: 'open' | 'settled' | 'closed';
  readonly chosen: readonly {
    readonly who: Party;
    /** Thousandths of the work that was expected. */
    readonly part: number;
    readonly why: string;
    readonly paid: number;
  }[];
  readonly leftOut: readonly { readonly who: Party; readonly why: string }[];
  /** Paid without having been chosen: they helped out, or came later. */
  readonly others: readonly { readonly who: Party; readonly paid: number }[];
  /** Why nobody was chosen. */
  readonly nobody: string | undefined;
};

export type MarketClassView = {
  readonly class: string;
  /** µVC per million units of cost. */
  readonly price: number;
  /** One point an epoch, oldest first: price, cost asked for, cost delivered. */
  readonly history: readonly {
    readonly epoch: number;
    readonly price: number;
    readonly demand: number;
    readonly delivered: number;
  }[];
  /** Sum of all offers, in cost an epoch. */
  readonly capacity: number;
  readonly demand: number;
  readonly offers: readonly OfferView[];
};

export type OfferView = {
  readonly by: Party;
  readonly class: string;
  readonly capacity: number;
  readonly minPrice: number;
};

export type OrderView = {
  readonly id: string;
  readonly class: string;
  readonly locked: number;
  /** Of `locked`, to those who worked and in fees. */
  readonly paid: number;
  readonly price: number;
  /** Most cost it pays for. */
  readonly max: number;
  /** The last epoch it waits. */
  readonly deadline: number;
  /** What cancelling it would cost now. */
  readonly cancelCost: number;
  readonly state: string;
  readonly mayCancel: boolean;
};

// ── Governance ─────────────────────────────────────────────────────────────────────────────────────────────────

export type GovernanceView = {
  readonly host: Party;
  /** The host's key decides until enough power is held by others. */
  readonly hostGoverns: boolean;
  readonly eligiblePower: number;
  readonly powerNeeded: number;
  readonly ownPower: number;
  readonly delegate: Party | undefined;
  readonly deposit: number;
  readonly treasury: number;
  /** µVC that proposals may still take from the treasury in this window. */
  readonly grantable: number;
  /** Newest first. */
  readonly proposals: readonly ProposalView[];
  readonly parameters: readonly ParameterView[];
};

export type ProposalView = {
  readonly id: string;
  readonly description: string;
  readonly by: Party;
  /** Each action in words: "Set the fee of a transfer to 0.002 VC (now 0.001)". */
  readonly actions: readonly string[];
  readonly phase: 'draft' | 'voting' | 'timelock' | 'executed' | 'rejected' | 'failed' | 'vetoed';
  /** Why it ended as it did, in words. */
  readonly outcome: string | undefined;
  /** Monotonic ms of the end of this phase, as far as epochs can tell; undefined when it is over. */
  readonly endsAt: number | undefined;
  readonly for: number;
  readonly against: number;
  readonly abstain: number;
  /** µVC of power that must take part, and that has. */
  readonly quorum: { readonly needed: number; readonly reached: number };
  readonly ownVote: 'for' | 'against' | 'abstain' | undefined;
  readonly mayVote: boolean;
  readonly mayVeto: boolean;
  readonly vetoed: { readonly power: number; readonly needed: number };
};

export type ParameterView = {
  readonly name: string;
  readonly meaning: string;
  readonly unit: string;
  readonly value: number;
  /** What a proposal may set it to now. */
  readonly least: number;
  readonly most: number;
};

// ── Who orders, and the log ────────────────────────────────────────────────────────────────────────────────────

export type ChainView = {
  readonly height: number;
  readonly head: string;
  /** Unix ms by the last block's maker. */
  readonly time: number;
  /** Monotonic ms when this browser last took a block. */
  readonly lastBlockAt: number | undefined;
  /** Blocks this browser still has to take. */
  readonly behind: number;
  /** How many of the keepers must agree, and how many may lie. */
  readonly quorum: number;
  readonly faults: number;
  readonly keepers: readonly KeeperView[];
  readonly supply: { readonly minted: number; readonly burned: number };
  /** Where all money is; sums to minted − burned. */
  readonly holdings: readonly { readonly where: string; readonly amount: number }[];
  /** Newest first. */
  readonly recent: readonly BlockSummary[];
  readonly evidence: readonly { readonly keeper: string; readonly height: number; readonly item: string }[];
};

export type KeeperView = {
  readonly name: string;
  readonly key: string;
  readonly url: string;
  readonly worker: Party;
  readonly connection: 'connected' | 'connecting' | 'unreachable' | 'unknown';
  readonly height: number | undefined;
  readonly lied: number;
};

export type BlockSummary = {
  readonly id: string;
  readonly height: number;
  readonly kind: 'operations' | 'epoch';
  readonly operations: number;
  readonly creator: string;
  readonly time: number;
};

/** One thing of the ledger, opened: an operation, a block, an account, a proposal, an order, a keeper's lie, two histories. */
export type ExplorerItem = {
  readonly id: string;
  readonly kind: 'operation' | 'block' | 'account' | 'proposal' | 'order' | 'evidence' | 'fork';
  readonly title: string;
  /** What a person should do about it, in one sentence. */
  readonly advice?: string;
  readonly facts: readonly ExplorerFact[];
  /** What contradicts one another, to be seen side by side. */
  readonly sides?: readonly { readonly title: string; readonly facts: readonly ExplorerFact[] }[];
  /** What belongs to it: operations of a block, history of an account. */
  readonly parts: readonly { readonly label: string; readonly note: string; readonly item: string }[];
};

export type ExplorerFact = { readonly term: string; readonly value: string; readonly item?: string };

/** What was checked again, here and now, and how it went. */
export type Verification = {
  readonly steps: readonly { readonly what: string; readonly holds: boolean; readonly detail: string }[];
  readonly holds: boolean;
};

export type GovernanceAction =
  | { readonly kind: 'parameter'; readonly name: string; readonly value: number }
  | { readonly kind: 'treasury'; readonly to: string; readonly amount: number }
  | { readonly kind: 'upgrade'; readonly hash: string; readonly url: string };

export interface LedgerCommands {
  /** `to`: an account id as pasted or scanned, with or without the `aivillage:` prefix. Resolves when kept. */
  sendMoney(input: {
    readonly to: string;
    readonly amount: number;
    readonly memo: string;
  }): Promise<Result<void, string>>;
  /** Takes a refused operation off the list. */
  dismissOperation(id: string): Promise<void>;
  /** Makes this device sign for the account; undone only by the same from another device. */
  moveWalletHere(recoveryKey: string): Promise<Result<void, string>>;
  offerWork(input: {
    readonly class: string;
    readonly capacity: number;
    readonly minPrice: number;
  }): Promise<Result<void, string>>;
  cancelOrder(id: string): Promise<Result<void, string>>;
  /** What so many pages would cost now. */
  estimateReading(pages: number): Promise<Result<ReadingEstimate, string>>;
  propose(input: {
    readonly description: string;
    readonly actions: readonly GovernanceAction[];
  }): Promise<Result<void, string>>;
  vote(proposal: string, choice: 'for' | 'against' | 'abstain'): Promise<Result<void, string>>;
  veto(proposal: string): Promise<Result<void, string>>;
  /** Undefined: votes for itself again. */
  delegateTo(account: string | undefined): Promise<Result<void, string>>;
  /** An id, a height, or the start of an id of something recent. */
  openLedgerItem(query: string): Promise<Result<ExplorerItem, string>>;
  /** Checks signatures, certificate, place in its block and hash chain again, in this tab. */
  verifyLedgerItem(id: string): Promise<Result<Verification, string>>;
  exportLedgerItem(id: string, format: 'json' | 'cbor'): Promise<Result<Blob, string>>;
  /** Reads a proof of two histories that somebody gave, as JSON or CBOR: the item to open. If it is true, nothing newer is believed. */
  readForkProof(file: Blob): Promise<Result<string, string>>;
}
