import type { Unit } from '../../../src/ledger/transition/mint/types.ts';

/**
 * Ways to be paid for work that was not done. All colluders are one gang: they know each other, agree on one wrong output for
 * each unit, and see everything in the log. Each way says when its worker lies; otherwise it works honestly.
 */
export type Strategy = keyof typeof strategies;

export type View = {
  readonly unit: Unit;
  /** Nobody else has a part in the unit, or only the gang. */
  readonly safe: boolean;
  readonly alone: boolean;
  /** Has the streak that lets it work alone. */
  readonly veteran: boolean;
  /** The listing pays more for a unit than the other. */
  readonly dear: boolean;
};

export const strategies = {
  /** Never computes. */
  lazy: () => true,
  /** Lies when paired with a friend. */
  paired: ({ safe, alone }: View) => safe && !alone,
  /** Honest until it may work alone, then lies whenever no honest partner would see it. */
  turncoat: ({ safe, veteran }: View) => safe && veteran,
  /** Lies whenever no honest partner would see it; found out, it comes back as somebody else. */
  sybil: ({ safe }: View) => safe,
  /** Earns its streak with cheap units and lies where a unit pays much. */
  switcher: ({ safe, dear }: View) => safe && dear,
} as const satisfies Record<string, (view: View) => boolean>;

export const strategyNames = Object.keys(strategies) as readonly Strategy[];
