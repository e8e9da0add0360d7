import type { AccountId } from '../../../src/core/brand.ts';
import { concatBytes } from '../../../src/core/bytes.ts';
import { unwrap } from '../../../src/core/result.ts';
import { parseAmount } from '../../../src/ledger/amounts.ts';
import {
  createPerson,
  createTestGenesis,
  createTestKeeper,
  type Person,
} from '../../../src/ledger/testDoubles.ts';
import { mintIdOf, unitKeyOf } from '../../../src/ledger/transition/mint/commitment.ts';
import { rewardOf } from '../../../src/ledger/transition/mint/rewards.ts';
import { hasStreak, workerOf } from '../../../src/ledger/transition/mint/state.ts';
import {
  type Answer,
  createMintWorld,
  createTerms,
  hashOf,
  honest,
  isRight,
  list,
  type MintWorld,
  takeTurn,
} from '../../../src/ledger/transition/mint/testDoubles.ts';
import type { ListingId, Seat, Unit } from '../../../src/ledger/transition/mint/types.ts';
import { createSeededRandom, type SeededRandom } from '../random.ts';
import { type Choice, type Strategy, strategies } from './strategies.ts';

export type VillagePlan = {
  readonly seed: number;
  readonly epochs: number;
  readonly workers: number;
  /** Percent of the workers that cheat; one keeper of four cheats with them. */
  readonly colluders: number;
  readonly strategy: Strategy;
  /** What computing a unit costs, as a part of what it pays. */
  readonly computeCost: number;
};

/** µVC of one worker, over all accounts it ever had. */
export type Outcome = {
  readonly honest: boolean;
  /** Paid out, and vesting still. */
  readonly gross: number;
  /** Less the cost of what it computed. */
  readonly net: number;
};

export type VillageReport = {
  readonly outcomes: readonly Outcome[];
  readonly accepted: number;
  readonly wrong: number;
  /** Units done again by a keeper's worker, of those accepted or not. */
  readonly reviewed: number;
  readonly voided: number;
  /** µVC that honest workers forfeited, and how often they did. */
  readonly honestLoss: number;
  readonly honestForfeits: number;
};

type Villager = {
  readonly name: string;
  readonly honest: boolean;
  readonly isKeeper: boolean;
  readonly random: SeededRandom;
  /** The last is the present one. */
  readonly people: Person[];
  /** By unit: what it said, once. */
  readonly said: Map<string, Uint8Array>;
  spent: number;
  awayUntil: number;
};

const keeperCount = 4;
const capacity = 4;
const dropOut = 0.01;

/**
 * A swarm of workers, each with four units at a time, over two listings of which one pays five times as much. All drop
 * out now and then in the middle of a unit; one keeper's worker in four belongs to the gang, and vouches for it as a reviewer.
 */
export const runVillage = (plan: VillagePlan): VillageReport => {
  const village = foundVillage(plan);
  const { world, villagers } = village;
  for (let epoch = 0; epoch < plan.epochs; epoch++) {
    for (const villager of villagers) beginEpoch(village, villager, epoch);
    // Twice, so that who commits last sees the others reveal in the same epoch.
    for (let round = 0; round < 2; round++)
      for (const villager of villagers) if (villager.awayUntil <= epoch) work(village, villager);
    remember(village);
    world.endEpochs();
    for (const [key, { phase }] of world.state.mint.units.entries())
      if (phase === 'review') village.reviewed.add(key);
    for (const villager of villagers) comeBack(village, villager);
  }
  return reportOf(village);
};

type Village = {
  readonly plan: VillagePlan;
  readonly world: MintWorld;
  readonly villagers: readonly Villager[];
  readonly gang: Set<AccountId>;
  readonly listings: { readonly cheap: ListingId; readonly dear: ListingId };
  /** By mint id: whether what its holder said is right. */
  readonly verdicts: Map<string, { readonly unit: string; readonly right: boolean }>;
  readonly reviewed: Set<string>;
  /** By unit: what the gang does about it. */
  readonly choices: Map<string, Choice>;
};

const foundVillage = (plan: VillagePlan): Village => {
  const random = createSeededRandom(plan.seed);
  const genesis = createTestGenesis({ keepers: keeperCount });
  const world = createMintWorld({ ...genesis, name: `village ${plan.seed}` });
  const units = 2 ** 20;
  const cheap = list(world, createTerms({ title: 'cheap', cost: 1_000, units }));
  const dear = list(world, createTerms({ title: 'dear', cost: 5_000, units }));
  const liars = Math.round((plan.workers * plan.colluders) / 100);
  const villager = (name: string, isHonest: boolean, keeper?: Person): Villager => ({
    name,
    honest: isHonest,
    isKeeper: keeper !== undefined,
    random: random.fork(name),
    people: [keeper ?? createPerson(`${name} of ${plan.seed}`)],
    said: new Map(),
    spent: 0,
    awayUntil: 0,
  });
  const villagers = [
    ...Array.from({ length: keeperCount }, (_, seat) =>
      villager(`keeper ${seat}`, seat > 0, createTestKeeper(`${seat}`).person),
    ),
    ...Array.from({ length: plan.workers }, (_, i) => villager(`worker ${i}`, i >= liars)),
  ];
  const gang = new Set(villagers.filter((each) => !each.honest).map((each) => present(each).id));
  return {
    plan,
    world,
    villagers,
    gang,
    listings: { cheap, dear },
    verdicts: new Map(),
    reviewed: new Set(),
    choices: new Map(),
  };
};

const present = ({ people }: Villager): Person => people.at(-1)!;

const beginEpoch = ({ world, listings }: Village, villager: Villager, epoch: number): void => {
  const { random, isKeeper } = villager;
  if (!isKeeper && random.chance(dropOut)) villager.awayUntil = epoch + 1 + random.int(12);
  if (villager.awayUntil > epoch) return;
  const person = present(villager);
  const { live, streak } = workerOf(world.state, person.id);
  const room = isKeeper
    ? 2 * capacity
    : hasStreak(world.state, person.id)
      ? capacity
      : Math.min(capacity, streak + 1);
  const enrolled = Object.values(listings).some((id) =>
    world.state.mint.enrolments.has(`${id}/${person.id}`),
  );
  if (enrolled || live >= room) return;
  const listing = random.chance(0.2) ? listings.dear : listings.cheap;
  const refused = world.act(person, 'enrol', { listing, units: room - live });
  if (refused) throw new Error(`${villager.name}: ${refused}`);
};

const work = (village: Village, villager: Villager): void => {
  const person = present(villager);
  const answer: Answer = (due) => {
    const key = unitKeyOf(due.listing, due.unit);
    const unit = village.world.state.mint.units.get(key);
    if (!unit) return undefined;
    const inGang = ({ account }: Seat) => village.gang.has(account);
    const wrong = hashOf(`${key} is wrong`);
    if (due.what === 'judge') return !villager.honest && unit.slots.some(inGang) ? wrong : honest(due);
    const before = villager.said.get(key);
    if (before) return before;
    const choice = villager.honest ? 'work' : choiceFor(village, unit);
    if (choice === 'decline') return undefined;
    const lies = choice === 'lie';
    const said = lies ? wrong : concatBytes(honest(due) as Uint8Array);
    if (!lies) villager.spent += costOf(village, due.listing);
    villager.said.set(key, said);
    return said;
  };
  const refusals = takeTurn(village.world, person, answer);
  if (refusals.length > 0) throw new Error(`${villager.name}: ${refusals[0]}`);
};

/** What the gang has agreed on when the first of it began the unit. */
const choiceFor = ({ choices, gang, plan, world, listings }: Village, unit: Unit): Choice => {
  const key = unitKeyOf(unit.listing, unit.unit);
  const choice =
    choices.get(key) ??
    strategies[plan.strategy]({
      safe: unit.slots.every(({ account }) => gang.has(account)),
      alone: unit.slots.length === 1,
      veteran: unit.slots.some(({ account }) => hasStreak(world.state, account)),
      dear: unit.listing === listings.dear,
    });
  if (choice !== 'decline') choices.set(key, choice);
  return choice;
};

const costOf = ({ world, plan }: Village, id: ListingId): number => {
  const listing = world.state.mint.listings.get(id);
  return listing ? Math.round(rewardOf(listing, world.state.parameters) * plan.computeCost) : 0;
};

/** What every slot says, before the epoch's end decides. */
const remember = ({ world, verdicts }: Village): void => {
  for (const [key, { listing, unit, slots }] of world.state.mint.units.entries())
    for (const { slot, root } of slots)
      if (root)
        verdicts.set(mintIdOf(listing, unit, slot), { unit: key, right: isRight(listing, unit, root) });
};

/** A Sybil that was found out leaves that account and what it earned behind, and comes as somebody new. */
const comeBack = ({ world, gang, plan }: Village, villager: Villager): void => {
  if (villager.honest || villager.isKeeper || plan.strategy !== 'sybil') return;
  const { id } = present(villager);
  const { streak, accepted, unvested, live } = workerOf(world.state, id);
  if (!(accepted > 0 && streak === 0 && unvested === 0 && live === 0)) return;
  const person = createPerson(`${villager.name} of ${plan.seed}, ${villager.people.length}`);
  villager.people.push(person);
  gang.add(person.id);
};

const reportOf = ({ world, villagers, verdicts, gang, reviewed }: Village): VillageReport => {
  const { state, events } = world;
  const outcomes = villagers
    .filter(({ isKeeper }) => !isKeeper)
    .map(({ honest: isHonest, people, spent }) => {
      const gross = people.reduce(
        (sum, { id }) => sum + (state.accounts.get(id)?.balance ?? 0) + workerOf(state, id).unvested,
        0,
      );
      return { honest: isHonest, gross, net: gross - spent };
    });
  const units = new Map<string, boolean>();
  for (const { what, about } of events) {
    const verdict = what.startsWith('earned') && about ? verdicts.get(about) : undefined;
    if (verdict) units.set(verdict.unit, (units.get(verdict.unit) ?? true) && verdict.right);
  }
  const forfeits = events.filter(
    ({ what, account }) => what.startsWith('forfeited') && account && !gang.has(account),
  );
  const listings = [...state.mint.listings.entries()].map(([, listing]) => listing);
  return {
    outcomes,
    accepted: units.size,
    wrong: [...units.values()].filter((right) => !right).length,
    reviewed: reviewed.size,
    voided: listings.reduce((sum, { voided }) => sum + voided, 0),
    honestLoss: forfeits.reduce((sum, { what }) => sum + amountIn(what), 0),
    honestForfeits: forfeits.length,
  };
};

const amountIn = (what: string): number => unwrap(parseAmount(what.replace(/^forfeited (.*) VC$/, '$1')));
