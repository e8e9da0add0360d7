import type { AccountId } from '../../core/brand.ts';
import { equalBytes } from '../../core/bytes.ts';
import { unitKeyOf } from '../../ledger/transition/mint/commitment.ts';
import { mintLimits } from '../../ledger/transition/mint/limits.ts';
import { type Assignment, assignmentsOf } from '../../ledger/transition/mint/queries.ts';
import { unitsAllowed, workerOf } from '../../ledger/transition/mint/state.ts';
import type { Enrolment, Listing, ListingId } from '../../ledger/transition/mint/types.ts';
import type { LedgerState } from '../../ledger/types.ts';
import type { KeptWork } from './memory.ts';
import { readingModel } from './output.ts';
import { type InputList, type ListedPage, pageOf } from './source.ts';

/** What is due besides the ledger's state. */
export type Situation = {
  /** The person wants it, and consent allows it. */
  readonly wanted: boolean;
  /** Why the device has no time for it now, in words. */
  readonly busy: string | undefined;
  /** Monotonic milliseconds since the present epoch began. */
  readonly epochAgeMs: number;
  /** As measured here lately; undefined before the first page. */
  readonly pageMs: number | undefined;
  /** An operation of ours is on its way: one at a time, so that each is decided on what the one before has changed. */
  readonly sending: boolean;
  /** A page is being read: one at a time, too. */
  readonly reading: boolean;
  readonly lists: readonly InputList[];
  /** By `stepKey`: failed a moment ago, to be tried again later. */
  readonly resting: ReadonlySet<string>;
};

type Slotted = Assignment & { readonly slot: number };
export type WorkStep =
  | { readonly kind: 'rest'; readonly why: string }
  /** 0 units take the wish back. */
  | { readonly kind: 'enrol'; readonly listing: ListingId; readonly units: number }
  | { readonly kind: 'read'; readonly due: Assignment; readonly page: ListedPage }
  | { readonly kind: 'commit' | 'reveal'; readonly due: Slotted; readonly work: KeptWork }
  | { readonly kind: 'judge'; readonly due: Assignment; readonly work: KeptWork };

export const stepKey = (step: WorkStep): string => {
  if (step.kind === 'rest') return 'rest';
  if (step.kind === 'enrol') return `enrol/${step.listing}/${step.units > 0}`;
  return `${step.kind}/${unitKeyOf(step.due.listing, step.due.unit)}`;
};

/**
 * What this account should do now: what was promised first, then the most urgent page, then more. Switched off it reads nothing
 * and asks for nothing, takes back what it asked for, and only says what it has committed to: that needs no work, and silence
 * would end the streak. A unit whose turn passes before it is begun goes back without harm.
 */
export const nextWork = (
  state: LedgerState,
  account: AccountId,
  kept: ReadonlyMap<string, KeptWork>,
  now: Situation,
): WorkStep => {
  const dues = assignmentsOf(state, account);
  const steps = [
    ...(now.sending ? [] : dues.flatMap((due) => saying(due, kept, now))),
    ...(now.sending ? [] : takingBack(state, account, now)),
    ...(now.wanted && now.busy === undefined && !now.reading ? readings(state, dues, kept, now) : []),
    ...(now.wanted && now.busy === undefined && !now.sending ? asking(state, account, dues, kept, now) : []),
  ];
  const next = steps.find((step) => !now.resting.has(stepKey(step)));
  return next ?? { kind: 'rest', why: whyNothing(state, account, dues, now) };
};

/** Promises are kept also when switched off; new ones are not made then. */
const saying = (
  due: Assignment,
  kept: ReadonlyMap<string, KeptWork>,
  { wanted }: Situation,
): readonly WorkStep[] => {
  const work = kept.get(unitKeyOf(due.listing, due.unit));
  if (!work) return [];
  const { slot } = due;
  switch (due.what) {
    case 'reveal':
      return slot === undefined ? [] : [{ kind: 'reveal', due: { ...due, slot }, work }];
    case 'commit':
      return slot === undefined || !wanted ? [] : [{ kind: 'commit', due: { ...due, slot }, work }];
    case 'judge':
      return wanted ? [{ kind: 'judge', due, work }] : [];
    case 'openings':
      return []; // of outputs on a grid, which reading has none of
    default:
      return due.what satisfies never;
  }
};

const takingBack = (state: LedgerState, account: AccountId, { wanted }: Situation): readonly WorkStep[] =>
  wanted ? [] : enrolmentsOf(state, account).map(({ listing }) => ({ kind: 'enrol', listing, units: 0 }));

const readings = (
  state: LedgerState,
  dues: readonly Assignment[],
  kept: ReadonlyMap<string, KeptWork>,
  now: Situation,
): readonly WorkStep[] =>
  dues.flatMap((due): readonly WorkStep[] => {
    const listing = state.mint.listings.get(due.listing);
    if (!listing || !isUnread(due, kept) || !isReadable(listing)) return [];
    const page = pageOf(listing, due.unit, now.lists);
    return page && canFinish(state, due, now) ? [{ kind: 'read', due, page }] : [];
  });

/** Never more than can be read in half the time before the turn passes: the device has other work as well. */
const asking = (
  state: LedgerState,
  account: AccountId,
  dues: readonly Assignment[],
  kept: ReadonlyMap<string, KeptWork>,
  now: Situation,
): readonly WorkStep[] => {
  const enrolments = enrolmentsOf(state, account);
  const asked = enrolments.reduce((sum, { units }) => sum + units, 0);
  const unread = dues.filter((due) => isUnread(due, kept)).length;
  const speed = now.pageMs === undefined ? 1 : Math.floor(readingTimeMs(state) / now.pageMs);
  const allowed = unitsAllowed(state, account) - workerOf(state, account).live;
  const room = mintLimits.maxWaiting - state.mint.waiting;
  return [...state.mint.listings.entries()].flatMap(([, listing]): readonly WorkStep[] => {
    if (!isOpen(listing) || !isReadable(listing) || !pageOf(listing, 0, now.lists)) return [];
    // Asking again would begin the wait for a drawing anew.
    if (enrolments.some((enrolment) => enrolment.listing === listing.id)) return [];
    const units = Math.min(speed - unread - asked, allowed - asked, room, unitsLeft(listing));
    return units > 0 ? [{ kind: 'enrol', listing: listing.id, units }] : [];
  });
};

const whyNothing = (
  state: LedgerState,
  account: AccountId,
  dues: readonly Assignment[],
  now: Situation,
): string => {
  if (!now.wanted) return 'switched off';
  if (now.busy !== undefined) return now.busy;
  const open = [...state.mint.listings.entries()].map(([, listing]) => listing).filter(isOpen);
  if (open.length === 0) return 'there is no public work now';
  const known = open.filter(isReadable);
  if (known.length === 0) return 'the work that is listed needs another version of this page';
  if (!known.some((listing) => pageOf(listing, 0, now.lists)))
    return 'this host does not offer the pages that are listed';
  if (now.pageMs !== undefined && now.pageMs > readingTimeMs(state))
    return `reading a page took ${Math.ceil(now.pageMs / 1_000)} s here, too long for epochs of ${state.parameters.epochSeconds} s`;
  if (enrolmentsOf(state, account).length > 0) return 'waiting to be drawn at the end of an epoch';
  if (workerOf(state, account).live > 0 || dues.length > 0) return 'waiting for the others of its pages';
  return 'waiting';
};

export const enrolmentsOf = (state: LedgerState, account: AccountId): readonly Enrolment[] =>
  [...state.mint.enrolments.entries()].map(([, each]) => each).filter((each) => each.account === account);

const isUnread = ({ what, listing, unit }: Assignment, kept: ReadonlyMap<string, KeptWork>): boolean =>
  (what === 'commit' || what === 'judge') && !kept.has(unitKeyOf(listing, unit));

/** Units in which the account has a seat, by key. */
export const heldUnits = (state: LedgerState, account: AccountId): ReadonlySet<string> =>
  new Set(
    [...state.mint.units.entries()].flatMap(([key, { slots }]) =>
      slots.some((slot) => slot.account === account) ? [key] : [],
    ),
  );

export const isReadable = ({ model, match }: Pick<Listing, 'model' | 'match'>): boolean =>
  match.kind === 'hash' && equalBytes(model, readingModel);

const isOpen = (listing: Listing): boolean => !listing.closed && unitsLeft(listing) > 0;

const unitsLeft = ({ units, next, free }: Listing): number => units - next + free.length;

const epochMs = ({ parameters }: LedgerState): number => parameters.epochSeconds * 1_000;

/** Of the three epochs of a turn the first may be short by the time it takes to hear of the draw. */
const readingTimeMs = (state: LedgerState): number => ((mintLimits.turnEpochs - 1) * epochMs(state)) / 2;

/** With time left to be ordered. */
const canFinish = (state: LedgerState, { deadline }: Assignment, { epochAgeMs, pageMs }: Situation) => {
  const left = (deadline - state.epoch + 1) * epochMs(state) - epochAgeMs;
  return left > (pageMs ?? 0) + Math.min(5_000, epochMs(state) / 2);
};
