import type { AccountId, Brand } from '../../../core/brand.ts';
import type { Bytes } from '../../../core/bytes.ts';
import type { Table } from '../../table/types.ts';

/**
 * Public work that mints. The words: a *listing* is a job that governance lets mint; its *units* are numbered pieces of equal
 * cost, one input each; a *slot* is a seat at a unit, held by one worker: 0 and 1 do the work, the next one checks it.
 */
export type ListingId = Brand<string, 'ListingId'>;

/** How two outputs of one input are told to be the same. */
export type Match =
  /** The 32 bytes are equal: whole numbers, text. */
  | { readonly kind: 'hash' }
  /** Each of `values` numbers, counted in steps of so many billionths, is within one step (grid.ts). */
  | { readonly kind: 'grid'; readonly values: number; readonly step: number };

/** What a listing says of itself; all but its count of units is the same for each of them. */
export type ListingContent = {
  readonly title: string;
  /** Of work, as the market names it. */
  readonly class: string;
  /** SHA-256 of the model's file, or of what names all files and versions that an output depends on. */
  readonly model: Bytes;
  /** RFC 6962 root over the SHA-256s of the inputs: unit i is leaf i. */
  readonly inputs: Bytes;
  readonly units: number;
  /** Of one unit, in the market's units of cost. */
  readonly cost: number;
  /** Processor time of one unit, as whoever proposed the listing measured it: nobody who is paid tells it. */
  readonly cpuMilliseconds: number;
  /** Megabytes (10⁶) held, times seconds, for one unit. */
  readonly memoryMegabyteSeconds: number;
  readonly match: Match;
};

export type Listing = ListingContent & {
  readonly id: ListingId;
  readonly closed: boolean;
  /** The first unit that was never drawn. */
  readonly next: number;
  /** Units below `next` that were drawn and given back, in rising order. */
  readonly free: readonly number[];
  readonly accepted: number;
  /** Finished without a result: nobody was paid, and they are not drawn again. */
  readonly voided: number;
};

/** One block of eight values with its Merkle path, 32 bytes a step. */
export type Opening = { readonly block: Bytes; readonly path: Bytes };

type UnitBody = { readonly listing: ListingId; readonly unit: number };

export type MintBodies = {
  /** So many more units of a listing, from the drawing after the next epoch's reveals; 0 takes it back. */
  enrol: { readonly listing: ListingId; readonly units: number };
  /** `commitmentOf` this worker's output: this operation is the unit's receipt (commitment.ts). */
  commit: UnitBody & { readonly slot: number; readonly commitment: Bytes };
  reveal: UnitBody & { readonly slot: number; readonly output: Bytes; readonly salt: Bytes };
  /** The blocks at the unit's places. */
  openings: UnitBody & { readonly slot: number; readonly openings: readonly Opening[] };
  /** A keeper's worker says what the output is. `openings` is empty where outputs match by hash. */
  judge: UnitBody & { readonly output: Bytes; readonly openings: readonly Opening[] };
};

/** What somebody says an output is. */
export type Output = {
  readonly root: Bytes;
  /** Its blocks at the unit's places one after another; empty where outputs match by hash. */
  readonly opened: Bytes;
};

export type Slot = {
  readonly slot: number;
  readonly account: AccountId;
  /** Null until it is known; the same for the next two. */
  readonly commitment: Bytes | null;
  readonly root: Bytes | null;
  readonly opened: Bytes | null;
};

export type Word = Output & { readonly account: AccountId };

export type Review = {
  /** The keeper's worker that was drawn, and is paid if it is right. */
  readonly reviewer: AccountId;
  readonly tried: readonly AccountId[];
  /** Outputs differ, so that f+1 keepers must agree: any keeper's worker may judge. */
  readonly contested: boolean;
  readonly words: readonly Word[];
};

/** `deadline` is the last epoch in which what is due may be done. */
export type Unit = UnitBody & { readonly slots: readonly Slot[] } & (
    | { readonly phase: 'commit'; readonly deadline: number }
    /** All have committed, in epoch `since` at the latest. */
    | { readonly phase: 'reveal'; readonly since: number; readonly deadline: number }
    /** Outputs are to be opened at the places that `seed` draws. */
    | { readonly phase: 'open'; readonly seed: Bytes; readonly deadline: number }
    /** Everything that the workers have to say is here since epoch `since`. */
    | { readonly phase: 'settle'; readonly seed: Bytes | null; readonly since: number }
    | {
        readonly phase: 'review';
        readonly seed: Bytes | null;
        readonly review: Review;
        readonly deadline: number;
      }
    /** Waits for the end of the epoch, which pays. */
    | { readonly phase: 'decided'; readonly good: readonly Seat[]; readonly bad: readonly AccountId[] }
  );
export type UnitIn<Phase extends Unit['phase']> = Extract<Unit, { readonly phase: Phase }>;

export type Seat = { readonly slot: number; readonly account: AccountId };

export type Enrolment = {
  readonly listing: ListingId;
  readonly account: AccountId;
  readonly units: number;
  readonly epoch: number;
};

export type Vesting = {
  readonly reward: number;
  /** Paid out as soon as the worker has this many accepted units. */
  readonly at: number;
};

export type Worker = {
  /** Accepted units since the last bad or late one. */
  readonly streak: number;
  /** Accepted units ever. */
  readonly accepted: number;
  /** Slots it holds now. */
  readonly live: number;
  /** Sum over `vesting`. */
  readonly unvested: number;
  readonly vesting: readonly Vesting[];
};

export type MintState = {
  readonly listings: Table<Listing>;
  /** By `unitKeyOf`, until they are finished. */
  readonly units: Table<Unit>;
  /** By listing and account. */
  readonly enrolments: Table<Enrolment>;
  /** Sum of the units in `enrolments`. */
  readonly waiting: number;
  readonly workers: Table<Worker>;
  /** Which slots were paid: three bits a unit, 256 units an entry (rewards.ts). */
  readonly paid: Table<Bytes>;
  /** Sum over `workers`. */
  readonly unvested: number;
  /** What the last epoch that paid anything granted of what was earned in it: less if the cap cut it. */
  readonly lastShare: { readonly granted: number; readonly earned: number };
};
