/**
 * Ways to be paid for work that was not done. The colluders of a village are one gang with one way: they know each other, see
 * everything in the log, and decide together on every unit that only they work on whether to compute it or to agree on one
 * wrong output. A way says what they choose.
 */
export type Strategy = keyof typeof strategies;

export type View = {
  /** Only the gang has a part in the unit. */
  readonly safe: boolean;
  readonly alone: boolean;
  /** One of its workers has the streak that lets it work alone. */
  readonly veteran: boolean;
  /** The listing pays more for a unit than the other. */
  readonly dear: boolean;
};

export type Choice = 'work' | 'lie' | 'decline';

const lieIf = (lies: boolean): Choice => (lies ? 'lie' : 'work');

export const strategies = {
  /** Never computes. */
  lazy: () => 'lie',
  /** Lies when paired with a friend, and works honestly alone. */
  paired: ({ safe, alone }) => lieIf(safe && !alone),
  /** The same, and gives units back uncommitted, at no cost, until its partner is a friend. */
  choosy: ({ safe, alone }) => (safe ? lieIf(!alone) : 'decline'),
  /** Honest until one may work alone, then lies whenever no honest partner would see it. */
  turncoat: ({ safe, veteran }) => lieIf(safe && veteran),
  /** Lies whenever no honest partner would see it; found out, it comes back as somebody else. */
  sybil: ({ safe }) => lieIf(safe),
  /** Earns its streak with cheap units and lies where a unit pays much. */
  switcher: ({ safe, dear }) => lieIf(safe && dear),
} as const satisfies Record<string, (view: View) => Choice>;

export const strategyNames = Object.keys(strategies) as readonly Strategy[];
