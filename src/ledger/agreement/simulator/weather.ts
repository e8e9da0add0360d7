import { toleratedLiars } from '../committee.ts';
import type { Chance } from './chance.ts';

/** How bad it is until the network heals. Times are in ticks, of which a message takes one or more. */
export type Weather = {
  readonly healsAt: number;
  readonly parts: boolean;
  readonly drop: number;
  readonly duplicate: number;
  readonly slowest: number;
  /** How likely the votes of a round and type are veiled, see `Veil`. */
  readonly veil: number;
  readonly crash: number;
  /** When most crash at once: at a time, or soon after the first of them decided. */
  readonly blackoutAt: number | 'decision' | undefined;
  readonly liars: number;
  /** How likely a liar schemes. */
  readonly schemers: number;
  /** A keeper who never has anything to propose. */
  readonly barren: number;
  readonly untimely: number;
};

/** Nothing goes wrong: messages take a tick or more, that is all. */
export const calmWeather: Weather = {
  healsAt: 0,
  parts: false,
  drop: 0,
  duplicate: 0,
  slowest: 3,
  veil: 0,
  crash: 0,
  blackoutAt: undefined,
  liars: 0,
  schemers: 0,
  barren: -1,
  untimely: 0,
};

export const weatherFrom = (chance: Chance, n: number): Weather =>
  chance.happens(0.5) ? stormFrom(chance, n) : intrigueFrom(chance, n);

/** Everything goes wrong by itself. */
const stormFrom = (chance: Chance, n: number): Weather => ({
  healsAt: chance.between(0, 600),
  parts: true,
  drop: chance.happens(0.2) ? 0 : chance.next() * 0.4,
  duplicate: chance.next() * 0.3,
  slowest: chance.between(2, 60),
  veil: chance.happens(0.5) ? 0 : chance.next() * 0.8,
  crash: chance.happens(0.4) ? 0 : chance.next() * 0.03,
  blackoutAt: chance.happens(0.6) ? undefined : chance.between(20, 400),
  liars: chance.between(0, toleratedLiars(n)),
  schemers: 0.3,
  barren: n > 1 && chance.happens(0.2) ? chance.between(0, n - 1) : -1,
  untimely: chance.happens(0.4) ? 0 : chance.next() * 0.4,
});

/** All goes well, but for the liars, and a network that is in league with them: what deep states take. */
const intrigueFrom = (chance: Chance, n: number): Weather => ({
  healsAt: chance.between(200, 700),
  parts: false,
  drop: 0,
  duplicate: 0,
  slowest: 4,
  veil: 0.3 + chance.next() * 0.6,
  crash: 0,
  blackoutAt: chance.pick([undefined, chance.between(50, 400), 'decision']),
  liars: toleratedLiars(n),
  schemers: 0.8,
  barren: -1,
  untimely: chance.happens(0.6) ? 0 : chance.next() * 0.3,
});
