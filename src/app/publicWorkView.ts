import type { Result } from '../core/result.ts';

/** Public work: what may be done for newly made VCoin, and what this device does of it. Amounts are whole µVC. */
export type PublicWorkView =
  | { readonly phase: 'off'; readonly reason: string }
  | { readonly phase: 'opening' }
  | OpenPublicWorkView;

export type OpenPublicWorkView = {
  readonly phase: 'open';
  /** Newest last. */
  readonly listings: readonly ListingView[];
  /** Pages of this host that are not listed yet. */
  readonly offered: readonly OfferedPagesView[];
  readonly worker: WorkerView;
  readonly earnings: EarningsView;
  readonly listing: ListingRunView;
};

export type ListingView = {
  readonly id: string;
  readonly title: string;
  readonly units: number;
  /** Read, checked and paid. */
  readonly accepted: number;
  /** Given up without a result. */
  readonly voided: number;
  /** Of one page, before the epoch's cap. */
  readonly reward: number;
  readonly closed: boolean;
  /** Why this device can't take part in it; undefined: it can. */
  readonly obstacle: string | undefined;
};

export type OfferedPagesView = {
  /** What `proposeListing` takes. */
  readonly id: string;
  readonly name: string;
  readonly pages: number;
  /** proposed: in a vote, or to be listed at the end of the epoch. */
  readonly state: 'unlisted' | 'proposed';
};

export type WorkerView = {
  /** The person's switch. */
  readonly wanted: boolean;
  /** What has to be changed before it can work at all: consent, or whose wallet this is. */
  readonly obstacle: string | undefined;
  readonly phase: 'off' | 'other-tab' | 'waiting' | 'reading' | 'signing';
  /** In words: what it does, or why nothing. */
  readonly doing: string;
  /** The last refusal or failure that still stands in the way. */
  readonly problem: string | undefined;
  /** As measured here; undefined before the first page. */
  readonly pageMs: number | undefined;
  /** Pages that it asked for and those that it holds now. */
  readonly asked: number;
  readonly held: number;
};

export type EarningsView = {
  /** Accepted pages since the last bad or late one, and how many make it trusted to work alone. */
  readonly streak: number;
  readonly veteranStreak: number;
  readonly accepted: number;
  readonly unvested: number;
  readonly next: { readonly reward: number; readonly units: number } | undefined;
};

export type ListingRunView =
  /** `refusal`: why this account can't propose now. `deposit`: what is put down for it. */
  | { readonly phase: 'idle'; readonly refusal: string | undefined; readonly deposit: number }
  | { readonly phase: 'running'; readonly pages: string; readonly doing: string };

export interface PublicWorkCommands {
  /** Work for the swarm while this device is idle; for all tabs of it. Off stops within seconds. */
  setPublicWork(wanted: boolean): Promise<Result<void, string>>;
  /** Reads two pages or more to see what they cost, then proposes the list; resolves when that is final. */
  proposeListing(input: { readonly title: string; readonly pages: string }): Promise<Result<void, string>>;
  cancelListing(): void;
}
