import { createSeededRandom, type SeededRandom } from '../random.ts';
import { type BadBlock, badBlocks } from './badBlocks.ts';

/** A swarm and its troubles, drawn from a seed. Times are virtual milliseconds. */
export type LedgerPlan = {
  readonly seed: number;
  readonly keepers: number;
  /** Seats of keepers that lie, at most f. */
  readonly liars: readonly number[];
  readonly wallets: number;
  /** Operations each honest owner wants. */
  readonly intents: number;
  readonly mallory: boolean;
  readonly epochSeconds: number;
  readonly drop: number;
  readonly duplicate: number;
  /** Share of messages that take up to a second longer: they overtake each other. */
  readonly late: number;
  readonly partitions: readonly { readonly from: number; readonly until: number; readonly alone: number }[];
  /** Chance of a crash at an effect, and how many there may be. */
  readonly crash: number;
  readonly crashes: number;
  /** A keeper that comes back with an old disk once; at N > 1 it is one of the f. */
  readonly backup: boolean;
  /** This seat goes to somebody new with the end of an epoch. */
  readonly newcomer: number | undefined;
  /** Decided before genesis, or by a proposal of the host. */
  readonly newcomerBy: 'genesis' | 'proposal';
  /** Owners order work and pay for it. */
  readonly trade: boolean;
  /** The host changes a parameter and grants something; a keeper reveals a beacon. */
  readonly govern: boolean;
  /** How long wallets wait between one intent and the next: they go on into later epochs. */
  readonly pauseMs: number;
  /** What liars wait for, in good faith until they lead and can propose it; undefined: they do what comes to their minds. */
  readonly plot: BadBlock | undefined;
  readonly healAt: number;
  /** Messages go through their bytes. */
  readonly encoded: boolean;
  readonly realKeys: boolean;
};

export const planLedger = (seed: number): LedgerPlan => {
  const random = createSeededRandom(seed).fork('plan');
  const keepers = random.chance(0.25) ? 1 : random.chance(0.02) ? 7 : 4;
  const faults = Math.floor((keepers - 1) / 3);
  const seats = shuffled(
    random,
    Array.from({ length: keepers }, (_, seat) => seat),
  );
  const first = random.chance(0.6);
  const newcomer = keepers > 1 && random.chance(0.15) ? random.int(keepers) : undefined;
  const more = createSeededRandom(seed).fork('business');
  const plot = more.chance(0.6) ? more.pick(badBlocks) : undefined;
  const backup = random.chance(0.1);
  const lying = random.chance(0.65) ? faults : 0;
  const healAt = random.between(1_500, 4_500);
  const calm = keepers === 1 && backup;
  const wild = () => (calm || random.chance(0.4) ? 0 : random.between(0, 0.25));
  return {
    seed,
    keepers,
    // Who made the last block leads: a liar that leads from the start does most harm.
    liars: liarsOf(first || plot !== undefined, seats, Math.max(0, lying - (backup ? 1 : 0))),
    wallets: 1 + random.int(2),
    intents: 1 + random.int(3),
    mallory: random.chance(0.6),
    epochSeconds: 2 + random.int(2),
    drop: wild(),
    duplicate: wild(),
    late: wild(),
    partitions: calm ? [] : drawPartitions(random, keepers, healAt),
    crash: !calm && random.chance(0.5) ? random.between(0.002, 0.02) : 0,
    crashes: 1 + random.int(4),
    backup,
    newcomer,
    newcomerBy: more.chance(0.4) ? 'proposal' : 'genesis',
    trade: more.chance(0.1),
    govern: more.chance(0.1),
    pauseMs: more.chance(plot ? 0.5 : 0.2) ? more.between(500, 2_000) : 0,
    plot,
    healAt,
    encoded: random.chance(0.02),
    realKeys: random.chance(0.004),
  };
};

const liarsOf = (first: boolean, seats: readonly number[], count: number): readonly number[] =>
  (first ? [0, ...seats.filter((seat) => seat !== 0)] : seats).slice(0, count);

const drawPartitions = (random: SeededRandom, keepers: number, healAt: number): LedgerPlan['partitions'] => {
  if (keepers === 1 || random.chance(0.6)) return [];
  return Array.from({ length: 1 + random.int(2) }, () => {
    const from = random.between(0, healAt - 500);
    const until = Math.min(healAt, from + random.between(300, 3_000));
    return { from, until, alone: random.int(2 ** keepers) };
  });
};

const shuffled = <T>(random: SeededRandom, items: readonly T[]): T[] => {
  const left = [...items];
  return items.map(() => left.splice(random.int(left.length), 1)[0]!);
};
