import type { AccountId, Brand } from '../core/brand.ts';
import type { Bytes } from '../core/bytes.ts';
import type { PublicKey, Signature } from '../core/ports/crypto.ts';
import type { Parameters } from './parameters.ts';
import type { Table } from './table/types.ts';
import type { CoreBodies } from './transition/core/bodies.ts';
import type { GovernanceBodies, GovernanceState } from './transition/governance/types.ts';
import type { MarketBodies, MarketState } from './transition/market/types.ts';
import type { MintBodies, MintState } from './transition/mint/types.ts';

/**
 * The ledger's vocabulary. An amount is a safe integer of micro-VCoin (1 VCoin = 1,000,000); an epoch is a count since
 * genesis; wall times are milliseconds since the Unix epoch and advisory.
 */
export type NetId = Brand<string, 'NetId'>;
export type OperationId = Brand<string, 'OperationId'>;
export type BlockId = Brand<string, 'BlockId'>;

// ── Operations ─────────────────────────────────────────────────────────────────────────────────────────────────

/** What each kind of operation says. A total table: a kind that is not whole does not compile. */
export type OperationBodies = CoreBodies & MarketBodies & MintBodies & GovernanceBodies;
export type OperationKind = keyof OperationBodies;

export type Operation<Kind extends OperationKind = OperationKind> = {
  readonly [K in Kind]: {
    readonly net: NetId;
    readonly account: AccountId;
    /** One more than that of the account's operation before; the first is 1. */
    readonly seq: number;
    /** The last epoch that may hold it: the present one to six later. */
    readonly validUntil: number;
    readonly kind: K;
    readonly body: OperationBodies[K];
  };
}[Kind];

/** As it travels and is stored: the exact bytes that were signed. */
export type SignedOperation = { readonly bytes: Bytes; readonly signature: Signature };

/** One that was read: `id` is SHA-256("vc1.op" ‖ bytes), so signatures are outside of it. */
export type ReadOperation = SignedOperation & { readonly id: OperationId; readonly operation: Operation };

// ── Blocks ─────────────────────────────────────────────────────────────────────────────────────────────────────

export type Supply = { readonly minted: number; readonly burned: number };

type HeaderBase = {
  readonly v: 1;
  readonly net: NetId;
  /** Genesis is 0. */
  readonly height: number;
  readonly previous: BlockId;
  /** Index into the keepers of this height of who made it. */
  readonly creator: number;
  readonly epoch: number;
  /** The creator's wall clock: advisory. */
  readonly time: number;
  /** RFC 6962 root over the operations as they stand in the block (`signedOperationBytes`). */
  readonly operationsRoot: Bytes;
  readonly operations: number;
};
/** Orders operations. */
export type OperationsHeader = HeaderBase & { readonly kind: 'operations' };
/** Ends an epoch: holds no operation, runs the epoch functions, and says what the state is afterwards. */
export type EpochHeader = HeaderBase & {
  readonly kind: 'epoch';
  readonly stateRoot: Bytes;
  readonly supply: Supply;
  /** Of the heights after this one. */
  readonly keepers: readonly Keeper[];
};
export type BlockHeader = OperationsHeader | EpochHeader;

/** `id` is SHA-256("vc1.block" ‖ header). */
export type Block = {
  readonly id: BlockId;
  readonly header: BlockHeader;
  readonly headerBytes: Bytes;
  readonly operations: readonly ReadOperation[];
};

/** Q precommits of one round, each over (net, height, round, block): what makes a block final. */
export type Certificate = {
  readonly round: number;
  /** Indexes of keepers in rising order, with their signatures. */
  readonly precommits: readonly { readonly voter: number; readonly signature: Signature }[];
};
export type CertifiedBlock = { readonly block: Block; readonly certificate: Certificate };

// ── Keepers and genesis ────────────────────────────────────────────────────────────────────────────────────────

export type Keeper = {
  readonly name: string;
  readonly key: PublicKey;
  /** Where tabs and other keepers reach it: wss://host/ledger, or '' for "the host this page came from". */
  readonly url: string;
  /** Whose tabs work for this keeper: they count as veterans, and their word decides a mismatch. */
  readonly worker: AccountId;
  /** Where its hash chain of randomness stands: the next reveal x has SHA-256(x) = this. */
  readonly beacon: Bytes;
};

/** Names a swarm's money: its hash is the net. */
export type Genesis = {
  readonly v: 1;
  readonly name: string;
  readonly time: number;
  readonly keepers: readonly Keeper[];
  /** Whose key governs until enough power is held by others. */
  readonly host: AccountId;
  readonly treasury: number;
  readonly allocations: readonly { readonly account: AccountId; readonly amount: number }[];
  readonly parameters: Parameters;
  /** Price each class of work begins with, in micro-VCoin per 10⁶ units of cost. */
  readonly prices: Readonly<Record<string, number>>;
};

// ── State ──────────────────────────────────────────────────────────────────────────────────────────────────────

export type Account = {
  readonly balance: number;
  /** Of its last operation; 0 before the first. */
  readonly seq: number;
  /** The key that signs for it now; null until its owner opened it (it may be paid before). */
  readonly key: PublicKey | null;
  /** Changes the key when it is lost; the account's id is the hash of the first one. */
  readonly recovery: PublicKey | null;
  /** Epoch of its last operation, -1 before the first. */
  readonly active: number;
  /** The day of `lows[0]`. */
  readonly day: number;
  /** Least balance of that day and of each of the seven before it, newest first: what voting power rests on. */
  readonly lows: readonly number[];
};

export type Evidence = {
  readonly keeper: number;
  readonly key: PublicKey;
  readonly height: number;
  readonly round: number;
  readonly epoch: number;
};

/**
 * The fold over the log. Everything is a persistent table or a small CBOR value, so an old state costs nothing to keep and
 * a draft that fails is dropped. `position` is where the log stands; all else is content and makes the state root.
 */
export type LedgerState = {
  readonly position: {
    readonly height: number;
    readonly head: BlockId;
    readonly creator: number;
    readonly time: number;
    /** State root of the last epoch block; before the first, of genesis. What a new keeper countersigns. */
    readonly stateRoot: Bytes;
  };
  readonly net: NetId;
  /** Of the next block. */
  readonly epoch: number;
  readonly accounts: Table<Account>;
  /** Sum over `accounts`; `audit` counts again. */
  readonly balances: number;
  readonly treasury: number;
  readonly supply: Supply;
  readonly parameters: Parameters;
  readonly host: AccountId;
  readonly keepers: readonly Keeper[];
  /** Keepers as the next epoch block will name them; changes come by governance. */
  readonly nextKeepers: readonly Keeper[];
  /** Reveals of this epoch by keeper index, not yet used. */
  readonly reveals: Readonly<Record<string, Bytes>>;
  /** Keepers that contradicted themselves, by the operation that proved it. */
  readonly evidence: Table<Evidence>;
  readonly market: MarketState;
  readonly mint: MintState;
  readonly governance: GovernanceState;
};

/** Something that happened while a block was applied, for histories and the explorer; not part of the state. */
export type LedgerEvent = {
  /** Whose history shows it; undefined: the swarm's. */
  readonly account: AccountId | undefined;
  readonly what: string;
  /** Change of the account's balance. */
  readonly amount: number;
  /** The other side, an escrow, a proposal, …: what the explorer can open. */
  readonly about: string | undefined;
  /** The operation that caused it; undefined for what an epoch block does. */
  readonly operation: OperationId | undefined;
};
